/** A gateway without a battery, and what nobody at it knows: the true time. */
import Database from 'better-sqlite3'
import fc from 'fast-check'
import type { Draft } from '../../src/journal/journal.js'
import type { Moment } from '../../src/model.js'
import { punchDraft } from './records.js'

export type Event =
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'suspend'; readonly ms: number }
  | { readonly kind: 'punch' | 'lost' | 'restart' }
  | { readonly kind: 'sync'; readonly errorMs: number }
  | { readonly kind: 'step'; readonly byMs: number }
  | { readonly kind: 'boot'; readonly offMs: number; readonly clock: 'epoch' | 'kept' | 'wild'; readonly ppm: number }

/** A punch with its clocks, and when it was. */
export interface Taken {
  readonly moment: Moment
  readonly truth: number
}

const HOUR = 3_600_000
const BEGIN = Date.UTC(2026, 10, 20)
/** Oscillators of small boards are better than this. */
const MAX_PPM = 95

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('punch' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 9 * HOUR }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('sync' as const), errorMs: fc.integer({ min: 1, max: 300 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lost' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('suspend' as const), ms: fc.integer({ min: 1, max: 9 * HOUR }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('step' as const),
      byMs: fc.constantFrom(-HOUR, HOUR, 10 * 365 * 24 * HOUR, 300),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('boot' as const),
      offMs: fc.integer({ min: 0, max: 48 * HOUR }),
      clock: fc.constantFrom('epoch' as const, 'kept' as const, 'wild' as const),
      ppm: fc.integer({ min: -MAX_PPM, max: MAX_PPM }),
    }),
  },
)

/** Anything that may happen to a gateway, in any order. */
export const schedules: fc.Arbitrary<readonly Event[]> = fc.array(event, { minLength: 1, maxLength: 40, size: 'max' })

export class Gateway {
  readonly punches: Taken[] = []
  #truth = BEGIN
  #boot = 1
  #uptime = 20_000
  #ppm = 40
  /** A first boot is in 1970. */
  #wall = 20_000
  #errorMs: number | null = null
  /** The second process of a boot reads its uptime a little differently. */
  #skew = 0

  now(): Moment {
    return {
      wall: Math.floor(this.#wall),
      uptime: Math.round(this.#uptime + this.#skew),
      boot: `boot-${this.#boot}`,
      state: this.#errorMs === null ? 'unsynced' : 'synced',
      errorMs: this.#errorMs,
    }
  }

  /** Lets it happen; returns what a daemon would write down. */
  play(event: Event): Draft[] {
    switch (event.kind) {
      case 'pass':
        return this.#pass(event.ms)
      case 'suspend':
        return this.#pass(event.ms)
      case 'punch':
        this.punches.push({ moment: this.now(), truth: this.#truth })
        return [{ ...punchDraft('AA'), moment: this.now(), fields: { reader: 'gate', place: 'gate' } }]
      case 'sync':
        return this.#sync(event.errorMs)
      case 'lost':
        return this.#lose()
      case 'step':
        return this.#step(event.byMs)
      case 'restart':
        this.#skew = -this.#skew || 25
        return []
      case 'boot':
        return this.#start(event)
    }
  }

  #pass(ms: number): Draft[] {
    this.#truth += ms
    const counted = ms * (1 + this.#ppm / 1e6)
    this.#uptime += counted
    // While it is set, a source keeps it within its bound.
    if (this.#errorMs === null) this.#wall += counted
    else this.#wall = this.#truth + (this.#errorMs - 1) * Math.sin(this.#truth)
    return []
  }

  #sync(errorMs: number): Draft[] {
    const before = this.#errorMs
    this.#errorMs = errorMs
    this.#wall = this.#truth + (errorMs - 1) * Math.sin(this.#truth)
    return before === null ? [said('clock-synced', this.now(), 'synced', this.now())] : []
  }

  #lose(): Draft[] {
    if (this.#errorMs === null) return []
    const before = this.now()
    this.#errorMs = null
    return [said('clock-unsynced', this.now(), 'unsynced', before)]
  }

  /** By hand: then the clock is not trusted until a source sets it again. */
  #step(byMs: number): Draft[] {
    const drafts = this.#lose()
    this.#wall += byMs
    return [...drafts, { kind: 'audit', channel: 'clock-stepped', moment: this.now(), fields: {} }]
  }

  #start({ offMs, clock, ppm }: Extract<Event, { kind: 'boot' }>): Draft[] {
    this.#truth += offMs
    this.#boot += 1
    this.#ppm = ppm
    this.#uptime = 0
    this.#errorMs = null
    if (clock === 'epoch') this.#wall = 0
    if (clock === 'wild') this.#wall = Date.UTC(2038, 0, 19)
    return this.#pass(20_000)
  }
}

function said(channel: string, moment: Moment, state: Moment['state'], at: Moment): Draft {
  return { kind: 'audit', channel, moment, fields: {}, sync: { state, at } }
}

/** What is on disk, as another program sees it. */
export function storedBodies(file: string): Map<number, Buffer> {
  const db = new Database(file, { readonly: true })
  // Parse boundary: two columns of our own table.
  const rows = db.prepare('SELECT seq, body FROM record').all() as { seq: number; body: Buffer }[]
  db.close()
  return new Map(rows.map(({ seq, body }) => [seq, body]))
}
