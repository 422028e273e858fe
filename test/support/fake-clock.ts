/** A clock that only moves when the test says so. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../src/clock.js'
import type { Moment } from '../../src/model.js'

interface Sleeper {
  readonly due: number
  readonly wake: () => void
}

/** 2026-11-23 07:00:00 UTC, a Monday. */
const START_WALL = Date.UTC(2026, 10, 23, 7)
const START_UPTIME = 100_000

export class FakeClock implements Clock {
  #uptime = START_UPTIME
  readonly #sleepers = new Set<Sleeper>()
  readonly #given = new WeakSet<Moment>()

  now(): Moment {
    const wall = START_WALL + this.#uptime - START_UPTIME
    const moment: Moment = Object.freeze({
      wall,
      uptime: this.#uptime,
      boot: 'fake-boot',
      state: 'synced',
      errorMs: 20,
    })
    this.#given.add(moment)
    return moment
  }

  /** True for the very objects that `now()` gave. */
  gave(moment: Moment): boolean {
    return this.#given.has(moment)
  }

  uptime(): number {
    return this.#uptime
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const wake = (): void => {
        this.#sleepers.delete(sleeper)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const sleeper: Sleeper = { due: this.#uptime + Math.max(0, ms), wake }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', wake)
    })
  }

  /** Sleeps that are still pending. */
  get sleeping(): number {
    return this.#sleepers.size
  }

  /** Lets everything run that is ready to, without time passing. */
  async settle(): Promise<void> {
    await turn()
  }

  /** Passes `ms`, waking each sleeper at its own time, those included that begin to sleep meanwhile. */
  async advance(ms: number): Promise<void> {
    const target = this.#uptime + ms
    await this.settle()
    for (let next = this.#first(); next !== undefined && next.due <= target; next = this.#first()) {
      this.#uptime = Math.max(this.#uptime, next.due)
      next.wake()
      await this.settle()
    }
    this.#uptime = target
    await this.settle()
  }

  #first(): Sleeper | undefined {
    let first: Sleeper | undefined
    for (const sleeper of this.#sleepers) if (first === undefined || sleeper.due < first.due) first = sleeper
    return first
  }
}
