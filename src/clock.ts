/** Time: Moments for records, timers for everyone. Injected everywhere, so that tests own it. */
import { existsSync, readFileSync } from 'node:fs'
import type { ClockState, Moment } from './model.js'

export interface Clock {
  /** What all clocks say now. Frozen. */
  now(): Moment
  /** Milliseconds since boot, suspend included: for windows, pauses and ages. */
  uptime(): number
  /** Resolves after `ms`, or at once when `signal` aborts: the caller looks at the signal. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Does something again and again, `ms` after it was done, until the signal aborts; not at once. */
export async function every(clock: Clock, ms: number, signal: AbortSignal, act: () => unknown): Promise<void> {
  for (;;) {
    await clock.sleep(ms, signal)
    if (signal.aborted) return
    await act()
  }
}

/** Files that a time service keeps while the wall clock follows a source. */
const SYNC_MARKS = ['/run/systemd/timesync/synchronized']
/** timesyncd promises no bound; on a LAN or the internet its offset stays well below this. */
const SYNCED_ERROR_MS = 20
/** How often suspend and sync are looked for. */
const REFRESH_MS = 1_000

/** The clocks of this machine. */
export class SystemClock implements Clock {
  readonly #boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  /** Milliseconds to add to the monotonic clock, which stands still in suspend, to get the uptime. */
  #suspendedMs = 0
  #state: ClockState = 'unsynced'
  #refreshedAt = Number.NEGATIVE_INFINITY

  now(): Moment {
    const uptime = this.uptime()
    const synced = this.#state === 'synced'
    return Object.freeze({
      wall: Date.now(),
      uptime: Math.round(uptime),
      boot: this.#boot,
      state: this.#state,
      errorMs: synced ? SYNCED_ERROR_MS : null,
    })
  }

  uptime(): number {
    const monotonicMs = performance.now() + MONOTONIC_START_MS
    if (monotonicMs - this.#refreshedAt > REFRESH_MS) this.#refresh(monotonicMs)
    return monotonicMs + this.#suspendedMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleep(ms, signal)
  }

  #refresh(monotonicMs: number): void {
    this.#refreshedAt = monotonicMs
    // /proc/uptime counts suspend but has 10 ms steps: it only moves the monotonic clock by what it missed.
    const bootMs = Number.parseFloat(readFileSync('/proc/uptime', 'utf8')) * 1_000
    const missed = bootMs - monotonicMs
    if (Math.abs(missed - this.#suspendedMs) > 50) this.#suspendedMs = missed
    this.#state = SYNC_MARKS.some((mark) => existsSync(mark)) ? 'synced' : 'unsynced'
  }
}

/** `performance.now()` counts from process start; records of two processes in one boot must compare. */
const MONOTONIC_START_MS = Number(process.hrtime.bigint() / 1_000n) / 1_000 - performance.now()

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })
}
