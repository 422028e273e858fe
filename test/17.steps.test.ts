/** Directions in turn and second factors: their rules, and the traps that the documents name. */
import assert from 'node:assert/strict'
import type { Moment } from '../src/model.js'
import { nextDirection, type Passage, type Turns } from '../src/policy/direction.js'
import { isMissing, verify, type Factor, type Waiting } from '../src/policy/verify.js'
import { momentAt } from './support/records.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const TURNS: Turns = { dayStartMs: 4 * HOUR, maxStayMs: 16 * HOUR }
/** Berlin around the end of summer time 2026: 3:00 becomes 2:00 on 25 October. */
const berlin = (wall: number): number => (wall < Date.UTC(2026, 9, 25, 1) ? 120 : 60)

describe('directions in turn', () => {
  /** A moment of a synced clock that shows this UTC time; all in one boot. */
  const at = (iso: string, over: Partial<Moment> = {}): Moment => {
    const wall = Date.parse(`${iso}Z`)
    return { ...momentAt(0), wall, uptime: wall - Date.UTC(2026, 9, 1), ...over }
  }
  const next = (last: Passage | undefined, now: Moment, turns = TURNS): string =>
    nextDirection(last, now, turns, berlin)
  const came = (iso: string): Passage => ({ direction: 'in', moment: at(iso) })

  it('begin with in, and alternate', () => {
    assert.equal(next(undefined, at('2026-11-23T07:00')), 'in')
    assert.equal(next(came('2026-11-23T07:00'), at('2026-11-23T16:00')), 'out')
    assert.equal(next({ direction: 'out', moment: at('2026-11-23T16:00') }, at('2026-11-23T17:00')), 'in')
  })

  it('begin anew with each day: who forgot to go out comes in', () => {
    // 4:00 in Berlin is 3:00 UTC in winter.
    assert.equal(next(came('2026-11-23T16:00'), at('2026-11-24T02:59:59.999')), 'out')
    assert.equal(next(came('2026-11-23T16:00'), at('2026-11-24T03:00')), 'in')
  })

  it('count the day by the clocks of the site, on the night they change too', () => {
    // 25 October: 4:00 of winter time is 3:00 UTC; the day before it was 2:00 UTC.
    assert.equal(next(came('2026-10-24T15:00'), at('2026-10-25T02:59')), 'out')
    assert.equal(next(came('2026-10-24T15:00'), at('2026-10-25T03:00')), 'in')
    assert.equal(next(came('2026-10-23T15:00'), at('2026-10-24T02:00')), 'in')
  })

  it('end with the longest stay', () => {
    const turns = { ...TURNS, dayStartMs: null }
    assert.equal(next(came('2026-11-23T07:00'), at('2026-11-23T22:59:59.999'), turns), 'out')
    assert.equal(next(came('2026-11-23T07:00'), at('2026-11-23T23:00'), turns), 'in')
  })

  it('are wrong for a shift across the start of the day, and right for it without one', () => {
    const shift = [came('2026-11-23T21:00'), at('2026-11-24T05:00')] as const
    assert.equal(next(...shift), 'in')
    assert.equal(next(...shift, { ...TURNS, dayStartMs: null }), 'out')
  })

  it('do not mind a step of the clock within a boot', () => {
    const stepped = at('2026-11-23T16:00', { wall: Date.parse('2026-11-25T16:00Z') })
    assert.equal(next(came('2026-11-23T14:00'), stepped), 'out')
  })

  it('are in when nothing is known of the time between', () => {
    const boot = { boot: 'boot-2', uptime: 5_000 }
    const unset = { ...boot, wall: 0, state: 'unsynced', errorMs: null } as const
    assert.equal(next(came('2026-11-23T07:00'), at('2026-11-23T16:00', boot)), 'out')
    assert.equal(next(came('2026-11-23T07:00'), at('2026-11-23T16:00', unset)), 'in')
  })

  it('within a boot whose clock is not set leave the days aside', () => {
    const unset = { state: 'unsynced', errorMs: null } as const
    const last: Passage = { direction: 'in', moment: at('2026-11-23T22:00', unset) }
    assert.equal(next(last, at('2026-11-24T05:00', unset)), 'out')
  })
})

describe('second factors', () => {
  const rule = { place: 'vault', factors: ['card', 'fingerprint'], withinMs: 15 * MINUTE } as const
  const factor = (id: string, method: Factor['method'], moment: Moment): Factor => ({ id, method, moment, reader: 'r', sim: false }) // prettier-ignore
  const first: Waiting = { ...factor('a', 'card', momentAt(0)), told: false }
  const then = (method: Factor['method'], moment: Moment, waiting: Waiting | undefined = first) => {
    const { waiting: left, verification, missing } = verify(rule, waiting, factor('b', method, moment))
    return [left?.id, verification?.state, missing?.id]
  }

  it('confirm within the window, to its last millisecond, in either order', () => {
    assert.deepEqual(then('fingerprint', momentAt(15 * MINUTE - 1)), [undefined, 'confirmed', undefined])
    assert.deepEqual(verify(rule, { ...factor('f', 'fingerprint', momentAt(0)), told: false }, factor('c', 'card', momentAt(1))).verification, // prettier-ignore
      { rule: 'vault:card+fingerprint', state: 'confirmed', of: 'f', afterMs: 1 }) // prettier-ignore
  })

  it('are late for as long again, then first ones; the first is missing, and that is said once', () => {
    assert.deepEqual(then('fingerprint', momentAt(15 * MINUTE)), [undefined, 'late', 'a'])
    assert.deepEqual(then('fingerprint', momentAt(30 * MINUTE - 1), { ...first, told: true }), [undefined, 'late', undefined]) // prettier-ignore
    assert.deepEqual(then('fingerprint', momentAt(30 * MINUTE)), ['b', undefined, 'a'])
  })

  it('are not the same factor again', () => {
    assert.deepEqual(then('card', momentAt(6 * MINUTE)), ['a', undefined, undefined])
    assert.deepEqual(then('card', momentAt(16 * MINUTE)), ['b', undefined, 'a'])
  })

  it('confirm nothing across boots without a clock (C10)', () => {
    const unset = { boot: 'boot-2', wall: 0, state: 'unsynced', errorMs: null } as const
    assert.deepEqual(then('fingerprint', momentAt(MINUTE, unset)), ['b', undefined, 'a'])
    assert.deepEqual(then('fingerprint', momentAt(5_000, { boot: 'boot-2', wall: momentAt(MINUTE).wall })), [undefined, 'confirmed', undefined]) // prettier-ignore
  })

  it('are missed when their time is over, in a new boot as soon as its clock is set', () => {
    const unset = { boot: 'boot-2', wall: 0, state: 'unsynced', errorMs: null } as const
    assert.ok(!isMissing(rule, first, momentAt(15 * MINUTE - 1), 0))
    assert.ok(isMissing(rule, first, momentAt(15 * MINUTE), 0))
    assert.ok(!isMissing(rule, first, momentAt(HOUR, unset), 0))
    assert.ok(isMissing(rule, { ...first, moment: { ...first.moment, state: 'unsynced' } }, momentAt(0, unset), 0))
    assert.ok(!isMissing(rule, { ...first, told: true }, momentAt(HOUR), 0))
  })
})
