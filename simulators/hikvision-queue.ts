/** What a simulated face terminal has still to push: one after the other, each until somebody says 200. */
import type { Clock } from '../src/driver.js'
import type { LogEntry } from './hikvision-log.js'

const RETRY_MS = 2_000
/** From then on it is no current event any more. */
const STALE_MS = 10_000

export interface QueueParts {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** True when it was taken. */
  readonly push: (entry: LogEntry, isCurrent: boolean) => Promise<boolean>
  readonly hasListener: () => boolean
}

export class PushQueue {
  readonly #parts: QueueParts
  readonly #waiting: { readonly entry: LogEntry; readonly since: number }[] = []
  #isGoing = false

  constructor(parts: QueueParts) {
    this.#parts = parts
  }

  get length(): number {
    return this.#waiting.length
  }

  add(entry: LogEntry, isOld = false): void {
    this.#waiting.push({ entry, since: isOld ? Number.NEGATIVE_INFINITY : this.#parts.clock.uptime() })
    this.go()
  }

  clear(): void {
    this.#waiting.length = 0
  }

  go(): void {
    if (!this.#isGoing) void this.#run()
  }

  async #run(): Promise<void> {
    const { clock, signal, push, hasListener } = this.#parts
    this.#isGoing = true
    for (let next = this.#waiting[0]; next && hasListener() && !signal.aborted; next = this.#waiting[0]) {
      const isDone = await push(next.entry, clock.uptime() - next.since < STALE_MS)
      if (isDone && this.#waiting[0] === next) this.#waiting.shift()
      else if (!isDone) await clock.sleep(RETRY_MS, signal)
    }
    this.#isGoing = false
  }
}
