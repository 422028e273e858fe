/**
 * What time it was, from clocks that may not have been set: derived from what the records say, never written over
 * them. Pure: no clock, no I/O. A time comes with a bound, or it is an interval; the true time lies inside.
 */
import type { Moment } from '../model.js'

/** By this much the uptime may run fast or slow. */
const DRIFT = 100e-6
/** Two processes of one boot may read its uptime so far apart: how long a suspend took is known to 50 ms. */
const SLACK_MS = 60
/** There was no punchd before: no record of it is older. */
export const FLOOR = Date.UTC(2026, 0, 1)
/** A source that comes and goes all day must not fill the memory. */
const MOST_SYNCS = 100
/** Boots are remembered up to this many: a gateway that is switched off every night fills it in more than a year. */
const MOST_BOOTS = 500

/** An instant at which the wall clock was right. */
export interface Sync {
  readonly uptime: number
  readonly wall: number
  readonly errorMs: number
}

/** One run of the kernel. */
export interface Boot {
  readonly boot: string
  readonly syncs: readonly Sync[]
  /** Number of its first punch whose clock was not set. */
  readonly first?: number
  /** Once it is over: uptime and number of its last record. */
  readonly end?: number
  readonly last?: number
  /** Once the boots around it are known: it began after the one instant and was over by the other. */
  readonly bounds?: Bounds
}

export interface Bounds {
  readonly earliestStart: number
  readonly latestEnd: number
}

/** What the records so far say about time. */
export interface Timeline {
  /** Boots that are over and dated. */
  readonly past: readonly Boot[]
  /** Those since, oldest first; the last of them is running. */
  readonly boots: readonly Boot[]
  /** The first of `boots` began after this. */
  readonly floor: number
  /** True while the last word of the running boot is that its clock is set. */
  readonly inForce: boolean
  /** Number of the newest record that says a clock was set. */
  readonly sync: number
  /** Number of the first punch that waits for its correction. */
  readonly pending?: number | undefined
  /** The same among those after `sync`, whose time is not known yet. */
  readonly later?: number | undefined
}

export const EMPTY: Timeline = { past: [], boots: [], floor: FLOOR, inForce: false, sync: 0 }

/** A record as far as time is concerned. */
export interface Dated {
  readonly seq: number
  readonly moment: Moment
  /** True for a punch whose clock was not set. */
  readonly undated: boolean
  /** What it says about the wall clock: it was right at that moment, and from now on it is `state`. */
  readonly news?: { readonly state: Moment['state']; readonly at: Moment } | undefined
}

/** The timeline with one record more; the same object when it says nothing new. `before`: the record before it. */
export function taken(timeline: Timeline, record: Dated, before: Moment | undefined): Timeline {
  const { seq, moment, undated, news } = record
  const known = timeline.boots.at(-1)?.boot === moment.boot ? timeline : withBoot(timeline, record, before)
  if (news) return withNews(known, seq, news)
  return undated ? withUndated(known, seq) : known
}

function withUndated(timeline: Timeline, seq: number): Timeline {
  const boot = timeline.boots.at(-1)
  if (!boot || (boot.first !== undefined && timeline.later !== undefined && !timeline.inForce)) return timeline
  const { pending = seq, later = seq } = timeline
  return { ...withRunning(timeline, { ...boot, first: boot.first ?? seq }), inForce: false, pending, later }
}

function withNews(timeline: Timeline, seq: number, { state, at }: NonNullable<Dated['news']>): Timeline {
  const boot = timeline.boots.at(-1)
  if (!boot || at.errorMs === null) return timeline
  const sync = { uptime: at.uptime, wall: at.wall, errorMs: at.errorMs }
  // A source that steps a clock which it said was set takes its earlier word back.
  const believed = boot.syncs.filter((earlier) => agree(earlier, sync))
  const told = withRunning(timeline, { ...boot, syncs: [...believed, sync].slice(-MOST_SYNCS) })
  if (state === 'unsynced') return { ...told, inForce: false }
  const synced = { ...told, inForce: true, sync: seq, later: undefined }
  return synced.pending === undefined ? corrected(synced, seq) : synced
}

function agree(one: Sync, other: Sync): boolean {
  const passed = other.uptime - one.uptime
  const apart = Math.abs(other.wall - one.wall - passed)
  return apart <= one.errorMs + other.errorMs + Math.abs(passed) * DRIFT + 2 * SLACK_MS
}

function withRunning(timeline: Timeline, boot: Boot): Timeline {
  return { ...timeline, boots: [...timeline.boots.slice(0, -1), boot] }
}

function withBoot(timeline: Timeline, { seq, moment }: Dated, before: Moment | undefined): Timeline {
  const over = timeline.boots.at(-1)
  const end = over && before?.boot === over.boot ? before.uptime : 0
  const open = over ? [...timeline.boots.slice(0, -1), { ...over, end, last: seq - 1 }] : []
  // Of a gateway that never learns the time the oldest boots are given up.
  const kept = open.slice(1 - MOST_BOOTS)
  const floor = kept.length < open.length ? (bounded(timeline)[1]?.bounds?.earliestStart ?? FLOOR) : timeline.floor
  return { ...timeline, floor, boots: [...kept, { boot: moment.boot, syncs: [] }], inForce: false }
}

/** Every punch up to `through` has its correction. When none is left, boots that are over are dated for good. */
export function corrected(timeline: Timeline, through: number): Timeline {
  if (through < timeline.sync) return { ...timeline, pending: through + 1 }
  const running = timeline.boots.at(-1)
  const done = { ...timeline, pending: timeline.later }
  if (!running || !timeline.inForce) return done
  const dated = bounded(timeline)
  const past = [...timeline.past, ...dated.slice(0, -1)].filter(({ first }) => first !== undefined)
  const floor = dated.at(-1)?.bounds?.earliestStart ?? timeline.floor
  return { ...done, past: past.slice(-MOST_BOOTS), boots: [running], floor }
}

/** Boots by name, with all that can be said of them now. */
export function knownBoots(timeline: Timeline): ReadonlyMap<string, Boot> {
  return new Map([...timeline.past, ...bounded(timeline)].map((boot) => [boot.boot, boot]))
}

/** A boot begins after the last record of the one before it, and is over before the next one begins. */
function bounded({ boots, floor }: Timeline): Boot[] {
  const starts: number[] = []
  let start = floor
  for (const boot of boots) {
    starts.push(start)
    start = Math.max(start, earliestEnd(boot, start))
  }
  let latestEnd = Infinity
  const dated: Boot[] = []
  for (const [index, boot] of [...boots.entries()].reverse()) {
    dated.unshift({ ...boot, bounds: { earliestStart: starts[index] ?? floor, latestEnd } })
    latestEnd = Math.min(latestEnd, latestStart(boot, latestEnd))
  }
  return dated
}

function earliestEnd(boot: Boot, earliestStart: number): number {
  const end = boot.end ?? 0
  const best = nearest(boot.syncs, end)
  return best ? best.time - best.errorMs : earliestStart + shortest(end)
}

function latestStart({ syncs, end = 0 }: Boot, latestEnd: number): number {
  if (syncs.length === 0) return latestEnd - shortest(end)
  return Math.min(...syncs.map(({ wall, uptime, errorMs }) => wall + errorMs - shortest(uptime)))
}

/** An uptime of so much took at least so long. */
function shortest(uptime: number): number {
  return uptime * (1 - DRIFT) - SLACK_MS
}

/** A time with its bound, or an interval: milliseconds since 1970. */
export type Effective =
  { readonly time: number; readonly errorMs: number } | { readonly earliest: number; readonly latest: number }

/** What is known of a moment beyond what the wall clock said; undefined when that is nothing, or it was set anyway. */
export function effectiveTime(moment: Moment, boots: ReadonlyMap<string, Boot>): Effective | undefined {
  if (moment.state === 'synced') return undefined
  const boot = boots.get(moment.boot)
  return boot && (nearest(boot.syncs, moment.uptime) ?? interval(boot, moment.uptime))
}

/** By the sync that tells it best: the uptime between the two is known. */
function nearest(syncs: readonly Sync[], uptime: number): { time: number; errorMs: number } | undefined {
  let best: { time: number; errorMs: number } | undefined
  for (const sync of syncs) {
    const passed = uptime - sync.uptime
    const errorMs = Math.ceil(sync.errorMs + Math.abs(passed) * DRIFT + SLACK_MS)
    if (best === undefined || errorMs < best.errorMs) best = { time: sync.wall + passed, errorMs }
  }
  return best
}

function interval({ bounds, end = 0 }: Boot, uptime: number): Effective | undefined {
  if (!bounds || !Number.isFinite(bounds.latestEnd)) return undefined
  const latest = Math.ceil(bounds.latestEnd - Math.max(0, shortest(end - uptime)))
  const earliest = Math.floor(bounds.earliestStart + shortest(uptime))
  // Only when a source lied: then the later word counts, and of the earlier nothing is left.
  return { earliest: earliest > latest ? Math.min(FLOOR, latest) : earliest, latest }
}
