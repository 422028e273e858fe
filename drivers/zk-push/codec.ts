/** What a terminal says in the push protocol, and what it is told. Pure. Clauses [ZKPUSH §n]: README, "Wire protocol". */

/** One line of the attendance log. */
export interface AttendanceRow {
  /** The terminal's own user number: digits on most models, leading zeros count. */
  readonly user: string
  /** By its clock, `2026-01-05 08:59:58`. */
  readonly local: string
  /** Seconds its clock is east of UTC, where it tells. */
  readonly offsetSeconds: number | undefined
  /** The key pressed before: 0 may also mean none. */
  readonly status: number
  /** By what the person was known; a number of the terminal's own table. */
  readonly verify: string
  /** As it came. */
  readonly text: string
}

const USER = /^[\w.-]{1,24}$/
const LOCAL = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/

/** PIN, time, status, verify, and more on newer models; some bridges write the name of the table before. [ZKPUSH §3] */
export function attendanceRow(line: string): AttendanceRow | undefined {
  const fields = line.replace(/^ATTLOG\t/, '').split('\t')
  const [user = '', local = '', status = '', verify = ''] = fields
  const offset = fields[10]
  if (!USER.test(user) || !LOCAL.test(local) || !/^\d{1,3}$/.test(status) || !/^\d{1,4}$/.test(verify)) return undefined
  const offsetSeconds = offset !== undefined && /^-?\d{1,5}$/.test(offset) ? Number(offset) : undefined
  return { user, local, offsetSeconds, status: Number(status), verify, text: line }
}

/** Lines end with LF or CRLF, the last one perhaps with neither; empty ones are nothing. [ZKPUSH §1] */
export function linesOf(body: Uint8Array): string[] {
  let text = ''
  // Bytes above 7F stand only in names, which nobody needs: one character each keeps every other field whole.
  for (const byte of body) text += String.fromCharCode(byte)
  return text.split(/\r?\n/).filter((line) => line.trim() !== '')
}

/** `key=value` fields between TABs, as events of access control come. [ZKPUSH §7] */
export function fieldsOf(line: string, separator: string | RegExp = '\t'): Readonly<Record<string, string>> {
  const pairs = line.split(separator).map((field) => {
    const at = field.indexOf('=')
    return at < 0
      ? ([field.trim(), ''] as const)
      : ([field.slice(0, at).trim().toLowerCase(), field.slice(at + 1)] as const)
  })
  return Object.fromEntries(pairs.filter(([key]) => key !== ''))
}

/** One event of access control. [ZKPUSH §7] */
export interface DoorEvent {
  readonly user: string
  readonly card: string
  readonly local: string
  readonly event: number
  readonly verify: string
  readonly index: string
  readonly inOut: string
}

export function doorEvent(line: string): DoorEvent | undefined {
  const { time = '', pin = '', cardno = '', event = '', verifytype = '', index = '', inoutstatus = '' } = fieldsOf(line)
  if (!LOCAL.test(time) || !/^\d{1,5}$/.test(event) || (pin !== '' && !USER.test(pin))) return undefined
  return { user: pin, card: cardno, local: time, event: Number(event), verify: verifytype, index, inOut: inoutstatus }
}

/** Somebody known went through. Others are alarms, refusals, or doors that move by themselves. [ZKPUSH §7] */
const PASSED = new Set([0, 1, 2, 3, 14, 15, 16, 17, 18, 19, 203])

export function isPassage({ event, user }: DoorEvent): boolean {
  return PASSED.has(event) && user !== '' && user !== '0'
}

/** A line of the operation log that somebody should hear of: this is how records are manipulated. [ZKPUSH §4] */
export interface Operation {
  readonly what: 'alarm' | 'time-set' | 'factory-reset' | 'records-deleted'
  readonly operator: string
  readonly local: string
}

const OPERATIONS: Readonly<Record<string, Operation['what']>> = {
  '3': 'alarm',
  '21': 'time-set',
  '22': 'factory-reset',
  '23': 'records-deleted',
}

export function operationIn(line: string): Operation | undefined {
  const [, op = '', operator = '', local = ''] = /^OPLOG (\d{1,4})\t([^\t]*)\t([^\t]*)/.exec(line) ?? []
  const what = OPERATIONS[op]
  return what && { what, operator, local }
}

/** The results of commands; one body may hold several. [ZKPUSH §5] */
export function resultsIn(body: Uint8Array): { readonly id: string; readonly code: number }[] {
  return linesOf(body).flatMap((line) => {
    const { id = '', return: code = '' } = fieldsOf(line, '&')
    return /^[0-9A-Za-z]{1,16}$/.test(id) && /^-?\d{1,6}$/.test(code) ? [{ id, code: Number(code) }] : []
  })
}

export interface Greeting {
  readonly serial: string
  /** The last stamps that were stored, by table; absent: the terminal decides. */
  readonly stamps: Readonly<Record<string, string>>
  readonly delayS: number
  readonly zoneMinutes: number
}

/** Names of old servers and of new ones: harmless side by side. [ZKPUSH §2] */
const STAMPS: readonly (readonly [key: string, table: string])[] = [
  ['ATTLOGStamp', 'ATTLOG'],
  ['Stamp', 'ATTLOG'],
  ['OPERLOGStamp', 'OPERLOG'],
  ['OpStamp', 'OPERLOG'],
]

/**
 * The answer to the handshake. No pictures, templates or users are asked for: nobody here has a use for them.
 * [ZKPUSH §2]
 */
export function greeting({ serial, stamps, delayS, zoneMinutes }: Greeting): string {
  const zone = zoneMinutes % 60 === 0 ? zoneMinutes / 60 : zoneMinutes
  return [
    `GET OPTION FROM: ${serial}`,
    ...STAMPS.map(([key, table]) => `${key}=${stamps[table] ?? 'None'}`),
    'ErrorDelay=30',
    `Delay=${delayS}`,
    'TransTimes=00:00;14:05',
    'TransInterval=1',
    'TransFlag=TransData AttLog\tOpLog',
    `TimeZone=${zone}`,
    'Realtime=1',
    'Encrypt=None',
    'ServerVer=2.4.1',
    'PushProtVer=2.4.1',
    '',
  ].join('\n')
}

/** Seconds as terminals count them: every month has 31 days. `local`: `2026-01-05 08:59:58`. [ZKPUSH §6] */
export function zkSeconds(local: string): number {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = local.split(/[^0-9]/).map(Number)
  return (((year % 100) * 12 * 31 + (month - 1) * 31 + (day - 1)) * 24 * 60 + hour * 60 + minute) * 60 + second
}

export type Sense = 'fingerprint' | 'card' | 'face' | 'pin'

/**
 * By what somebody was known. Of a combination the strongest. Newer terminals and older ones give the same numbers other
 * meanings. [ZKPUSH §3]
 */
export function methodOf(verify: string, codes: 'new' | 'old'): Sense {
  const number = /^\d{1,3}$/.test(verify) ? Number(verify) : -1
  if (codes === 'old' && number <= 2) return number === 1 ? 'fingerprint' : number === 2 ? 'card' : 'pin'
  if (FACES.has(number)) return 'face'
  if (PINS.has(number)) return 'pin'
  return CARDS.has(number) ? 'card' : 'fingerprint'
}

const FACES = new Set([15, 16, 17, 18, 19, 20, 27, 29])
const PINS = new Set([2, 3])
const CARDS = new Set([4, 7, 11])
