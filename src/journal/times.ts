/** The timeline of a journal: kept with every commit, asked for the time of every punch on its way out. */
import type { Moment, RecordKind } from '../model.js'
import {
  corrected,
  EMPTY,
  effectiveTime,
  knownBoots,
  taken,
  type Boot,
  type Dated,
  type Effective,
  type Timeline,
} from '../policy/effective.js'

/** Where it is remembered: no reader has an empty name. */
export const TIMELINE = { reader: '', key: 'timeline' } as const
/** How canonical JSON says that no bound of the wall clock was known. Within a text the quotes would be escaped. */
const UNSYNCED = '"errorMs":null'

/** What of a draft matters here. */
interface DatedDraft {
  readonly kind: RecordKind
  readonly moment: Moment
  readonly sync?: Dated['news']
}

export class Times {
  readonly #timeline: Timeline
  /** Of the newest record that tells where the clocks were. */
  readonly newest: Moment | undefined
  #known: ReadonlyMap<string, Boot> | undefined

  private constructor(timeline: Timeline, newest: Moment | undefined) {
    this.#timeline = timeline
    this.newest = newest
  }

  /** As it was remembered. `newest`: the body of the newest record, when there is one. */
  static from(stored: string | undefined, newest?: string): Times {
    // Parse boundary: nobody else writes it.
    const timeline = stored === undefined ? EMPTY : (JSON.parse(stored) as Timeline)
    return new Times(timeline, newest === undefined ? undefined : clockOf(newest))
  }

  /** After these records, numbered from `seq + 1` on, when the punches up to `through` are corrected. */
  after(drafts: readonly DatedDraft[], seq: number, through?: number): Times {
    let timeline = through === undefined ? this.#timeline : corrected(this.#timeline, through)
    let { newest } = this
    for (const { kind, moment, sync } of drafts) {
      seq += 1
      // The others may tell of an earlier boot.
      if (kind !== 'punch' && kind !== 'audit') continue
      const undated = kind === 'punch' && moment.state === 'unsynced'
      timeline = taken(timeline, { seq, moment, undated, news: sync }, newest)
      newest = moment
    }
    const next = new Times(timeline, newest)
    if (timeline === this.#timeline) next.#known = this.#known
    return next
  }

  /** What to remember when this comes after `earlier`; undefined when that is the same. */
  memory(earlier: Times): { reader: string; key: string; value: string } | undefined {
    return this.#timeline === earlier.#timeline ? undefined : { ...TIMELINE, value: JSON.stringify(this.#timeline) }
  }

  /** True when a record says already that the clock of this boot is set. */
  isSynced(boot: string): boolean {
    return this.#timeline.inForce && this.#timeline.boots.at(-1)?.boot === boot
  }

  /** Numbers of the records among which punches wait for a correction that can be written now. */
  get due(): { readonly from: number; readonly through: number } | undefined {
    const { pending, sync } = this.#timeline
    return pending === undefined || pending > sync ? undefined : { from: pending, through: sync }
  }

  /** See `effectiveTime`. */
  effective(moment: Moment): Effective | undefined {
    this.#known ??= knownBoots(this.#timeline)
    return effectiveTime(moment, this.#known)
  }

  /** The best known time of a punch. `evidence` is asked for only when that may not be what its clock said. */
  wallOf(seq: number, wall: number, evidence: () => string): number {
    if (!this.#mayBetter(seq)) return wall
    const body = evidence()
    const clock = body.includes(UNSYNCED) ? clockOf(body) : undefined
    const effective = clock && this.effective(clock)
    if (!effective) return wall
    if ('time' in effective) return Math.round(effective.time)
    return Math.min(Math.max(wall, effective.earliest), effective.latest)
  }

  /** Nearly every punch comes from a clock that was set: it must not cost a search. */
  #mayBetter(seq: number): boolean {
    const { past, boots, sync, later } = this.#timeline
    if (seq > sync) return later !== undefined && (sync > 0 || past.length > 0) && hasSync(boots.at(-1))
    return past.length > 0 || boots.some(({ first }) => first !== undefined)
  }

  /** Ranges of numbers whose punches have a time within these limits by the timeline, whatever their clocks said. */
  within(from: number, to: number): { readonly first: number; readonly last: number }[] {
    this.#known ??= knownBoots(this.#timeline)
    return [...this.#known.values()].flatMap(({ boot, first, last = Number.MAX_SAFE_INTEGER, end, syncs, bounds }) => {
      if (first === undefined || (syncs.length === 0 && !Number.isFinite(bounds?.latestEnd ?? Infinity))) return []
      const begin = this.effective({ wall: 0, uptime: 0, boot, state: 'unsynced', errorMs: null })
      const over = this.effective({ wall: 0, uptime: end ?? 0, boot, state: 'unsynced', errorMs: null })
      const isOver = end !== undefined && over !== undefined && latestOf(over) < from
      return begin === undefined || isOver || earliestOf(begin) >= to ? [] : [{ first, last }]
    })
  }
}

function hasSync(boot: Boot | undefined): boolean {
  return boot !== undefined && boot.syncs.length > 0
}

function earliestOf(effective: Effective): number {
  return 'time' in effective ? effective.time - effective.errorMs : effective.earliest
}

function latestOf(effective: Effective): number {
  return 'time' in effective ? effective.time + effective.errorMs : effective.latest
}

/** The clocks in a record. Of one that was erased there is nothing left to read. */
export function clockOf(body: string): Moment | undefined {
  try {
    return (JSON.parse(body) as { clock?: Moment }).clock
  } catch {
    return undefined
  }
}
