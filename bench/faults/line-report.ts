/** What one trial found: a line of the table, and what must not be. */
import type { Row } from './fault.js'
import { SPEED, type Found } from './line-run.js'
import { brokenPromises, lostOf } from './oracle.js'

/** Doubling pauses from half a second: the first minute has seven, or eight when they are short. */
const USUAL_A_MINUTE = 10
const MINUTE_MS = 60_000 / SPEED

export function rowOf(found: Found): Row {
  const { trial, subscriber, proxy, seconds, stored } = found
  const { connects } = proxy
  const times = `${connects.length} connects, ${mostWithin(connects, MINUTE_MS)} in the worst minute`
  const late = subscriber.disordered > 0 ? `, ${subscriber.disordered} late` : ''
  const again = `${subscriber.redelivered} again${late}`
  const note = `of ${stored.ids.length} received; ${times}; ${again}; ${Math.round(seconds)} s: ${trial.about}`
  return [trial.name, subscriber.received, note]
}

export function violationsOf(found: Found): string[] {
  const { trial, subscriber, proxy } = found
  const bad = brokenPromises(found, { disorder: trial.disorder ?? true })
  const { connectsAMinute = USUAL_A_MINUTE, againACut = Infinity } = trial
  const worst = mostWithin(proxy.connects, MINUTE_MS)
  if (worst > connectsAMinute) bad.push(`${worst} connects in a minute`)
  const most = Math.max(0, proxy.connects.length - 1) * againACut
  if (subscriber.redelivered > most) bad.push(`${subscriber.redelivered} came again, more than ${most}`)
  const parked = found.stored.parked()
  if (parked !== '') bad.push(`still parked: ${parked}`)
  return bad.map((what) => `${trial.name}: ${what}`)
}

/** The control is good when it was found out, and nothing but the broker's loss was found. */
export function controlOf(found: Found): { row: Row; violations: string[] } {
  const lost = lostOf(found)
  const note = `lost, of ${found.stored.ids.length}; ${found.trial.about}: must not be 0`
  return {
    row: ['control', lost, note],
    violations: lost > 0 ? [] : ['the control was not found out: this run proves nothing'],
  }
}

/** The most moments that lie within any `spanMs`. */
export function mostWithin(moments: readonly number[], spanMs: number): number {
  let [most, from] = [0, 0]
  for (const [to, moment] of moments.entries()) {
    while (moment - (moments[from] ?? moment) > spanMs) from += 1
    most = Math.max(most, to - from + 1)
  }
  return most
}
