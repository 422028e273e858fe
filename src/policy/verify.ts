/**
 * Two factors of one person within some time, in either order. Pure: no clock, no I/O. The window is half-open,
 * `[0, withinMs)`, and starts with the first factor. Each first factor ends in one of two ways: confirmed by the second,
 * or missing. For as long again a second one is `late`; after that it is a first one.
 */
import type { Method, Moment } from '../model.js'
import { elapsedMs } from './repeat.js'

export interface VerifyRule {
  readonly place: string
  readonly factors: readonly [Method, Method]
  readonly withinMs: number
}

/** An accepted punch, as far as rules are concerned. */
export interface Factor {
  readonly id: string
  readonly method: Method
  readonly moment: Moment
  readonly reader: string
  readonly sim: boolean
}

/** A first factor that waits for its second. */
export interface Waiting extends Factor {
  /** It was said that the second did not come in time. */
  readonly told: boolean
}

/** What the record of a later factor carries. */
export interface Verification {
  readonly rule: string
  readonly state: 'confirmed' | 'late'
  readonly of: string
  readonly afterMs: number
}

export interface Verified {
  readonly waiting: Waiting | undefined
  readonly verification?: Verification
  /** The first factor of which is to be said that its second did not come. */
  readonly missing?: Factor
}

/** As records name a rule. */
export function ruleName({ place, factors }: VerifyRule): string {
  return `${place}:${factors.join('+')}`
}

/** True when a record of this method is a factor of the rule. */
export function isFactor({ factors }: VerifyRule, method: Method): boolean {
  return factors.includes(method)
}

/** Takes a factor of a person of whom `waiting` is known. */
export function verify(rule: VerifyRule, waiting: Waiting | undefined, factor: Factor): Verified {
  const first = { ...factor, told: false }
  if (!waiting) return { waiting: first }
  const missing = waiting.told ? {} : { missing: waiting }
  const elapsed = elapsedMs(waiting.moment, factor.moment)
  // Fails closed: what cannot be compared confirms nothing.
  const afterMs = elapsed === undefined ? Infinity : Math.abs(elapsed)
  const inTime = afterMs < rule.withinMs && !waiting.told
  if (waiting.method === factor.method) return inTime ? { waiting } : { waiting: first, ...missing }
  if (afterMs >= 2 * rule.withinMs) return { waiting: first, ...missing }
  const verification = { rule: ruleName(rule), state: inTime ? 'confirmed' : 'late', of: waiting.id, afterMs } as const
  return { waiting: undefined, verification, ...(inTime ? {} : missing) }
}

/** True when it is time to say that the second factor did not come. `graceMs`: for those on their way into the journal. */
export function isMissing(rule: VerifyRule, waiting: Waiting, now: Moment, graceMs: number): boolean {
  if (waiting.told) return false
  const elapsed = elapsedMs(waiting.moment, now)
  if (elapsed !== undefined) return Math.abs(elapsed) >= rule.withinMs + graceMs
  // A clock that is not set now may be set soon; one that never was tells nothing any more.
  return waiting.moment.state === 'unsynced'
}
