/** Is the wall clock set, and how well? What time services say, asked without ever waiting for them. */
import { execFile } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'

/** Asked by a clock. Times are uptimes in milliseconds. */
export interface SyncState {
  /** Bound of the error of the wall clock now; null when nobody says that it is set. */
  readonly errorMs: number | null
  /** Looks at the sources; called once a second. */
  look(uptime: number): void
  /** The wall clock was stepped: what was said before does not count any more. */
  doubt(uptime: number): void
}

export interface TimeSourcesOptions {
  /** The file that systemd-timesyncd touches at every sync. */
  readonly mark?: string
  /** The program that asks chronyd, with its arguments; absent when chronyd is not to be asked. */
  readonly chronyc?: readonly string[]
  /** Is there only while chronyd runs. */
  readonly chronyd?: string
}

const MARK = '/run/systemd/timesync/synchronized'
const CHRONYD = '/run/chrony'
export const CHRONYC: readonly string[] = ['chronyc', '-n', '-c', 'tracking']
/** timesyncd promises no bound; on a LAN or the internet its offset stays well below this. */
const MARK_ERROR_MS = 20
/** timesyncd asks at least this often; a mark older than that is an old sync. */
const MARK_FRESH_MS = 2_048_000
/**
 * Up to this much timesyncd does not step at its first sync but lets the kernel turn the clock, by an eighth of what is
 * left each second. Afterwards it only has its own 20 ms to correct.
 */
const FIRST_OFFSET_MS = 400
const LEFT_AFTER_1S = 7 / 8
/** A mark that is found at the start within this time after boot may be of the first sync. */
const YOUNG_BOOT_MS = 600_000
/** A step that came with the mark: then nothing is left to turn. */
const STEPPED_WITH_MS = 2_000
/** A clock that nobody sets goes wrong by so much of the time that passes. */
const DRIFT = 100e-6
const ASK_EVERY_MS = 16_000
const ASK_TIMEOUT_MS = 5_000
/** An answer counts for as long as three more may get lost. */
const ANSWER_COUNTS_MS = 64_000
const NOT_SYNCED = -1

/** Something that said so at an uptime. */
interface Said {
  readonly at: number
  readonly errorMs: number
}

export class TimeSources implements SyncState {
  /** The bound, for threads that must say the same; -1 when there is none. */
  readonly shared = new SharedArrayBuffer(4)
  readonly #bound = new Int32Array(this.shared)
  readonly #options: Required<Omit<TimeSourcesOptions, 'chronyc'>> & TimeSourcesOptions
  /** `stamp`: what the file system says of the mark. */
  #mark: { readonly stamp: number; readonly at: number } | undefined
  /** First sync, whose offset the kernel works off; long ago when there is none. */
  #turningSince = Number.NEGATIVE_INFINITY
  #chrony: Said | undefined
  #askedAt = Number.NEGATIVE_INFINITY
  #doubtedAt = Number.NEGATIVE_INFINITY
  #looked = false

  constructor(options: TimeSourcesOptions = {}) {
    this.#options = { mark: MARK, chronyd: CHRONYD, ...options }
    Atomics.store(this.#bound, 0, NOT_SYNCED)
  }

  get errorMs(): number | null {
    return boundIn(this.#bound)
  }

  look(uptime: number): void {
    this.#lookAtMark(uptime)
    this.#askChrony(uptime)
    this.#looked = true
    const bounds = [this.#markError(uptime), this.#chronyError(uptime)].filter((bound) => bound !== undefined)
    const bound = bounds.length === 0 ? NOT_SYNCED : Math.ceil(Math.min(...bounds))
    Atomics.store(this.#bound, 0, bound)
  }

  doubt(uptime: number): void {
    this.#doubtedAt = uptime
    // chronyd notices by itself; what it says from now on counts.
    this.#askedAt = Number.NEGATIVE_INFINITY
    Atomics.store(this.#bound, 0, NOT_SYNCED)
  }

  #lookAtMark(uptime: number): void {
    const stamp = statSync(this.#options.mark, { throwIfNoEntry: false })?.mtimeMs
    if (stamp === undefined) this.#mark = undefined
    else if (stamp !== this.#mark?.stamp) {
      // A mark from before our start is as old as it says, unless the clock was stepped since.
      const age = this.#looked ? 0 : Math.max(0, Date.now() - stamp)
      const at = Math.max(0, uptime - age)
      const isFirst = this.#mark === undefined && (this.#looked || uptime < YOUNG_BOOT_MS)
      if (isFirst && uptime - this.#doubtedAt > STEPPED_WITH_MS) this.#turningSince = at
      this.#mark = { stamp, at }
    }
  }

  #markError(uptime: number): number | undefined {
    if (!this.#mark || this.#mark.at < this.#doubtedAt) return undefined
    const left = FIRST_OFFSET_MS * LEFT_AFTER_1S ** ((uptime - this.#turningSince) / 1_000)
    return MARK_ERROR_MS + (left < 1 ? 0 : left) + DRIFT * Math.max(0, uptime - this.#mark.at - MARK_FRESH_MS)
  }

  #chronyError(uptime: number): number | undefined {
    const said = this.#chrony
    if (!said || said.at < this.#doubtedAt || uptime - said.at > ANSWER_COUNTS_MS) return undefined
    return said.errorMs + DRIFT * (uptime - said.at)
  }

  #askChrony(uptime: number): void {
    const [program, ...args] = this.#options.chronyc ?? []
    if (program === undefined || uptime - this.#askedAt < ASK_EVERY_MS || !existsSync(this.#options.chronyd)) return
    this.#askedAt = uptime
    execFile(program, args, { timeout: ASK_TIMEOUT_MS }, (error, stdout) => {
      // Without an answer the last one counts for a while.
      if (error) return
      const errorMs = trackingError(stdout)
      this.#chrony = errorMs === undefined ? undefined : { at: uptime, errorMs }
    })
  }
}

/** What another thread's sources said last. */
export class FollowedSync implements SyncState {
  readonly #bound: Int32Array

  constructor(shared: SharedArrayBuffer) {
    this.#bound = new Int32Array(shared)
  }
  get errorMs(): number | null {
    return boundIn(this.#bound)
  }
  look(): void {
    // The other thread does.
  }
  doubt(): void {
    // The other thread sees the same step.
  }
}

function boundIn(shared: Int32Array): number | null {
  const bound = Atomics.load(shared, 0)
  return bound === NOT_SYNCED ? null : bound
}

/** chronyd that follows nobody but its own machine says this for its source. */
const OWN_CLOCK = '7F7F0101'

/**
 * The bound in an answer of `chronyc -c tracking`, in milliseconds; undefined when chronyd follows no source. As its
 * manual has it: what it has yet to correct, and root dispersion, and half of root delay.
 */
export function trackingError(answer: string): number | undefined {
  const fields = answer.trim().split(',')
  const [id, offset, delay, dispersion] = [0, 4, 10, 11].map((place) => fields[place] ?? '')
  if (fields.length < 14 || id === OWN_CLOCK || fields[13] === 'Not synchronised') return undefined
  const seconds = Math.abs(Number(offset)) + Number(dispersion) + Number(delay) / 2
  // The wall clock is read in whole milliseconds.
  return Number.isFinite(seconds) ? Math.ceil(seconds * 1_000) + 1 : undefined
}
