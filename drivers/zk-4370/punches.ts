/** Rows of the log → sightings. */
import type { Moment, Sighting } from '../../src/driver.js'
import type { ClockWatch } from './clock-watch.js'
import type { Session } from './config.js'
import type { Heard } from './link.js'
import { methodOf } from './methods.js'
import { rowOf, type Row } from './records.js'

/** A live event tells of a punch of this moment; with a clock that differs more, it is of another. */
const LIVE_MS = 15_000
/** Unreadable rows that are told one by one. */
const MOST_TOLD = 20

/** Rows as they were read, next to each other. */
export interface Rows {
  /** Those in front of them, by which the log was known again. */
  readonly before: Uint8Array
  readonly bytes: Uint8Array
  readonly size: number
  /** Place of the first in the log, from 0. */
  readonly first: number
  readonly arrived: Moment
}

type Unread = 'time' | 'user' | 'unknown-slot'

export class Punches {
  /** Slot → user number, for terminals whose rows have slots. */
  users: ReadonlyMap<number, string> = new Map()
  readonly #session: Session
  readonly #clocks: ClockWatch
  #unread = 0

  constructor(session: Session, clocks: ClockWatch) {
    this.#session = session
    this.#clocks = clocks
  }

  /** True when the rows have slots that the user table at hand does not explain. */
  needsUsers({ bytes, size }: Rows): boolean {
    if (size !== 8) return false
    for (let at = 0; at < bytes.length; at += size) {
      const { uid } = rowOf(bytes.subarray(at, at + size), 'verify-state')
      if (uid !== undefined && !this.users.has(uid)) return true
    }
    return false
  }

  /** Reports them in order. False when one was not stored: then all are reported again later, and known again by their keys. */
  async report(rows: Rows, heard: readonly Heard[]): Promise<boolean> {
    const sightings = new Map<string, Sighting>()
    for (let at = 0; at < rows.bytes.length; at += rows.size) {
      const row = rowOf(rows.bytes.subarray(at, at + rows.size), this.#session.config.layout16)
      const sighting = this.#sighting(row, rows.arrived, heard)
      if (typeof sighting === 'string') await this.#tellUnread(sighting, rows.first + at / rows.size)
      // Terminals repeat rows; two that are the same in everything are one.
      else if (!sightings.has(sighting.claim.key)) sightings.set(sighting.claim.key, sighting)
    }
    const verdicts = await Promise.all([...sightings.values()].map((sighting) => this.#session.report(sighting)))
    return !verdicts.includes('refused')
  }

  /** Of one look at the log: what was not told by name. */
  async closeLook(): Promise<void> {
    const more = this.#unread - MOST_TOLD
    this.#unread = 0
    if (more > 0) await this.#session.event('terminal-row-unread', { more })
  }

  #sighting(row: Row, read: Moment, heard: readonly Heard[]) {
    const { verify, state, time } = row
    const user = row.uid === undefined ? row.user : this.users.get(row.uid)
    const wall = time === undefined ? undefined : this.#session.zone.wallOf(time)
    if (user === undefined) return 'unknown-slot' satisfies Unread
    if (!/^[\x21-\x7e]+$/.test(user)) return 'user' satisfies Unread
    if (wall === undefined || time === undefined) return 'time' satisfies Unread
    const live = heard.findLast(
      (event) => event.time === time && (event.user ?? user) === user && this.#isNow(wall, event),
    )
    const { aheadMs } = this.#clocks
    const scope = this.#session.config.users === 'site' ? 'global' : this.#session.readerId
    return {
      credential: { type: 'user', value: user, scope },
      method: methodOf(verify, this.#session.config.verifyCodes),
      arrived: live?.arrived ?? read,
      raw: { status: state, verify, time },
      claim: {
        wall,
        key: `${user}|${time}|${verify}|${state}`,
        ...(aheadMs !== undefined && { aheadMs }),
        late: live === undefined,
      },
    } as const satisfies Sighting
  }

  #isNow(wall: number, { arrived }: Heard): boolean {
    return Math.abs(wall - this.#clocks.differenceMs - arrived.wall) <= LIVE_MS
  }

  async #tellUnread(reason: Unread, place: number): Promise<void> {
    this.#unread += 1
    if (this.#unread > MOST_TOLD) return
    this.#session.log.warn('Row of the log cannot be read', { event: 'terminal-row-unread', row: place + 1, reason })
    await this.#session.event('terminal-row-unread', { row: place + 1, reason })
  }
}
