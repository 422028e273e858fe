/** What a simulated face terminal sends: one event in each of the shapes that are seen. */
import type { LogEntry } from './hikvision-log.js'

export type Shape = 'json' | 'multipart' | 'xml'

export interface Sender {
  readonly serial: string
  /** Some firmware leaves it out of events. */
  readonly tellsSerial: boolean
  readonly shape: Shape
}

export interface Body {
  readonly type: string
  readonly bytes: Buffer
}

const BOUNDARY = 'MIME_boundary'
/** The beginning of a JPEG, and bytes that look like the beginning of other things. */
const PICTURE = Buffer.concat([
  Buffer.from([0xff, 0xd8, 0xff, 0xe0]),
  Buffer.from('\r\n--MIME_bound {"a": "\r\n\r\n<b>'),
  Buffer.alloc(300, 0x2d),
  Buffer.from([0xff, 0xd9]),
])

export function eventBody(sender: Sender, entry: LogEntry, isCurrent: boolean): Body {
  const fields = eventFields(sender, entry, isCurrent)
  if (sender.shape === 'xml') return { type: 'application/xml; charset="UTF-8"', bytes: Buffer.from(xmlOf(fields)) }
  const json = JSON.stringify(fields, null, '\t')
  if (sender.shape === 'json') return { type: 'application/json', bytes: Buffer.from(json) }
  const picture = entry.employee === '' ? undefined : PICTURE
  return { type: `multipart/form-data; boundary=${BOUNDARY}`, bytes: partsOf('AccessControllerEvent', json, picture) }
}

export function heartbeatBody(sender: Sender, time: string): Body {
  const fields = {
    ...headOf(sender, time),
    eventType: 'heartBeat',
    eventState: 'active',
    eventDescription: 'heartBeat',
  }
  if (sender.shape === 'xml') return { type: 'application/xml', bytes: Buffer.from(xmlOf(fields)) }
  if (sender.shape === 'json') return { type: 'application/json', bytes: Buffer.from(JSON.stringify(fields)) }
  // Some name the part of a heartbeat like that of an event.
  const bytes = partsOf('AccessControllerEvent', JSON.stringify(fields))
  return { type: `multipart/form-data; boundary=${BOUNDARY}`, bytes }
}

/** A part of the alert stream. */
export function streamPart(body: Body, boundary: string, hasLength: boolean): Buffer {
  const length = hasLength ? `Content-Length: ${body.bytes.length}\r\n` : ''
  const head = `--${boundary}\r\nContent-Type: ${body.type}\r\n${length}\r\n`
  return Buffer.concat([Buffer.from(head), body.bytes, Buffer.from('\r\n')])
}

function partsOf(name: string, json: string, picture?: Buffer): Buffer {
  const part = (head: string, content: Buffer): Buffer[] => [
    Buffer.from(`--${BOUNDARY}\r\n${head}\r\nContent-Length: ${content.length}\r\n\r\n`),
    content,
    Buffer.from('\r\n'),
  ]
  const text = `Content-Disposition: form-data; name="${name}"\r\nContent-Type: application/json`
  const image = 'Content-Disposition: form-data; name="Picture"; filename="Picture.jpg"\r\nContent-Type: image/jpeg'
  return Buffer.concat([
    ...part(text, Buffer.from(json)),
    ...(picture ? part(image, picture) : []),
    Buffer.from(`--${BOUNDARY}--\r\n`),
  ])
}

function headOf({ serial, tellsSerial }: Sender, dateTime: string) {
  return {
    ipAddress: '192.168.1.64',
    portNo: 80,
    protocol: 'HTTP',
    macAddress: 'aa:bb:cc:dd:ee:ff',
    channelID: 1,
    dateTime,
    activePostCount: 1,
    ...(tellsSerial && { shortSerialNumber: serial }),
  }
}

function eventFields(sender: Sender, entry: LogEntry, isCurrent: boolean): Record<string, unknown> {
  const { major, minor, employee, name, card, cardType, serialNo, mode, status, time } = entry
  return {
    ...headOf(sender, time),
    eventType: 'AccessControllerEvent',
    eventState: 'active',
    eventDescription: 'Access Controller Event',
    AccessControllerEvent: {
      deviceName: 'Access Controller',
      majorEventType: major,
      subEventType: minor,
      ...(employee !== '' && { name, employeeNoString: employee, userType: 'normal', attendanceStatus: status }),
      ...(card !== '' && { cardNo: card }),
      ...(cardType !== undefined && { cardType }),
      cardReaderNo: 1,
      doorNo: 1,
      serialNo,
      currentVerifyMode: mode,
      currentEvent: isCurrent,
      frontSerialNo: serialNo - 1,
      mask: 'no',
      picturesNumber: employee === '' ? 0 : 1,
    },
  }
}

function xmlOf(fields: Record<string, unknown>): string {
  const element = ([key, value]: [string, unknown]): string =>
    `<${key}>${typeof value === 'object' && value !== null ? inner(value) : signs(String(value))}</${key}>\n`
  const inner = (values: object): string =>
    Object.entries<unknown>({ ...values })
      .map(element)
      .join('')
  return `<?xml version="1.0" encoding="UTF-8"?>\n<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">\n${inner(fields)}</EventNotificationAlert>\n`
}

function signs(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
