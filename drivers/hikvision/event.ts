/** What a text of a terminal says: a heartbeat, a record of its log, or something else. Names of people are not read. */
import { xmlFields, type Fields } from './xml.js'

/** A record of the terminal's log, as pushed [FACE A2] or as found in its history [FACE A4]. */
export interface AcsRecord {
  readonly major: number
  readonly minor: number
  readonly serialNo: number | undefined
  /** As it stands there: `2026-01-05T08:59:58+08:00`. */
  readonly time: string
  readonly employee: string
  readonly card: string
  readonly mode: string
  readonly status: string
  /** False for what was kept for a while. [FACE corrections] */
  readonly isCurrent: boolean
  readonly isDuress: boolean
}

export interface Message {
  readonly kind: 'beat' | 'record' | 'other'
  /** `K12345678`; '' when it does not say. */
  readonly serial: string
  /** 12 upper-case hex digits, or ''. */
  readonly mac: string
  readonly time: string
  readonly record?: AcsRecord
}

/** A page of the history. */
export interface Page {
  readonly status: string
  readonly matches: number
  readonly records: readonly AcsRecord[]
}

/** A JSON object or XML document as fields; undefined when it is neither. */
export function fieldsIn(text: string): Fields | undefined {
  if (text.startsWith('<')) return xmlFields(text)
  try {
    return fieldsOf(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** What a pushed text or a part of the stream says; undefined when it is no event. [FACE A2] */
export function messageIn(text: string): Message | undefined {
  const fields = fieldsIn(text)
  const root = fieldsOf(fields?.['EventNotificationAlert']) ?? fields
  if (!root) return undefined
  const type = textOf(root, 'eventType').toLowerCase()
  const inner = fieldsOf(root['AccessControllerEvent'])
  if (type === '' && !inner) return undefined
  const time = textOf(root, 'dateTime')
  const serial = textOf(root, 'shortSerialNumber')
  const mac = textOf(root, 'macAddress').replace(/[:-]/g, '').toUpperCase()
  const about = { serial: /^[\w-]{4,64}$/.test(serial) ? serial : '', mac: /^[0-9A-F]{12}$/.test(mac) ? mac : '', time }
  // The name of a part means nothing: heartbeats use the one of events, too. [FACE corrections]
  if (type === 'heartbeat') return { kind: 'beat', ...about }
  const record = inner && recordOf(inner, time)
  return record ? { kind: 'record', ...about, record } : { kind: 'other', ...about }
}

/** A page of `AcsEvent`; undefined when it is none. [FACE A4] */
export function pageIn(text: string): Page | undefined {
  const page = fieldsOf(fieldsIn(text)?.['AcsEvent'])
  if (!page) return undefined
  const list: unknown = page['InfoList']
  const infos = Array.isArray(list) ? list.map(fieldsOf) : []
  const records = infos.flatMap((info) => (info ? (recordOf(info, textOf(info, 'time')) ?? []) : []))
  return {
    status: textOf(page, 'responseStatusStrg').toUpperCase(),
    matches: wholeOf(page, 'numOfMatches') ?? infos.length,
    records,
  }
}

function recordOf(fields: Fields, outerTime: string): AcsRecord | undefined {
  const major = wholeOf(fields, 'majorEventType') ?? wholeOf(fields, 'major')
  const minor = wholeOf(fields, 'subEventType') ?? wholeOf(fields, 'minor')
  if (major === undefined || minor === undefined) return undefined
  return {
    major,
    minor,
    serialNo: wholeOf(fields, 'serialNo'),
    time: outerTime,
    employee: personOf(fields, 'employeeNoString'),
    card: personOf(fields, 'cardNo'),
    mode: wordOf(fields, 'currentVerifyMode'),
    status: wordOf(fields, 'attendanceStatus'),
    isCurrent: String(fields['currentEvent']) !== 'false',
    isDuress: wholeOf(fields, 'cardType') === DURESS_CARD,
  }
}

/** [FACE A5] */
const DURESS_CARD = 5

/** A number of a person or card; '' for what is none. [FACE A2: 1 to 32 characters] */
function personOf(fields: Fields, key: string): string {
  const value = textOf(fields, key).trim()
  return value.length <= 64 && !/[\p{Cc}\ufffd]/u.test(value) ? value : ''
}

/** `cardOrFace`, `checkIn`: words, and nothing that could be a name. */
function wordOf(fields: Fields, key: string): string {
  const value = textOf(fields, key)
  return /^\w{1,40}$/.test(value) ? value : ''
}

export function fieldsOf(value: unknown): Fields | undefined {
  // Parse boundary: an object has keys.
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}

export function textOf(fields: Fields | undefined, key: string): string {
  const value = fields?.[key]
  return typeof value === 'string' ? value : ''
}

/** XML knows texts only. */
export function wholeOf(fields: Fields | undefined, key: string): number | undefined {
  const value = fields?.[key]
  const number = typeof value === 'string' && /^\d{1,12}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}
