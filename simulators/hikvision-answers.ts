/** Answers of the simulated face terminal. */
import type { Answered } from './hikvision-kinds.js'
import { timeText } from './hikvision-log.js'

const NAMESPACE = 'version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema"'

export function deviceInfo(serial: string): Answered {
  return xml(
    `<DeviceInfo ${NAMESPACE}><deviceName>Access Controller</deviceName><model>DS-K1T671M</model>` +
      `<serialNumber>DS-K1T671M20200101V030000EN${serial}</serialNumber><macAddress>aa:bb:cc:dd:ee:ff</macAddress>` +
      '<firmwareVersion>V3.2.2</firmwareVersion></DeviceInfo>',
  )
}

export function time(wall: number, offsetMinutes: number): Answered {
  const localTime = timeText(wall, offsetMinutes)
  return xml(`<Time ${NAMESPACE}><timeMode>NTP</timeMode><localTime>${localTime}</localTime><timeZone>CST-8:00:00</timeZone></Time>`) // prettier-ignore
}

export function capabilities(knowsSerials: boolean): Answered {
  const serials = knowsSerials ? { beginSerialNo: { '@min': 1, '@max': 3e9 } } : {}
  return json(JSON.stringify({ AcsEvent: { AcsEventCond: { maxResults: { '@min': 1, '@max': 30 }, ...serials } } }))
}

export function done(): Answered {
  return xml(`<ResponseStatus ${NAMESPACE}><statusCode>1</statusCode><statusString>OK</statusString><subStatusCode>ok</subStatusCode></ResponseStatus>`) // prettier-ignore
}

export function xml(body: string): Answered {
  const headers = { 'Content-Type': 'application/xml' }
  return { status: 200, headers, body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}` }
}

export function json(body: string): Answered {
  return { status: 200, headers: { 'Content-Type': 'application/json' }, body }
}

/** 200 and a failure, as several firmware versions have it. */
export function failure(statusCode: number, subStatusCode: string): Answered {
  return json(JSON.stringify({ statusCode, statusString: 'Invalid Content', subStatusCode }))
}

/** Where it is told to push, and how often it shall beat; undefined for XML it does not like. */
export function listenerIn(body: string): { readonly url: string; readonly heartbeatS: number } | undefined {
  const field = (name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1] ?? ''
  const host = field('addressingFormatType') === 'hostname' ? field('hostName') : field('ipAddress')
  const heartbeatS = Number(field('heartbeat'))
  const isRight = body.startsWith('<?xml') && field('id') === '1' && host !== '' && field('url').length <= 128
  if (!isRight || !(heartbeatS >= 1 && heartbeatS <= 30)) return undefined
  return { url: `${field('protocolType').toLowerCase()}://${host}:${field('portNo')}${field('url')}`, heartbeatS }
}
