/** The real clock, faster: half a minute of waiting for a broker takes seconds. Moments stay true. */
import { SystemClock, type Clock } from '../../src/clock.js'
import type { Moment } from '../../src/model.js'

export class FastClock implements Clock {
  readonly #clock = new SystemClock()
  readonly #factor: number

  constructor(factor: number) {
    this.#factor = factor
  }
  now(): Moment {
    return this.#clock.now()
  }
  uptime(): number {
    return this.#clock.uptime() * this.#factor
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms / this.#factor, signal)
  }
}
