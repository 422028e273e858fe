/** How far the outbox has come: in memory at once, on disk now and then. */
import type { Clock } from './clock.js'

/** Marking every acknowledgement would cost four times the speed and wear the card. */
const MARK_EVERY = 128
const MARK_AFTER_MS = 1_000

export class Watermark {
  readonly #clock: Clock
  readonly #mark: (seq: number) => Promise<unknown>
  readonly #signal: AbortSignal
  /** Done, but something before them is not. Never more than a window. */
  readonly #ahead = new Set<number>()
  #seq: number
  #marked: number
  #timing = false

  constructor(seq: number, clock: Clock, mark: (seq: number) => Promise<unknown>, signal: AbortSignal) {
    this.#seq = seq
    this.#marked = seq
    this.#clock = clock
    this.#mark = mark
    this.#signal = signal
  }

  /** Everything up to here is done. */
  get seq(): number {
    return this.#seq
  }

  /** How many beyond the watermark are done. */
  get ahead(): number {
    return this.#ahead.size
  }

  isDone(seq: number): boolean {
    return seq <= this.#seq || this.#ahead.has(seq)
  }

  done(seq: number): void {
    if (seq <= this.#seq) return
    this.#ahead.add(seq)
    while (this.#ahead.delete(this.#seq + 1)) this.#seq += 1
    this.#schedule()
  }

  /** All of `from` to `to`, both included, is done. */
  pass(from: number, to: number): void {
    for (let seq = from; seq <= to; seq++) this.done(seq)
  }

  /** Writes it down. */
  async flush(): Promise<void> {
    if (this.#seq === this.#marked) return
    this.#marked = this.#seq
    await this.#mark(this.#seq)
  }

  #schedule(): void {
    if (this.#seq - this.#marked >= MARK_EVERY) void this.flush()
    if (this.#timing || this.#seq === this.#marked || this.#signal.aborted) return
    this.#timing = true
    void this.#clock.sleep(MARK_AFTER_MS, this.#signal).then(() => {
      this.#timing = false
      return this.#signal.aborted ? undefined : this.flush()
    })
  }
}
