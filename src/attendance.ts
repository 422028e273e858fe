/**
 * From sighting to verdict: the policy decides and the record is committed in one synchronous step.
 * Runs in the journal's thread. What it answers is on disk.
 */
import { randomUUID } from 'node:crypto'
import type { Draft, Journal } from './journal/journal.js'
import type { Credential, Direction, Judgement, Moment, Origin, Sighting } from './model.js'
import { isForgotten, isOver, isRepeat, repeatKey, type FirstPunch } from './policy/repeat.js'

/** A sighting with the reader that made it. */
export interface Report {
  readonly origin: Origin
  readonly sighting: Sighting
}

/** The fields of a stored punch that the windows are rebuilt from. */
interface StoredPunch {
  readonly id: string
  readonly place: string
  readonly direction: Direction
  readonly credential: Credential
  readonly clock: Moment
  readonly verdict: Judgement
}

/** A gateway that never saw a time server has nothing but such punches: its start must not read them all. */
const MOST_FORGOTTEN = 10_000

/** The part of the journal that attendance needs. */
export type PunchJournal = Pick<Journal, 'append' | 'newestPunches'>

export class Attendance {
  readonly #journal: PunchJournal
  readonly #windowMs: number
  /** Open windows, oldest first. */
  readonly #open = new Map<string, FirstPunch>()

  constructor(journal: PunchJournal, repeatWindowMs: number, now: Moment) {
    this.#journal = journal
    this.#windowMs = repeatWindowMs
    this.#rebuild(now)
  }

  /** Decides and stores all reports in one commit. Throws JournalError when nothing was stored. */
  record(reports: readonly Report[]): Judgement[] {
    // Windows opened by this batch count for its later reports, but only last when the commit did.
    const opened = new Map<string, FirstPunch>()
    const drafts = reports.map((report) => this.#decide(report, opened))
    this.#journal.append(drafts)
    for (const [key, first] of opened) {
      this.#open.delete(key)
      this.#open.set(key, first)
    }
    const newest = reports.at(-1)
    if (newest) this.#closeOldWindows(newest.sighting.arrived)
    return drafts.map(({ verdict }) => verdict)
  }

  #decide({ origin, sighting }: Report, opened: Map<string, FirstPunch>): Draft & { id: string; verdict: Judgement } {
    const { credential, method, arrived: moment, raw } = sighting
    const key = repeatKey(origin.place, origin.direction, credential)
    const first = opened.get(key) ?? this.#open.get(key)
    const repeated = first !== undefined && isRepeat(first.moment, moment, this.#windowMs)
    const id = randomUUID()
    if (!repeated) opened.set(key, { id, moment })
    const verdict: Judgement = repeated ? 'repeat' : 'accepted'
    const fields = {
      reader: origin.reader,
      place: origin.place,
      driver: origin.driver,
      direction: origin.direction,
      method,
      credential: { ...credential },
      raw: raw && { ...raw },
      person: null,
      verdict,
      repeatOf: repeated ? first.id : null,
      sim: origin.sim ? true : undefined,
    }
    return { kind: 'punch', channel: origin.reader, moment, fields, id, verdict }
  }

  #closeOldWindows(now: Moment): void {
    for (const [key, first] of this.#open) {
      if (!isOver(first.moment, now, this.#windowMs)) return
      this.#open.delete(key)
    }
  }

  /** After a restart the windows are what the journal says: a repeat stays a repeat. */
  #rebuild(now: Moment): void {
    const found: [string, FirstPunch][] = []
    let newest: Moment | undefined
    let forgotten = 0
    this.#journal.newestPunches((body) => {
      const punch = JSON.parse(body) as StoredPunch
      // Before that boot there may be one whose clock was set.
      if (isForgotten(punch.clock, now)) return ++forgotten < MOST_FORGOTTEN ? 'more' : 'enough'
      newest ??= punch.clock
      // While the clock of a new boot is not set, the newest punch tells how far back to look.
      if (isOver(punch.clock, now, this.#windowMs) || isOver(punch.clock, newest, this.#windowMs)) return 'enough'
      if (punch.verdict !== 'accepted') return 'more'
      found.push([repeatKey(punch.place, punch.direction, punch.credential), { id: punch.id, moment: punch.clock }])
      return 'more'
    })
    for (const [key, first] of found.reverse()) this.#open.set(key, first)
  }
}
