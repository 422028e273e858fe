/**
 * The repeat rule: five minutes of repeated taps are one punch. Pure: no clock, no I/O.
 * The window is half-open, `[0, windowMs)`, starts with the first accepted punch and does not slide.
 */
import type { Credential, Direction, DirectionSetting, Method, Moment } from '../model.js'

/** When a punch was, as far as windows are concerned. */
export interface PunchTime {
  /** When it reached us. */
  readonly moment: Moment
  /** For what a terminal kept for a while: when it was by the terminal's clock, set right by what it was ahead of ours. */
  readonly lateWall?: number | undefined
}

/** The accepted punch that opened a window. */
export interface FirstPunch extends PunchTime {
  readonly id: string
  readonly direction: Direction
  /** Whose it was, where that was known. */
  readonly person: string | null
}

/**
 * Punches with one key share a window: the same credential at the same place in the same direction. `factor`: where two
 * factors are asked for, each has windows of its own, or the second would be a repeat of the first.
 */
export function repeatKey(place: string, direction: DirectionSetting, credential: Credential, factor?: Method): string {
  return JSON.stringify([place, direction, credential.type, credential.value, credential.scope, factor])
}

/** The same for whatever a person carries. */
export function personKey(place: string, direction: DirectionSetting, person: string, factor?: Method): string {
  return JSON.stringify([place, direction, { person }, factor])
}

/** A credential that was given to another person meanwhile makes no repeat. */
export function isOfOther(first: FirstPunch, person: string | null): boolean {
  return first.person !== null && person !== null && first.person !== person
}

/** True when a punch falls into the window that `first` opened. */
export function isRepeat(first: PunchTime, punch: PunchTime, windowMs: number): boolean {
  const elapsed = betweenMs(first, punch)
  // Two readers of one place may be heard in the other order: a little before the first is the same visit.
  return elapsed !== undefined && Math.abs(elapsed) < windowMs
}

/** True when `first` tells nothing about `now`, nor ever will: an earlier boot whose clock was never set. */
export function isForgotten(first: Moment, now: Moment): boolean {
  return first.boot !== now.boot && first.state === 'unsynced'
}

/** True when no later punch can fall into the window of `first` any more. */
export function isOver(first: Moment, now: Moment, windowMs: number): boolean {
  const elapsed = elapsedMs(first, now)
  if (elapsed !== undefined) return elapsed >= windowMs
  // A boot does not come back, but a clock that is not set now may be set soon.
  return first.state === 'unsynced'
}

/** As `elapsedMs`; with what came late only walls can be compared. */
function betweenMs(from: PunchTime, to: PunchTime): number | undefined {
  if (from.lateWall === undefined && to.lateWall === undefined) return elapsedMs(from.moment, to.moment)
  const [begin, end] = [wallOf(from), wallOf(to)]
  return begin === undefined || end === undefined ? undefined : end - begin
}

function wallOf({ moment, lateWall }: PunchTime): number | undefined {
  return lateWall ?? (moment.state === 'synced' ? moment.wall : undefined)
}

/**
 * Milliseconds between two moments. Undefined when they cannot be compared: of two boots with a clock that was
 * not set, nothing is known, and then two punches are two punches.
 */
export function elapsedMs(from: Moment, to: Moment): number | undefined {
  if (from.boot === to.boot) return to.uptime - from.uptime
  if (from.state === 'synced' && to.state === 'synced') return to.wall - from.wall
  return undefined
}
