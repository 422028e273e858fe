/** When a terminal is looked after next: regularly, when something is missing, when it is silent, or failed. */
import type { Clock } from '../../src/driver.js'

/** At first a gap is asked about that soon; each time nothing was missing, twice as late. */
const GAP_MS = 1_000
const FIRST_RETRY_MS = 5_000
const LAST_RETRY_MS = 60_000
/** 90 s, 3 min … 24 min: a terminal that cannot reach us is not set up anew all day. */
const MOST_DOUBLINGS = 4

export type Due = 'visit' | 'gap' | 'silence' | 'nothing'

export class Schedule {
  readonly #clock: Clock
  readonly #pollMs: number
  readonly #canAsk: boolean
  #visitAt: number
  #gapAt = Infinity
  #gapPauseMs = GAP_MS
  #silentAt = Infinity
  #silences = 0
  #failures = 0
  #visited = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, pollMs: number, canAsk: boolean) {
    this.#clock = clock
    this.#pollMs = pollMs
    this.#canAsk = canAsk
    this.#visitAt = canAsk ? Number.NEGATIVE_INFINITY : Infinity
  }

  /** Silences since it was last heard. */
  get silences(): number {
    return this.#silences
  }

  due(): Due {
    const now = this.#clock.uptime()
    if (now >= this.#silentAt) return 'silence'
    if (now >= this.#visitAt) return 'visit'
    return now >= this.#gapAt ? 'gap' : 'nothing'
  }

  restMs(): number {
    return Math.max(0, Math.min(this.#visitAt, this.#gapAt, this.#silentAt) - this.#clock.uptime())
  }

  /** Something came by itself; the next is due within `silenceMs`. */
  heard(silenceMs: number): void {
    this.#silences = 0
    this.#silentAt = this.#clock.uptime() + silenceMs
  }

  /** It was told to push. */
  expect(silenceMs: number): void {
    this.#silentAt = this.#clock.uptime() + silenceMs * 2 ** Math.min(this.#silences, MOST_DOUBLINGS)
  }

  silent(): void {
    this.#silences += 1
    this.#silentAt = Infinity
  }

  gap(): void {
    if (this.#canAsk) this.#gapAt = Math.min(this.#gapAt, Math.max(this.#clock.uptime(), this.#visited + this.#gapPauseMs)) // prettier-ignore
  }

  /** But not sooner than after a failure. */
  visitNow(): void {
    if (this.#canAsk) this.#visitAt = Math.min(this.#visitAt, Math.max(this.#clock.uptime(), this.#visited + FIRST_RETRY_MS)) // prettier-ignore
  }

  visiting(): void {
    this.#visited = this.#clock.uptime()
    this.#gapAt = Infinity
  }

  visited(isFull: boolean, found: number, isWhole: boolean): void {
    this.#failures = 0
    const now = this.#clock.uptime()
    if (isFull) this.#visitAt = now + this.#pollMs
    this.#gapPauseMs = found > 0 ? GAP_MS : Math.min(this.#gapPauseMs * 2, this.#pollMs)
    if (!isWhole) this.#gapAt = now + FIRST_RETRY_MS
  }

  /** `later`: asking sooner would change nothing. */
  failed(when: 'soon' | 'later'): void {
    const soonMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 8), LAST_RETRY_MS)
    this.#failures += 1
    this.#gapAt = Infinity
    this.#visitAt = this.#clock.uptime() + (when === 'soon' ? soonMs : this.#pollMs)
  }
}
