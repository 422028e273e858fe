/** Lets one loop wait for a time or for being called, whichever is first. */
import type { Clock } from '../../src/driver.js'

export class Bell {
  readonly #clock: Clock
  #wait: AbortController | undefined
  #isRung = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  ring(): void {
    this.#isRung = true
    this.#wait?.abort()
  }

  async wait(ms: number): Promise<void> {
    if (!this.#isRung && ms > 0) {
      this.#wait = new AbortController()
      await this.#clock.sleep(Math.min(ms, LONGEST_MS), this.#wait.signal)
      this.#wait = undefined
    }
    this.#isRung = false
  }
}

/** Timers of Node take no more. */
const LONGEST_MS = 86_400_000
