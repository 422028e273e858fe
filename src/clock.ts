/** Time: Moments for records, timers for everyone. Injected everywhere, so that tests own it. */
import { readFileSync } from 'node:fs'
import type { Moment } from './model.js'
import { TimeSources, type SyncState } from './sync.js'

export interface Clock {
  /** What all clocks say now. Frozen. */
  now(): Moment
  /** Milliseconds since boot, suspend included: for windows, pauses and ages. */
  uptime(): number
  /** Resolves after `ms`, or at once when `signal` aborts: the caller looks at the signal. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** What it knows of time sources, for a clock in another thread that must say the same. */
  readonly shared?: SharedArrayBuffer | undefined
}

/** Does something again and again, `ms` after it was done, until the signal aborts; not at once. */
export async function every(clock: Clock, ms: number, signal: AbortSignal, act: () => unknown): Promise<void> {
  for (;;) {
    await clock.sleep(ms, signal)
    if (signal.aborted) return
    await act()
  }
}

/** How often suspend and sync are looked for. */
const REFRESH_MS = 1_000
/** The wall clock and the monotonic one part by this much only when somebody stepped one, or after suspend. */
const PARTED_MS = 50
/** From this on it is a step that a record tells of; what is less a time service may do while it settles. */
export const STEP_MS = 250

/** The three clocks of the kernel, in milliseconds. */
export interface Kernel {
  wall(): number
  /** Stands still in suspend. */
  monotonic(): number
  /** Counts suspend, in steps of 10 ms. */
  uptime(): number
}

const KERNEL: Kernel = {
  wall: () => Date.now(),
  monotonic: () => performance.now() + MONOTONIC_START_MS,
  uptime: () => Number.parseFloat(readFileSync('/proc/uptime', 'utf8')) * 1_000,
}

export interface SystemClockOptions {
  readonly sync?: SyncState & { readonly shared?: SharedArrayBuffer }
  readonly kernel?: Kernel
  /** Names this run of the kernel. */
  readonly boot?: string
}

/** The clocks of this machine. */
export class SystemClock implements Clock {
  readonly #boot: string
  readonly #kernel: Kernel
  readonly #sync: SyncState
  readonly shared: SharedArrayBuffer | undefined
  /** Milliseconds to add to the monotonic clock, which stands still in suspend, to get the uptime. */
  #suspendedMs = 0
  #refreshedAt = Number.NEGATIVE_INFINITY
  /** The wall clock less the monotonic one, when they were last looked at. */
  #ahead = Number.NaN

  constructor({ sync = new TimeSources(), kernel = KERNEL, boot = bootId() }: SystemClockOptions = {}) {
    this.#boot = boot
    this.#kernel = kernel
    this.#sync = sync
    this.shared = sync.shared
  }

  now(): Moment {
    const uptime = this.uptime()
    const { errorMs } = this.#sync
    return Object.freeze({
      wall: this.#kernel.wall(),
      uptime: Math.round(uptime),
      boot: this.#boot,
      state: errorMs === null ? 'unsynced' : 'synced',
      errorMs,
    })
  }

  uptime(): number {
    const monotonicMs = this.#kernel.monotonic()
    const ahead = this.#kernel.wall() - monotonicMs
    // Noticed at once: the first card after suspend must not be dated hours back, nor trust a clock that was just stepped.
    const parted = Math.abs(ahead - this.#ahead) > PARTED_MS
    if (parted || monotonicMs - this.#refreshedAt > REFRESH_MS) this.#refresh(monotonicMs, ahead)
    return monotonicMs + this.#suspendedMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleep(ms, signal)
  }

  #refresh(monotonicMs: number, ahead: number): void {
    // /proc/uptime counts suspend but has 10 ms steps: it only moves the monotonic clock by what it missed.
    const missed = this.#kernel.uptime() - monotonicMs
    const before = this.#suspendedMs
    if (Math.abs(missed - before) > PARTED_MS) this.#suspendedMs = missed
    const stepped = Math.abs(ahead - this.#ahead - (this.#suspendedMs - before)) > STEP_MS
    const uptime = monotonicMs + this.#suspendedMs
    if (stepped) this.#sync.doubt(uptime)
    this.#sync.look(uptime)
    this.#refreshedAt = monotonicMs
    this.#ahead = ahead
  }
}

/** `performance.now()` counts from process start; records of two processes in one boot must compare. */
const MONOTONIC_START_MS = Number(process.hrtime.bigint() / 1_000n) / 1_000 - performance.now()

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

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
