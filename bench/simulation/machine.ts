/** The gateway's machine as far as time is concerned: the truth, and the clocks that know only some of it. */
import { SystemClock, type Clock, type Kernel } from '../../src/clock.js'
import type { Moment } from '../../src/model.js'
import type { SyncState } from '../../src/sync.js'
import { between, type Random } from '../../simulators/random.js'
import type { Owner, Scheduler } from './scheduler.js'

/** True time at the beginning: 2026-11-23 07:00 UTC, a Monday. */
export const BEGIN = Date.UTC(2026, 10, 23, 7)
/** A quartz of a small computer is better than this; punchd allows for 100. */
const MOST_PPM = 80
/** What a time service promises at a sync, and what it keeps. */
export const SYNC_ERROR_MS = 20
/** As the drift that punchd allows for between two syncs. */
const DRIFT = 100e-6
/** `/proc/uptime` has steps of so much. */
const UPTIME_STEP_MS = 10

/** A word of the time service: at this uptime the wall clock was right. */
interface Mark {
  readonly uptime: number
}

export class Machine {
  readonly #scheduler: Scheduler
  readonly #random: Random
  #boots = 0
  #bootedAt = 0
  #rate = 1
  #suspendedMs = 0
  #wasStepped = false
  /** The wall clock less the uptime. */
  #offset = 0
  mark: Mark | undefined

  constructor(scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler
    this.#random = random
    this.boot('set')
  }

  /** Milliseconds since 1970, as God has them. */
  get truth(): number {
    return BEGIN + this.#scheduler.now
  }

  get bootId(): string {
    return `boot-${this.#boots}`
  }

  /** Suspend included. */
  get uptime(): number {
    return (this.#scheduler.now - this.#bootedAt) * this.#rate
  }

  get wall(): number {
    return Math.floor(this.#offset + this.uptime)
  }

  /** How long it truly takes until the uptime has grown by so much. */
  untilUptime(ms: number): number {
    return Math.round(ms / this.#rate)
  }

  /** The wall clock is as right as a time service makes it, and nobody set it to anything else since the boot. */
  get isRight(): boolean {
    return !this.#wasStepped && Math.abs(this.wall - this.truth) <= 2 * SYNC_ERROR_MS
  }

  /** A new run of the kernel. Without a clock battery the wall clock begins somewhere in the past. */
  boot(wall: 'set' | 'unset'): void {
    const last = this.wall
    this.#boots += 1
    this.#bootedAt = this.#scheduler.now
    this.#rate = 1 + between(this.#random, -MOST_PPM, MOST_PPM) * 1e-6
    this.#suspendedMs = 0
    this.#wasStepped = false
    this.mark = undefined
    const past = [0, Date.UTC(2025, 4, 6), Math.min(last, this.truth)]
    this.#offset = wall === 'set' ? this.truth : (past[between(this.#random, 0, 2)] ?? 0)
    if (wall === 'set') this.sync()
  }

  /** The time service sets the clock, nearly right, and says so. */
  sync(): void {
    const off = between(this.#random, -SYNC_ERROR_MS + 1, SYNC_ERROR_MS - 1)
    this.#offset = this.truth + off - this.uptime
    this.mark = { uptime: this.uptime }
  }

  /** Somebody sets the wall clock: nobody knows to what. */
  step(ms: number): void {
    this.#offset += ms
    this.#wasStepped = true
    this.mark = undefined
  }

  suspended(ms: number): void {
    this.#suspendedMs += ms * this.#rate
  }

  /** A clock as one process has it. `owner`: its sleeps end with it. */
  clock(owner: Owner): Clock {
    const kernel: Kernel = {
      wall: () => this.wall,
      monotonic: () => this.uptime - this.#suspendedMs,
      uptime: () => Math.floor(this.uptime / UPTIME_STEP_MS) * UPTIME_STEP_MS,
    }
    const system = new SystemClock({ kernel, sync: new MarkedSync(this), boot: this.bootId })
    return { now: () => system.now(), uptime: () => system.uptime(), sleep: sleepOn(this.#scheduler, owner) }
  }
}

/** Sleeps in virtual time. One that belongs to a killed process never ends. */
export function sleepOn(scheduler: Scheduler, owner: Owner): Clock['sleep'] {
  return (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const done = (): void => {
        cancel()
        signal?.removeEventListener('abort', done)
        if (owner.alive) resolve()
      }
      // A timer of Node takes a millisecond at least.
      const cancel = scheduler.after(Math.max(1, ms), done, owner)
      signal?.addEventListener('abort', done)
    })
}

/** What a process makes of the words of the time service: as src/sync.ts, without its file. */
class MarkedSync implements SyncState {
  readonly #machine: Machine
  #seen: Mark | undefined
  #doubtedAt = Number.NEGATIVE_INFINITY
  errorMs: number | null = null

  constructor(machine: Machine) {
    this.#machine = machine
  }

  look(uptime: number): void {
    const { mark } = this.#machine
    // The step that came with a mark was its own; any other takes the mark away.
    if (mark !== this.#seen) this.#doubtedAt = Number.NEGATIVE_INFINITY
    this.#seen = mark
    const valid = mark !== undefined && mark.uptime >= this.#doubtedAt
    this.errorMs = valid ? Math.ceil(SYNC_ERROR_MS + DRIFT * Math.max(0, uptime - mark.uptime)) + 1 : null
  }

  doubt(uptime: number): void {
    this.#doubtedAt = uptime
    this.errorMs = null
  }
}

/** When moments that processes were given truly were. */
export class Truth {
  readonly #machine: Machine
  readonly #times = new Map<string, number>()

  constructor(machine: Machine) {
    this.#machine = machine
  }

  /** A clock whose moments are remembered with the truth. */
  of(clock: Clock): Clock {
    const now = (): Moment => {
      const moment = clock.now()
      this.#times.set(keyOf(moment), this.#machine.truth)
      return moment
    }
    return { now, uptime: () => clock.uptime(), sleep: (ms, signal) => clock.sleep(ms, signal) }
  }

  /** Undefined for a moment that no clock gave. */
  when(moment: Moment): number | undefined {
    return this.#times.get(keyOf(moment))
  }
}

function keyOf({ boot, uptime, wall, state, errorMs }: Moment): string {
  return `${boot} ${uptime} ${wall} ${state} ${errorMs ?? '-'}`
}
