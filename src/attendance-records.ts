/** What attendance is told and what it writes besides punches: corrections of verification, events for operators. */
import type { Draft } from './journal/journal.js'
import type { Moment, Origin, Sighting } from './model.js'
import { NO_PEOPLE, type Found, type People } from './people.js'
import type { OffsetMinutes, Turns } from './policy/direction.js'
import { ruleName, type Factor, type VerifyRule } from './policy/verify.js'
import { StatesInMemory, type PolicyStates } from './policy-states.js'

/** A sighting with the reader that made it. */
export interface Report {
  readonly origin: Origin
  readonly sighting: Sighting
  /** Names what may become one punch only, however often it is reported, restarts and years between: see `onceOf`. */
  readonly once?: string
}

export interface AttendanceRules {
  readonly people: People
  readonly states: PolicyStates
  readonly verify: readonly VerifyRule[]
  readonly unknown: 'publish' | 'hold'
  readonly autoDirection: Turns
  readonly offset: OffsetMinutes
}

/** Whatever is not said is as in a configuration that does not say it. */
export function rulesOf(rules: Partial<AttendanceRules>): AttendanceRules {
  return {
    people: NO_PEOPLE,
    states: new StatesInMemory(),
    verify: [],
    unknown: 'publish',
    autoDirection: { dayStartMs: 4 * 3_600_000, maxStayMs: 16 * 3_600_000 },
    offset: () => 0,
    ...rules,
  }
}

/** Says that the second factor did not come; `of` is the first. */
export function correction(place: string, of: Factor, rule: VerifyRule | undefined, moment: Moment): Draft {
  const { reader, sim, id } = of
  const verification = { state: 'missing', rule: rule && ruleName(rule) }
  const fields = { reader, place, of: id, verification, sim: sim ? true : undefined }
  return { kind: 'correction', channel: reader, moment, fields }
}

/** What operators are told of somebody who was turned away: once a day for each person or credential. */
export function eventOf(
  { origin, sighting }: Report,
  found: Found,
  day: string,
): (Draft & { once: string }) | undefined {
  const { reader, place } = origin
  const { type, value, scope } = sighting.credential
  const about = { kind: 'audit', moment: sighting.arrived } as const
  if (found.kind === 'refused') {
    const fields = { reader, place, type: 'credential-refused', subject: found.ref, detail: { reason: found.reason } }
    return { ...about, channel: fields.type, fields, once: JSON.stringify([fields.type, found.ref, day]) }
  }
  if (found.kind !== 'stranger') return undefined
  // The punch before it holds the whole of it.
  const subject = `${type} …${value.slice(-4)}`
  const fields = { reader, place, type: 'unknown-credential', subject, detail: { method: sighting.method } }
  return { ...about, channel: fields.type, fields, once: JSON.stringify([fields.type, type, scope, value, day]) }
}

/** The local day of the site, `2026-11-23`. */
export function localDay(wall: number, offset: OffsetMinutes): string {
  return new Date(wall + offset(wall) * 60_000).toISOString().slice(0, 10)
}
