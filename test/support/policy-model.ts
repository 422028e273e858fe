/** The policy again, as slowly and plainly as it can be said: every punch looks at all that were before it. */
import type { Moment } from '../../src/model.js'

const MINUTE = 60_000
export const REPEAT = 5 * MINUTE
export const WITHIN = 15 * MINUTE
export const MAX_STAY = 16 * 60 * MINUTE
export const DAY_START = 4 * 60 * MINUTE
const GRACE = 5_000

export interface Tap {
  readonly kind: 'punch'
  readonly at: Moment
  readonly place: string
  readonly setting: 'in' | 'out' | 'auto'
  readonly who: 'ada' | 'bob' | 'stranger' | 'expired'
  readonly method: 'card' | 'fingerprint' | 'pin'
}
export type Happening = Tap | { readonly kind: 'tick' | 'restart'; readonly at: Moment }

export interface Outcome {
  readonly verdict: string
  readonly direction: string
  readonly repeatOf: number | null
  readonly verification: { readonly state: string; readonly of: number; readonly afterMs: number } | null
}

export interface Told {
  readonly outcomes: Outcome[]
  /** Punches of which is said that the second factor did not come. */
  readonly missing: number[]
}

/** How far two moments lie apart; NaN when nobody can know, and NaN is neither less nor more than anything. */
function apart(from: Moment, to: Moment): number {
  if (from.boot === to.boot) return to.uptime - from.uptime
  return from.state === 'synced' && to.state === 'synced' ? to.wall - from.wall : NaN
}

const isFactor = ({ place, method }: Tap): boolean => place === 'vault' && method !== 'pin'

export function reference(happenings: readonly Happening[]): Told {
  const told: Told = { outcomes: [], missing: [] }
  const taps: Tap[] = []
  /** First factors whose second is waited for, in time and too late. */
  const [open, overdue]: [number[], number[]] = [[], []]
  const accepted = (fits: (tap: Tap, outcome: Outcome) => boolean): number =>
    taps.findLastIndex((tap, nth) => told.outcomes[nth]?.verdict === 'accepted' && fits(tap, told.outcomes[nth]))
  for (const happening of happenings) {
    if (happening.kind === 'tick') {
      for (const nth of [...open]) {
        const first = taps[nth]?.at ?? happening.at
        const ms = Math.abs(apart(first, happening.at))
        if (!(ms >= WITHIN + GRACE || (Number.isNaN(ms) && first.state === 'unsynced'))) continue
        told.missing.push(nth)
        overdue.push(...open.splice(open.indexOf(nth), 1))
      }
    }
    if (happening.kind !== 'punch') continue
    const { at, who, place, setting, method } = happening
    const nth = taps.push(happening) - 1
    const outcome = (verdict: string, direction: string, more: Partial<Outcome> = {}): void =>
      void told.outcomes.push({ verdict, direction, repeatOf: null, verification: null, ...more })
    if (who === 'stranger' || who === 'expired') {
      outcome('unknown', setting === 'auto' ? 'none' : setting)
      continue
    }
    const before = accepted((tap, { direction }) => tap.who === who && tap.place === place &&
      (setting === 'auto' || direction === setting) && (!isFactor(happening) || tap.method === method) && isFactor(tap) === isFactor(happening)) // prettier-ignore
    if (before !== -1 && Math.abs(apart(taps[before]?.at ?? at, at)) < REPEAT) {
      outcome('repeat', told.outcomes[before]?.direction ?? '', { repeatOf: before })
      continue
    }
    const last = accepted((tap) => tap.who === who && tap.place === place && tap.setting === 'auto')
    const way = setting === 'auto' ? turn(told.outcomes[last]?.direction, taps[last]?.at, at) : setting
    outcome('accepted', way, { verification: isFactor(happening) ? second(happening, nth) : null })
  }
  return told
  function second(tap: Tap, nth: number): Outcome['verification'] {
    const of = [...open, ...overdue].find((first) => taps[first]?.who === tap.who)
    if (of === undefined) return (open.push(nth), null)
    const first = taps[of] ?? tap
    const afterMs = Math.abs(apart(first.at, tap.at))
    const inTime = open.includes(of) && afterMs < WITHIN
    if (inTime && first.method === tap.method) return null
    if (open.includes(of) && !inTime) told.missing.push(of)
    for (const list of [open, overdue]) if (list.includes(of)) list.splice(list.indexOf(of), 1)
    const isSecond = first.method !== tap.method && afterMs < 2 * WITHIN
    return isSecond ? { state: inTime ? 'confirmed' : 'late', of, afterMs } : (open.push(nth), null)
  }
}

function turn(last: string | undefined, from: Moment | undefined, at: Moment): string {
  const stay = from ? apart(from, at) : NaN
  if (last !== 'in' || !(Math.abs(stay) < MAX_STAY)) return 'in'
  const day = (wall: number): string => new Date(wall + 60 * MINUTE - DAY_START).toISOString().slice(0, 10)
  return at.state === 'synced' && day(at.wall - stay) !== day(at.wall) ? 'in' : 'out'
}
