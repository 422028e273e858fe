/**
 * Direction `auto`: in and out in turn. Pure: no clock, no I/O. What it cannot know it takes for an arrival: a missing
 * departure is seen by whoever looks, a false one hides a stay.
 */
import type { Moment } from '../model.js'
import { elapsedMs } from './repeat.js'

export interface Turns {
  /** From this time of the local day on the first one is `in`; null: days do not matter. */
  readonly dayStartMs: number | null
  /** Whoever came in this long ago, or longer, forgot to go out. */
  readonly maxStayMs: number
}

/** The last that somebody passed at a place. */
export interface Passage {
  readonly direction: 'in' | 'out'
  readonly moment: Moment
}

/** Minutes east of UTC at an instant. */
export type OffsetMinutes = (wall: number) => number

const DAY_MS = 86_400_000

export function nextDirection(
  last: Passage | undefined,
  now: Moment,
  turns: Turns,
  offset: OffsetMinutes,
): 'in' | 'out' {
  if (last?.direction !== 'in') return 'in'
  const stayMs = elapsedMs(last.moment, now)
  // Of two boots without a clock nothing is known. A little before the last one: two readers, heard in the other order.
  if (stayMs === undefined || Math.abs(stayMs) >= turns.maxStayMs) return 'in'
  if (turns.dayStartMs === null || now.state !== 'synced') return 'out'
  // By what passed between them: the clock may have been stepped since.
  const day = (wall: number): number => dayOf(wall, turns.dayStartMs ?? 0, offset)
  return day(now.wall - stayMs) === day(now.wall) ? 'out' : 'in'
}

function dayOf(wall: number, dayStartMs: number, offset: OffsetMinutes): number {
  return Math.floor((wall + offset(wall) * 60_000 - dayStartMs) / DAY_MS)
}
