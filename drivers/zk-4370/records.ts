/** The tables of a terminal: attendance records, users, live events, counts. Pure. */
import { localText, textOf, timeOf, u16, u32 } from './codec.js'

/** One row of the log, as far as it says. */
export interface Row {
  /** Absent where the row has a slot number instead. */
  readonly user: string | undefined
  /** Slot in the user table. */
  readonly uid: number | undefined
  readonly verify: number
  readonly state: number
  /** `2026-11-23 08:57:31` on its clock; undefined when no calendar has that time. */
  readonly time: string | undefined
}

export type Layout16 = 'verify-state' | 'state-verify'

/** Rows of these sizes are read; longer ones by their first 40 bytes. [ZK4370 §5] */
export function isRowSize(size: number): boolean {
  return size === 8 || size === 16 || (Number.isInteger(size) && size >= 40 && size <= 256)
}

/** [ZK4370 §5] */
export function rowOf(bytes: Uint8Array, layout: Layout16): Row {
  if (bytes.length === 8) {
    const [, , verify = 0] = bytes
    return { user: undefined, uid: u16(bytes, 0), verify, state: bytes[7] ?? 0, time: timeOf(u32(bytes, 3)) }
  }
  if (bytes.length === 16) {
    const [first = 0, second = 0] = bytes.subarray(8)
    const [verify, state] = layout === 'verify-state' ? [first, second] : [second, first]
    return { user: String(u32(bytes, 0)), uid: undefined, verify, state, time: timeOf(u32(bytes, 4)) }
  }
  const user = textOf(bytes.subarray(2, 26))
  return { user, uid: undefined, verify: bytes[26] ?? 0, state: bytes[31] ?? 0, time: timeOf(u32(bytes, 27)) }
}

/** Slot → user number, of records of 72 or 28 bytes; undefined when the table is of neither. [ZK4370 §6] */
export function usersOf(table: Uint8Array, count: number): ReadonlyMap<number, string> | undefined {
  const size = [72, 28].find((known) => known * count === table.length)
  if (size === undefined) return undefined
  const users = new Map<number, string>()
  for (let at = 0; at < table.length; at += size) {
    const user = size === 72 ? textOf(table.subarray(at + 48, at + 72)) : String(u32(table, at + 24))
    users.set(u16(table, at), user)
  }
  return users
}

/** [ZK4370 §7, GET_FREE_SIZES]; undefined when the answer is too short to hold them. */
export function countsOf(data: Uint8Array): { readonly users: number; readonly records: number } | undefined {
  return data.length < 36 ? undefined : { users: u32(data, 16), records: u32(data, 32) }
}

/** What a live event says about one punch. */
export interface Live {
  /** Absent where the event has a slot number. */
  readonly user: string | undefined
  readonly time: string
}

/** Where in an event of each length the time stands; before it are verify and state, before these the user. */
const TIME_AT: Readonly<Record<number, number>> = { 10: 4, 12: 6, 14: 4, 32: 26, 36: 26, 37: 26 }

/** [ZK4370 §5, realtime]. Empty for lengths that nobody described: then the log alone tells. */
export function liveOf(data: Uint8Array): readonly Live[] {
  const many = data.length >= 64 && data.length % 32 === 0 ? eachOf32(data) : []
  if (many.length > 0) return many
  const timeAt = TIME_AT[data.length] ?? (data.length >= 52 && data.length <= 128 ? 26 : undefined)
  const one = timeAt === undefined ? undefined : liveAt(data, timeAt)
  return one ? [one] : []
}

/** Several events in one packet: taken for that only when each has a possible time. */
function eachOf32(data: Uint8Array): readonly Live[] {
  const found: Live[] = []
  for (let at = 0; at < data.length; at += 32) {
    const live = liveAt(data.subarray(at, at + 32), 26)
    if (!live || live.user === '') return []
    found.push(live)
  }
  return found
}

function liveAt(data: Uint8Array, timeAt: number): Live | undefined {
  const time = localText(data.subarray(timeAt, timeAt + 6))
  if (time === undefined) return undefined
  if (timeAt === 26) return { user: textOf(data.subarray(0, 24)), time }
  return { user: timeAt === 6 ? String(u32(data, 0)) : undefined, time }
}
