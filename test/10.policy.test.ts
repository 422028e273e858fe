/** The repeat rule: what is one punch, and what are two. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Attendance, type Report } from '../src/attendance.js'
import type { Journal } from '../src/journal/journal.js'
import type { Credential, Judgement, Moment } from '../src/model.js'
import { isOver, isRepeat, repeatKey } from '../src/policy/repeat.js'
import { cardReport, momentAt } from './support/records.js'

const WINDOW = 300_000
const card: Credential = { type: 'card', value: '0A00123456', scope: 'global' }

describe('the repeat window', () => {
  const first = momentAt(1_000_000)

  it('is half-open: its last millisecond is a repeat, the next is a punch', () => {
    assert.ok(isRepeat({ moment: first }, { moment: momentAt(1_000_000) }, WINDOW))
    assert.ok(isRepeat({ moment: first }, { moment: momentAt(1_000_000 + WINDOW - 1) }, WINDOW))
    assert.ok(!isRepeat({ moment: first }, { moment: momentAt(1_000_000 + WINDOW) }, WINDOW))
  })

  it('of no length has no repeats', () => {
    assert.ok(!isRepeat({ moment: first }, { moment: first }, 0))
  })

  it('forgives two readers of one place that are heard in the other order', () => {
    assert.ok(isRepeat({ moment: first }, { moment: momentAt(1_000_000 - 1) }, WINDOW))
    assert.ok(!isRepeat({ moment: first }, { moment: momentAt(1_000_000 - WINDOW) }, WINDOW))
  })

  it('uses the uptime within a boot: a step of the wall clock changes nothing (C02)', () => {
    const stepped = momentAt(1_000_500, { wall: first.wall + 86_400_000 })
    assert.ok(isRepeat({ moment: first }, { moment: stepped }, WINDOW))
    const late = momentAt(1_000_000 + WINDOW, { wall: first.wall })
    assert.ok(!isRepeat({ moment: first }, { moment: late }, WINDOW))
  })

  it('goes by the wall clock across boots, when both were synced', () => {
    const next = momentAt(5_000, { boot: 'boot-2', wall: first.wall + WINDOW - 1 })
    assert.ok(isRepeat({ moment: first }, { moment: next }, WINDOW))
    assert.ok(!isRepeat({ moment: first }, { moment: { ...next, wall: first.wall + WINDOW } }, WINDOW))
  })

  it('knows nothing across boots when either clock was not set: two punches are two punches', () => {
    const unsynced = { state: 'unsynced', errorMs: null } as const
    const next = momentAt(5_000, { boot: 'boot-2', wall: first.wall + 1_000 })
    assert.ok(!isRepeat({ moment: { ...first, ...unsynced } }, { moment: next }, WINDOW))
    assert.ok(!isRepeat({ moment: first }, { moment: { ...next, ...unsynced } }, WINDOW))
  })

  it('is over when nothing later can fall into it', () => {
    assert.ok(!isOver(first, momentAt(1_000_000 + WINDOW - 1), WINDOW))
    assert.ok(isOver(first, momentAt(1_000_000 + WINDOW), WINDOW))
  })

  it('stays open while the clock of a new boot is not set: it may be set soon', () => {
    const unsynced = { boot: 'boot-2', state: 'unsynced', errorMs: null } as const
    assert.ok(!isOver(first, momentAt(5_000, unsynced), WINDOW))
    assert.ok(isOver({ ...first, state: 'unsynced', errorMs: null }, momentAt(5_000, unsynced), WINDOW))
  })
})

describe('the repeat key', () => {
  const key = repeatKey('gate', 'in', card)

  it('is shared by the readers of one place', () => {
    assert.equal(repeatKey('gate', 'in', { ...card }), key)
  })

  it('differs by place, direction and each part of the credential', () => {
    const others = [
      repeatKey('yard', 'in', card),
      repeatKey('gate', 'out', card),
      repeatKey('gate', 'none', card),
      repeatKey('gate', 'in', { ...card, value: '0A00123457' }),
      repeatKey('gate', 'in', { ...card, type: 'mac' }),
      repeatKey('gate', 'in', { ...card, scope: 'gate-1' }),
    ]
    assert.equal(new Set([key, ...others]).size, others.length + 1)
  })

  it('cannot be forged by quotes, commas or brackets in a value', () => {
    const text = fc.string({ unit: 'grapheme' })
    const parts = fc.tuple(text, text, text)
    fc.assert(
      fc.property(parts, parts, ([place, value, scope], [place2, value2, scope2]) => {
        const one = repeatKey(place, 'in', { type: 'qr', value, scope })
        const two = repeatKey(place2, 'in', { type: 'qr', value: value2, scope: scope2 })
        const same = place === place2 && value === value2 && scope === scope2
        assert.equal(one === two, same)
      }),
    )
  })
})

/** What a supervisor at the door would write down: one window per key, from the last accepted punch. */
class Doorman {
  readonly #seen: { readonly key: string; readonly moment: Moment; readonly verdict: Judgement }[] = []
  readonly #windowMs: number
  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }
  judge({ origin, sighting }: Report): Judgement {
    const { credential, arrived: moment } = sighting
    const key = [origin.place, origin.direction, credential.value, credential.scope].join('|')
    const last = this.#seen.findLast((seen) => seen.key === key && seen.verdict === 'accepted')
    const verdict = last && Math.abs(apart(last.moment, moment)) < this.#windowMs ? 'repeat' : 'accepted'
    this.#seen.push({ key, moment, verdict })
    return verdict
  }
}

function apart(from: Moment, to: Moment): number {
  if (from.boot === to.boot) return to.uptime - from.uptime
  return from.state === 'synced' && to.state === 'synced' ? to.wall - from.wall : Infinity
}

/** A journal that forgets: the policy is asked here, not the disk. */
const noJournal = { append: () => [], newestPunches: () => undefined } as unknown as Journal // The two methods that Attendance calls.

interface Step {
  readonly pause: number
  readonly boots: boolean
  readonly synced: boolean
  readonly card: number
  readonly place: string
  readonly direction: 'in' | 'out'
}

/** A day at the door: pauses near the window's edge, reboots, clocks that are not set. */
function history(steps: readonly Step[]): Report[] {
  let [uptime, wall, boot] = [1_000, Date.UTC(2026, 0, 5), 1]
  return steps.map(({ pause, boots, synced, card: number, place, direction }) => {
    wall += pause
    uptime += pause
    if (boots) [uptime, boot] = [1_000, boot + 1]
    const moment: Moment = {
      wall,
      uptime,
      boot: `b${boot}`,
      state: synced ? 'synced' : 'unsynced',
      errorMs: synced ? 20 : null,
    }
    return cardReport(String(number), 0, { place, direction, moment })
  })
}

describe('the repeat rule in the attendance', () => {
  it('does not slide: tapping every minute is a punch every five minutes', () => {
    const attendance = new Attendance(noJournal, WINDOW, momentAt(0))
    const verdicts = Array.from(
      { length: 11 },
      (_, minute) => attendance.record([cardReport('AA', minute * 60_000)])[0],
    )
    const punches = verdicts.flatMap((verdict, minute) => (verdict === 'accepted' ? [minute] : []))
    assert.deepEqual(punches, [0, 5, 10])
  })

  it('judges every history as the doorman does, in batches of any size', () => {
    const step: fc.Arbitrary<Step> = fc.record({
      pause: fc.oneof(fc.constantFrom(0, 1, 499, 500, 501, 999, 1_000, 1_001), fc.integer({ min: 0, max: 2_500 })),
      boots: fc.integer({ min: 0, max: 9 }).map((number) => number === 0),
      synced: fc.boolean(),
      card: fc.integer({ min: 1, max: 3 }),
      place: fc.constantFrom('gate', 'yard'),
      direction: fc.constantFrom('in', 'out'),
    })
    const runs = fc.tuple(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 7 }))
    fc.assert(
      fc.property(runs, ([steps, batch]) => {
        const reports = history(steps)
        const doorman = new Doorman(1_000)
        const attendance = new Attendance(noJournal, 1_000, momentAt(0))
        const verdicts: Judgement[] = []
        for (let from = 0; from < reports.length; from += batch)
          verdicts.push(...attendance.record(reports.slice(from, from + batch)))
        assert.deepEqual(
          verdicts,
          reports.map((report) => doorman.judge(report)),
        )
      }),
      { numRuns: 2_000 },
    )
  })
})
