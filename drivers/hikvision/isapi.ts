/** The few questions that are put to a terminal. */
import { DeviceError, type DeviceIdentity, type Moment, type SiteZone } from '../../src/driver.js'
import { checkDone, type Answered, type Client, type Question } from './client.js'
import { fieldsIn, fieldsOf, pageIn, textOf, type Page } from './event.js'
import { instantOf, isoOf } from './time.js'
import { xmlText } from './xml.js'

/** What we ask for; terminals take 1 to 30. [FACE A2] */
export const HEARTBEAT_S = 30
/** More are cut or refused. [FACE A4] */
const PAGE = 30
/** The most that a terminal names; some want an end where there is a beginning. */
const LAST_SERIAL = 3_000_000_000

export interface About extends DeviceIdentity {
  /** 12 upper-case hex digits, or ''. */
  readonly mac: string
  readonly arrived: Moment | undefined
}

/** [FACE A1] */
export async function deviceInfo(client: Client): Promise<About> {
  const question: Question = { method: 'GET', path: '/ISAPI/System/deviceInfo' }
  const { text, arrived } = await client.ask(question)
  const fields = fieldsIn(text.trim())
  const info = fieldsOf(fields?.['DeviceInfo']) ?? fields
  const serial = textOf(info, 'serialNumber')
  if (serial === '')
    throw new DeviceError('device-refused', `${client.host} does not tell its serial number`, {
      hint: 'is this the address of a Hikvision terminal?',
    })
  return {
    model: textOf(info, 'model') || 'Hikvision terminal',
    firmware: textOf(info, 'firmwareVersion'),
    serial,
    mac: textOf(info, 'macAddress').replace(/[:-]/g, '').toUpperCase(),
    arrived,
  }
}

/** By how much its clock is ahead of ours, where it tells. [FACE A1] */
export async function clockAhead(client: Client, zone: SiteZone, uptime: () => number): Promise<number | undefined> {
  const begun = uptime()
  const question: Question = { method: 'GET', path: '/ISAPI/System/time' }
  const { text, arrived } = await client.ask(question)
  checkDone(question, text)
  const fields = fieldsIn(text.trim())
  const time = fieldsOf(fields?.['Time']) ?? fields
  const theirs = instantOf(textOf(time, 'localTime'), zone, textOf(time, 'timeZone'))
  if (theirs === undefined || !arrived) return undefined
  // It looked at its clock somewhere between question and answer, and tells whole seconds.
  return Math.round(theirs + 500 - (arrived.wall - (uptime() - begun) / 2))
}

/** Tells it to push to us. XML: several firmware versions refuse JSON here. [FACE A2] */
export async function arm(client: Client, callback: string, path: string): Promise<void> {
  const { protocol, host, port } = partsOf('callback', callback)
  const isAddress = /^[\d.]+$|:/.test(host)
  const question: Question = {
    method: 'PUT',
    path: '/ISAPI/Event/notification/httpHosts/1',
    body: [
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<HttpHostNotification version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">',
      `<id>1</id><url>${xmlText(path)}</url><protocolType>${protocol.toUpperCase()}</protocolType>`,
      '<parameterFormatType>JSON</parameterFormatType>',
      `<addressingFormatType>${isAddress ? 'ipaddress' : 'hostname'}</addressingFormatType>`,
      isAddress ? `<ipAddress>${xmlText(host)}</ipAddress>` : `<hostName>${xmlText(host)}</hostName>`,
      `<portNo>${port}</portNo><httpAuthenticationMethod>none</httpAuthenticationMethod>`,
      `<SubscribeEvent><heartbeat>${HEARTBEAT_S}</heartbeat><eventMode>all</eventMode></SubscribeEvent>`,
      '</HttpHostNotification>',
    ].join('\n'),
  }
  const { text } = await client.ask(question)
  checkDone(question, text)
}

export interface CallbackParts {
  readonly protocol: string
  readonly host: string
  readonly port: number
}

/** Parts of `http://192.168.1.10:8090`; throws DeviceError with a hint for what is none. */
export function partsOf(option: string, written: string): CallbackParts {
  const match = /^(https?):\/\/(\[[0-9a-f:]+\]|[\w.-]+)(?::(\d{1,5}))?\/?$/i.exec(written)
  const [, protocol = '', host = '', port = protocol.toLowerCase() === 'https' ? '443' : '80'] = match ?? []
  if (match && Number(port) <= 65_535)
    return { protocol: protocol.toLowerCase(), host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
  throw new DeviceError('device-refused', `${option} "${written}" is no URL`, {
    hint: 'write it as http://192.168.1.10:8090',
  })
}

/** Whether records can be asked for by their number; terminals that do not know the question cannot. [FACE A4] */
export async function knowsSerials(client: Client): Promise<boolean> {
  try {
    const { text } = await client.ask({ method: 'GET', path: '/ISAPI/AccessControl/AcsEvent/capabilities?format=json' })
    return /"beginSerialNo"/.test(text)
  } catch (error) {
    if (error instanceof DeviceError && error.name === 'DeviceError') return false
    throw error
  }
}

export interface Search {
  readonly id: string
  readonly position: number
  /** Milliseconds since 1970, by the terminal's clock. */
  readonly from: number
  readonly to: number
  readonly beginSerialNo?: number
  readonly offsetMinutes: number
}

/** One page of its log. [FACE A4] */
export async function acsPage(client: Client, search: Search): Promise<Page & Pick<Answered, 'arrived'>> {
  const question: Question = {
    method: 'POST',
    path: '/ISAPI/AccessControl/AcsEvent?format=json',
    type: 'application/json',
    body: JSON.stringify({
      AcsEventCond: {
        searchID: search.id,
        searchResultPosition: search.position,
        maxResults: PAGE,
        major: 5,
        minor: 0,
        startTime: isoOf(search.from, search.offsetMinutes),
        endTime: isoOf(search.to, search.offsetMinutes),
        ...(search.beginSerialNo !== undefined && { beginSerialNo: search.beginSerialNo, endSerialNo: LAST_SERIAL }),
      },
    }),
  }
  const { text, arrived } = await client.ask(question)
  checkDone(question, text)
  const page = pageIn(text.trim())
  if (!page)
    throw new DeviceError('device-refused', `${client.host} answers a question about its log with something else`)
  return { ...page, arrived }
}
