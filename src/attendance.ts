/**
 * From sighting to verdict: the policy decides and the record is committed in one synchronous step.
 * Runs in the journal's thread. What it answers is on disk.
 */
import { randomUUID } from 'node:crypto'
import type { Draft, Journal } from './journal/journal.js'
import type { Credential, Direction, Judgement, Moment, Origin, Sighting } from './model.js'
import { isForgotten, isOver, isRepeat, repeatKey, type FirstPunch, type PunchTime } from './policy/repeat.js'

/** A sighting with the reader that made it. */
export interface Report {
  readonly origin: Origin
  readonly sighting: Sighting
  /** Names what may become one punch only, however often it is reported, restarts and years between: see `onceOf`. */
  readonly once?: string
}

/** What a report may be stored once by: the record of a terminal's log that it is. */
export function onceOf({ origin, sighting: { claim } }: Report): string | undefined {
  return claim && JSON.stringify(['claim', origin.reader, claim.key])
}

/** The fields of a stored punch that the windows are rebuilt from. */
interface StoredPunch {
  readonly id: string
  readonly place: string
  readonly direction: Direction
  readonly credential: Credential
  readonly clock: Moment
  readonly verdict: Judgement
  readonly claim?: { readonly time: string; readonly aheadMs: number | null; readonly late: boolean }
}

/** A gateway that never saw a time server has nothing but such punches: its start must not read them all. */
const MOST_FORGOTTEN = 10_000

/** Open windows by key, oldest first. What terminals kept for a while has its own: a backlog tells of another day. */
interface Windows {
  readonly now: Map<string, FirstPunch>
  readonly late: Map<string, FirstPunch>
}

/** The part of the journal that attendance needs. */
export type PunchJournal = Pick<Journal, 'append' | 'newestPunches' | 'hasOnce' | 'timeOf'>

type PunchDraft = Draft & { readonly id: string; readonly verdict: Judgement }

/** Windows in a backlog do not close by our clock; beyond this the oldest do. */
const MOST_LATE = 20_000

export class Attendance {
  readonly #journal: PunchJournal
  readonly #windowMs: number
  readonly #windows: Windows = { now: new Map(), late: new Map() }

  constructor(journal: PunchJournal, repeatWindowMs: number, now: Moment) {
    this.#journal = journal
    this.#windowMs = repeatWindowMs
    this.#rebuild(now)
  }

  /**
   * Decides and stores all reports in one commit; `repeat`, and nothing stored, for what was stored before. Throws
   * JournalError when nothing was stored.
   */
  record(reports: readonly Report[]): Judgement[] {
    // Windows opened by this batch count for its later reports, but only last when the commit did.
    const opened: Windows = { now: new Map(), late: new Map() }
    const seen = new Set<string>()
    const drafts = reports.map((report) => {
      const once = report.once ?? onceOf(report)
      if (once === undefined) return this.#decide(report, opened)
      if (seen.has(once) || this.#journal.hasOnce(once)) return undefined
      seen.add(once)
      return { ...this.#decide(report, opened), once }
    })
    this.#journal.append(drafts.filter((draft) => draft !== undefined))
    for (const [key, first] of [...opened.now, ...opened.late]) this.#keep(key, first)
    const newest = reports.at(-1)
    if (newest) this.#closeOldWindows(newest.sighting.arrived)
    return drafts.map((draft) => draft?.verdict ?? 'repeat')
  }

  #decide(report: Report, opened: Windows): PunchDraft {
    const { origin, sighting } = report
    const time = timeOf(sighting)
    const key = repeatKey(origin.place, origin.direction, sighting.credential)
    const first = this.#opener(key, time, opened)
    const id = randomUUID()
    if (!first) windowsFor(time, opened).set(key, { id, ...time })
    const fields = { ...this.#facts(report), verdict: first ? 'repeat' : 'accepted', repeatOf: first?.id ?? null }
    const { arrived: moment } = sighting
    return { kind: 'punch', channel: origin.reader, moment, fields, id, verdict: first ? 'repeat' : 'accepted' }
  }

  #facts({ origin, sighting }: Report) {
    const { credential, method, raw, claim } = sighting
    return {
      reader: origin.reader,
      place: origin.place,
      driver: origin.driver,
      direction: origin.direction,
      method,
      credential: { ...credential },
      raw: raw && { ...raw },
      claim: claim && {
        time: this.#journal.timeOf(claim.wall),
        aheadMs: claim.aheadMs ?? null,
        late: claim.late,
        record: claim.key,
      },
      person: null,
      sim: origin.sim ? true : undefined,
    }
  }

  /** The punch whose window this one falls into: one of now, or one that a terminal kept. */
  #opener(key: string, time: PunchTime, opened: Windows): FirstPunch | undefined {
    return [opened.now, opened.late, this.#windows.now, this.#windows.late]
      .map((windows) => windows.get(key))
      .find((first) => first !== undefined && isRepeat(first, time, this.#windowMs))
  }

  #keep(key: string, first: FirstPunch): void {
    const windows = windowsFor(first, this.#windows)
    windows.delete(key)
    windows.set(key, first)
    const { late } = this.#windows
    const oldest = late.size > MOST_LATE ? late.keys().next() : undefined
    if (oldest?.done === false) late.delete(oldest.value)
  }

  #closeOldWindows(now: Moment): void {
    for (const [key, first] of this.#windows.now) {
      if (!isOver(first.moment, now, this.#windowMs)) return
      this.#windows.now.delete(key)
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
      found.push([repeatKey(punch.place, punch.direction, punch.credential), firstOf(punch)])
      return 'more'
    })
    for (const [key, first] of found.reverse()) this.#keep(key, first)
  }
}

function firstOf({ id, clock: moment, claim }: StoredPunch): FirstPunch {
  return { id, moment, lateWall: claim?.late === true ? Date.parse(claim.time) - (claim.aheadMs ?? 0) : undefined }
}

function timeOf({ arrived: moment, claim }: Sighting): PunchTime {
  return { moment, lateWall: claim?.late === true ? claim.wall - (claim.aheadMs ?? 0) : undefined }
}

function windowsFor({ lateWall }: PunchTime, { now, late }: Windows): Map<string, FirstPunch> {
  return lateWall === undefined ? now : late
}
