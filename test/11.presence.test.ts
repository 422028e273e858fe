/** Who is there: arrivals need evidence, departures need silence, and a deaf radio says nothing about anybody. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Credential, Moment, Sample } from '../src/model.js'
import { Level } from '../src/policy/level.js'
import { keyOf, Presence, type Change, type PresenceRules } from '../src/policy/presence.js'
import { momentAt } from './support/records.js'

const RULES: PresenceRules = {
  samples: 3,
  withinMs: 10_000,
  enterDbm: -75,
  leaveDbm: -83,
  awayMs: 60_000,
  graceMs: 300_000,
  settleMs: 5_000,
}
const S = 1_000

const beacon = (value: string): Credential => ({ type: 'beacon', value, scope: 'global' })

/** A presence with a clock: seconds since boot. */
class Door {
  presence = new Presence(RULES)
  readonly changes: Change[] = []
  readonly #moment: (uptime: number) => Moment
  #now = 0

  constructor(moment: (uptime: number) => Moment = momentAt) {
    this.#moment = moment
  }

  /** Ticks each second up to then. */
  until(seconds: number): this {
    while (this.#now + 1 <= seconds) {
      this.#now += 1
      this.changes.push(...this.presence.tick(this.#now * S))
    }
    return this
  }
  say(kind: Sample['kind'], value: string, rssiDbm?: number, holder = value): this {
    const sample: Sample = { credential: beacon(value), method: 'ble', arrived: this.#moment(this.#now * S), kind, ...(rssiDbm !== undefined && { rssiDbm }) } // prettier-ignore
    this.changes.push(...this.presence.take(sample, holder))
    return this
  }
  /** Heard each second. */
  hear(value: string, from: number, to: number, rssiDbm = -60, holder = value): this {
    for (let second = from; second <= to; second++) this.until(second).say('heard', value, rssiDbm, holder)
    return this
  }
  get told(): string[] {
    return this.changes.map(({ change, holder, at }) => `${holder} ${change} ${at.uptime / S}`)
  }
}

describe('presence', () => {
  it('begins after enough signs, with the first of them, and ends after silence, with the last', () => {
    const door = new Door().hear('A', 10, 20).until(79)
    assert.deepEqual(door.told, ['A arrived 10'])
    assert.deepEqual(door.until(80).told, ['A arrived 10', 'A left 20'])
    assert.equal(door.changes[1]?.since.uptime, 10 * S)
    assert.deepEqual(door.changes[0]?.signal, { rssiDbm: -60, samples: 3 })
  })

  it('does not begin with signs that are too few, too far apart, or too weak', () => {
    const door = new Door().hear('A', 1, 2)
    door.until(20).say('heard', 'A', -60).until(40).say('heard', 'A', -60).until(60).say('heard', 'A', -60)
    door.hear('B', 61, 120, -78)
    assert.deepEqual(door.until(300).told, [])
  })

  it('stays at the edge between the two limits, and ends when somebody is only faintly heard', () => {
    const door = new Door().hear('A', 1, 10, -70).hear('A', 11, 200, -80)
    assert.deepEqual(door.told, ['A arrived 1'])
    door.hear('A', 201, 400, -95).until(401)
    assert.equal(door.changes[1]?.change, 'left')
    const left = (door.changes[1]?.at.uptime ?? 0) / S
    assert.ok(left >= 200 && left <= 210, `${left}: the last time it was strong enough`)
  })

  it('is not moved by single spikes', () => {
    const door = new Door()
    for (let second = 1; second <= 100; second++) door.until(second).say('heard', 'A', second % 7 === 0 ? -40 : -90)
    assert.deepEqual(door.told, [])
    assert.deepEqual(new Door().hear('B', 1, 20, 127).until(100).told, [], '127: no strength at all')
  })

  it('is one person with several things: in with the first, out with the last', () => {
    const door = new Door().hear('phone', 1, 10, -60, 'ada').hear('badge', 11, 100, -60, 'ada').until(200)
    assert.deepEqual(door.told, ['ada arrived 1', 'ada left 100'])
    assert.equal(door.changes[0]?.credential.value, 'phone')
    assert.equal(door.changes[1]?.credential.value, 'badge')
  })

  it('of connections begins when one lasts, and ends a while after it ended', () => {
    const door = new Door().until(10).say('joined', 'A').until(12).say('parted', 'A').until(500)
    assert.deepEqual(door.told, [], 'a wrong password')
    door.say('joined', 'A').until(505).until(1_000).say('parted', 'A').until(1_100).say('joined', 'A').until(2_000)
    assert.deepEqual(door.told, ['A arrived 500'], 'silence and a short absence are nothing while it comes back')
    door.say('parted', 'A').until(2_299)
    assert.deepEqual(door.told, ['A arrived 500'])
    assert.deepEqual(door.until(2_300).told, ['A arrived 500', 'A left 2000'])
  })

  it('ends for those whom the source does not list any more', () => {
    const door = new Door().say('joined', 'A').say('joined', 'B').until(100)
    door.changes.push(...door.presence.list(new Set([keyOf(beacon('B'))]), 'ble', momentAt(100 * S)))
    assert.deepEqual(door.until(1_000).told, ['A arrived 0', 'B arrived 0', 'A left 100'])
  })

  it('does not take a gap of the radio for an absence (E14)', () => {
    const door = new Door().hear('A', 1, 20)
    // Ten minutes without radio: nobody ticks.
    const later = new Door()
    later.presence = door.presence
    later.presence.resume(620 * S)
    later.changes.push(...later.presence.tick(640 * S), ...later.presence.tick(679 * S))
    assert.deepEqual(later.told, [])
    later.changes.push(...later.presence.tick(680 * S))
    assert.deepEqual(later.told, ['A left 20'])
  })

  it('survives a restart: who was there is there, and silence counts from the start', () => {
    const door = new Door().hear('A', 1, 20).hear('B', 15, 20).until(30)
    const stays = JSON.parse(JSON.stringify(door.presence.stays())) as ReturnType<Presence['stays']>
    const next = new Door((uptime) => momentAt(uptime, { boot: 'boot-2', wall: momentAt(0).wall + 3_600_000 + uptime }))
    next.presence.restore(stays, 0)
    next.hear('A', 1, 30)
    assert.deepEqual(next.told, [], 'no second arrival')
    next.until(100)
    assert.deepEqual(next.told, ['B left 20', 'A left 30'])
    assert.equal(next.changes[0]?.since.boot, 'boot-1')
  })

  it('forgets strangers that passed by', () => {
    const presence = new Presence(RULES)
    for (let stranger = 0; stranger < 1_000; stranger++) {
      presence.take({ credential: beacon(`S${stranger}`), method: 'ble', arrived: momentAt(stranger), kind: 'heard', rssiDbm: -90 }, `S${stranger}`) // prettier-ignore
    }
    presence.tick(100_000_000)
    assert.deepEqual(presence.stays(), [])
  })

  it('agrees with a model that knows the whole story, whatever the story', () => {
    const story = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.boolean()), { maxLength: 30 })
    fc.assert(
      fc.property(story, (parts) => {
        const door = new Door()
        const signs: number[] = []
        let second = 0
        for (const [length, isNear] of parts) {
          for (let step = 0; step < length; step++) {
            second += 1
            door.until(second)
            if (!isNear) continue
            door.say('heard', 'A', -60)
            signs.push(second)
          }
        }
        door.until(second + 100)
        assert.deepEqual(door.told, model(signs))
      }),
      { numRuns: 500 },
    )
  })
})

/** Strong signs only: stays are runs of signs less than `awayMs` apart that hold three signs close together. */
function model(signs: readonly number[]): string[] {
  const told: string[] = []
  let coming: number[] = []
  let isHere = false
  let last = Number.NEGATIVE_INFINITY
  for (const sign of signs) {
    if (isHere && sign - last >= RULES.awayMs / S) {
      told.push(`A left ${last}`)
      isHere = false
      coming = []
    }
    if (!isHere && sign - last > RULES.withinMs / S) coming = []
    coming.push(sign)
    if (!isHere && coming.length >= RULES.samples) {
      told.push(`A arrived ${coming[0]}`)
      isHere = true
    }
    last = sign
  }
  return isHere ? [...told, `A left ${last}`] : told
}

describe('the level of a radio', () => {
  it('follows the median, slowly', () => {
    const level = new Level()
    assert.equal(level.take(0, -60), -60)
    assert.equal(level.take(1_000, -60), -60)
    assert.equal(level.take(2_000, -20), -60, 'a spike')
    assert.equal(level.take(3_000, -60), -60)
    for (let step = 4; step < 30; step++) level.take(step * 1_000, -80)
    assert.ok(Math.abs((level.dbm ?? 0) + 80) < 0.1)
  })

  it('begins anew after a silence', () => {
    const level = new Level()
    level.take(0, -90)
    assert.equal(level.take(60_000, -50), -50)
  })
})
