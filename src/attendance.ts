/**
 * From sighting to verdict: the policy decides and the record is committed in one synchronous step.
 * Runs in the journal's thread. What it answers is on disk.
 */
import { randomUUID } from 'node:crypto'
import { correction, eventOf, localDay, rulesOf, type AttendanceRules, type Report } from './attendance-records.js'
import type { Draft, Journal } from './journal/journal.js'
import type { Credential, Direction, DirectionSetting, Judgement, Method, Moment, Sighting } from './model.js'
import { HELD, type Found } from './people.js'
import type { PolicyState } from './policy-states.js'
import { isForgotten, isOver, type FirstPunch, type PunchTime } from './policy/repeat.js'
import { isFactor, type Factor } from './policy/verify.js'
import { Steps, type Stepped } from './steps.js'
import { HEARD_LATE_MS, noWindows, openWindows, RepeatWindows, type Passing, type Windows } from './windows.js'

export type { AttendanceRules, Report } from './attendance-records.js'

/** What a report may be stored once by: the record of a terminal's log that it is. */
export function onceOf({ origin, sighting: { claim } }: Report): string | undefined {
  return claim && JSON.stringify(['claim', origin.reader, claim.key])
}

/** The fields of a stored punch that the windows are rebuilt from. */
interface StoredPunch {
  readonly id: string
  readonly place: string
  readonly direction: Direction
  readonly method: Method
  readonly credential: Credential
  readonly person: { readonly ref: string } | null
  readonly clock: Moment
  readonly verdict: Judgement
  readonly claim?: { readonly time: string; readonly aheadMs: number | null; readonly late: boolean }
}

/** A gateway that never saw a time server has nothing but such punches: its start must not read them all. */
const MOST_FORGOTTEN = 10_000

/** The part of the journal that attendance needs. */
export type PunchJournal = Pick<Journal, 'append' | 'newestPunches' | 'hasOnce' | 'timeOf' | 'park'>

/** What the reports of one commit change: it counts for the later ones, but only lasts when the commit did. */
interface Batch {
  readonly opened: Windows
  readonly states: Map<string, PolicyState>
  readonly seen: Set<string>
}

interface Decision {
  readonly verdict: Judgement
  /** In the order in which they are stored. */
  readonly drafts: readonly (Draft & { readonly id?: string })[]
}

/** What the policy says of one punch. */
interface Judged {
  readonly verdict: Judgement
  readonly direction: Direction
  readonly person: string | null
  readonly repeatOf: string | null
  readonly verification?: object | undefined
}

export class Attendance {
  readonly #journal: PunchJournal
  readonly #windowMs: number
  readonly #rules: AttendanceRules
  readonly #windows: RepeatWindows
  readonly #steps: Steps

  constructor(journal: PunchJournal, repeatWindowMs: number, now: Moment, rules: Partial<AttendanceRules> = {}) {
    this.#journal = journal
    this.#windowMs = repeatWindowMs
    this.#rules = rulesOf(rules)
    this.#windows = new RepeatWindows(repeatWindowMs)
    this.#steps = new Steps(this.#rules)
    this.#rebuild(now)
  }

  /**
   * Decides and stores all reports in one commit; `repeat`, and nothing stored, for what was stored before. Throws
   * JournalError when nothing was stored.
   */
  record(reports: readonly Report[]): Judgement[] {
    const batch: Batch = { opened: noWindows(), states: new Map(), seen: new Set() }
    const decisions = reports.map((report): Decision | undefined => {
      const once = report.once ?? onceOf(report)
      if (once === undefined) return this.#decide(report, once, batch)
      return this.#isNew(once, batch) ? this.#decide(report, once, batch) : undefined
    })
    this.#journal.append(decisions.flatMap((decision) => decision?.drafts ?? []))
    this.#windows.keep(batch.opened)
    this.#steps.keep(batch.states.values())
    const newest = reports.at(-1)
    if (newest) this.#windows.close(newest.sighting.arrived)
    return decisions.map((decision) => decision?.verdict ?? 'repeat')
  }

  /** Puts on record whose second factor did not come: for each first one once, restarts between. */
  tellMissing(now: Moment): void {
    const missing = this.#steps.missing(now)
    const drafts = missing.flatMap((state) => {
      const inCommit = (): void => this.#rules.states.put(state)
      return state.waiting
        ? [{ ...correction(state.place, state.waiting, this.#steps.ruleOf(state.place), now), inCommit }]
        : []
    })
    if (drafts.length > 0) this.#journal.append(drafts)
    this.#steps.keep(missing)
  }

  #isNew(once: string, { seen }: Batch): boolean {
    if (seen.has(once) || this.#journal.hasOnce(once)) return false
    seen.add(once)
    return true
  }

  #decide(report: Report, once: string | undefined, batch: Batch): Decision {
    const found = this.#rules.people.find(report.sighting.credential, this.#today(report.sighting))
    if (found.kind === 'stranger' || found.kind === 'refused') return this.#turnAway(report, once, found, batch)
    const { origin, sighting } = report
    const person = found.kind === 'known' ? found.ref : null
    const time = timeOf(sighting)
    const { place, direction } = origin
    const rule = this.#steps.ruleOf(place)
    const factor = person !== null && rule && isFactor(rule, sighting.method) ? sighting.method : undefined
    const passing: Passing = { place, direction, credential: sighting.credential, person, factor }
    const first = this.#windows.opener(passing, time, batch.opened)
    if (!first) return this.#accept(report, once, passing, batch)
    const way = direction === 'auto' ? first.direction : direction
    const draft = this.#draft(report, once, { verdict: 'repeat', direction: way, person, repeatOf: first.id })
    return { verdict: 'repeat', drafts: [draft] }
  }

  #accept(report: Report, once: string | undefined, passing: Passing, batch: Batch): Decision {
    const { origin, sighting } = report
    const { place, direction, person } = passing
    const time = timeOf(sighting)
    const id = randomUUID()
    const factor: Factor = {
      id,
      method: sighting.method,
      moment: sighting.arrived,
      reader: origin.reader,
      sim: origin.sim,
    }
    const step = { place, direction, who: whoOf(sighting.credential, person), person, factor }
    // What comes late tells nothing of now: it neither confirms nor turns anybody round.
    const stepped = time.lateWall === undefined ? this.#steps.take(step, batch.states) : { direction: fixed(direction) }
    const { missing, state, verification, direction: way }: Stepped = stepped
    openWindows(passing, { id, direction: way, person, ...time }, batch.opened)
    const inCommit = state && ((): void => this.#rules.states.put(state))
    const judged = { verdict: 'accepted', direction: way, person, repeatOf: null, verification } as const
    const punch = { ...this.#draft(report, once, judged), id, inCommit }
    const told = missing && correction(place, missing, this.#steps.ruleOf(place), sighting.arrived)
    return { verdict: 'accepted', drafts: told ? [told, punch] : [punch] }
  }

  /** Nobody, as far as consumers are told; why, is for operators. */
  #turnAway(report: Report, once: string | undefined, found: Found, batch: Batch): Decision {
    const { origin, sighting } = report
    const direction = fixed(origin.direction)
    const held = this.#rules.unknown === 'hold'
    const park = (seq: number): void =>
      this.#journal.park(seq, HELD, 'the people list does not know the credential', sighting.arrived.wall)
    const punch = this.#draft(report, once, { verdict: 'unknown', direction, person: null, repeatOf: null })
    const event = eventOf(report, found, this.#today(sighting).day)
    const events = event && this.#isNew(event.once, batch) ? [event] : []
    return { verdict: 'unknown', drafts: [{ ...punch, ...(held && { inCommit: park }) }, ...events] }
  }

  #draft({ origin, sighting }: Report, once: string | undefined, judged: Judged): Draft {
    const { credential, method, raw, claim, arrived: moment } = sighting
    const { verdict, direction, person, repeatOf, verification } = judged
    const fields = {
      reader: origin.reader,
      place: origin.place,
      driver: origin.driver,
      direction,
      method,
      credential: { ...credential },
      raw: raw && { ...raw },
      claim: claim && {
        time: this.#journal.timeOf(claim.wall),
        aheadMs: claim.aheadMs ?? null,
        late: claim.late,
        record: claim.key,
      },
      person: person === null ? null : { ref: person },
      sim: origin.sim ? true : undefined,
      verdict,
      repeatOf,
      verification: verification && { ...verification },
    }
    return { kind: 'punch', channel: origin.reader, moment, fields, once }
  }

  #today(sighting: Sighting): { readonly day: string; readonly synced: boolean } {
    const { moment, lateWall } = timeOf(sighting)
    const day = localDay(lateWall ?? moment.wall, this.#rules.offset)
    return { day, synced: lateWall !== undefined || moment.state === 'synced' }
  }

  /** After a restart the windows are what the journal says: a repeat stays a repeat. */
  #rebuild(now: Moment): void {
    const found: StoredPunch[] = []
    // What was heard late is not stored in the order in which it was heard.
    const backMs = this.#windowMs + HEARD_LATE_MS
    let newest: Moment | undefined
    let forgotten = 0
    this.#journal.newestPunches((body) => {
      const punch = JSON.parse(body) as StoredPunch
      // Before that boot there may be one whose clock was set.
      if (isForgotten(punch.clock, now)) return ++forgotten < MOST_FORGOTTEN ? 'more' : 'enough'
      newest ??= punch.clock
      // While the clock of a new boot is not set, the newest punch tells how far back to look.
      if (isOver(punch.clock, now, backMs) || isOver(punch.clock, newest, backMs)) return 'enough'
      if (punch.verdict === 'accepted') found.push(punch)
      return 'more'
    })
    const opened = noWindows()
    for (const punch of found.reverse()) openWindows(this.#passingOf(punch), firstOf(punch), opened)
    this.#windows.keep(opened)
  }

  #passingOf({ place, direction, credential, method, person }: StoredPunch): Passing {
    const rule = this.#steps.ruleOf(place)
    const factor = person && rule && isFactor(rule, method) ? method : undefined
    return { place, direction, credential, person: person?.ref ?? null, factor }
  }
}

function firstOf({ id, clock: moment, claim, direction, person }: StoredPunch): FirstPunch {
  const lateWall = claim?.late === true ? Date.parse(claim.time) - (claim.aheadMs ?? 0) : undefined
  return { id, moment, lateWall, direction, person: person?.ref ?? null }
}

function timeOf({ arrived: moment, claim }: Sighting): PunchTime {
  return { moment, lateWall: claim?.late === true ? claim.wall - (claim.aheadMs ?? 0) : undefined }
}

/** Where nobody is known to go, `auto` is no direction. */
function fixed(direction: DirectionSetting): Direction {
  return direction === 'auto' ? 'none' : direction
}

/** Of whom rules remember something: a person, or else a credential. */
function whoOf({ type, scope, value }: Credential, person: string | null): string {
  return JSON.stringify(person === null ? [type, scope, value] : { person })
}
