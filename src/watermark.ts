/** How far the outbox has come: in memory at once, on disk now and then. */
import type { Clock } from './clock.js'

/** Marking every acknowledgement would cost four times the speed and wear the card; after a crash these are sent again. */
const MARK_EVERY = 1_024
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
  #failed = false

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
    if (seq === this.#seq + 1) this.#seq = seq
    else this.#ahead.add(seq)
    while (this.#ahead.size > 0 && this.#ahead.delete(this.#seq + 1)) this.#seq += 1
    this.#schedule()
  }

  /** All of `from` to `to`, both included, is done. */
  pass(from: number, to: number): void {
    if (from > this.#seq + 1) for (let seq = from; seq <= to; seq++) this.done(seq)
    else if (to > this.#seq) {
      // A million at once, as by a receipt, must not be counted one by one.
      for (const seq of this.#ahead) if (seq < to) this.#ahead.delete(seq)
      this.#ahead.delete(to)
      this.#seq = to - 1
      this.done(to)
    }
  }

  /** Writes it down. What could not be written, as on a full disk, is written later. */
  async flush(): Promise<void> {
    const before = this.#marked
    if (this.#seq === before) return
    this.#marked = this.#seq
    try {
      // point: watermark.before-write
      await this.#mark(this.#seq)
      // point: watermark.written
      this.#failed = false
    } catch (error) {
      this.#marked = Math.min(this.#marked, before)
      this.#failed = true
      throw error
    }
  }

  #write(): void {
    // Whoever stores punches sees and says that the disk is full; a mark less only means sending again.
    this.flush().catch(() => this.#schedule())
  }

  #schedule(): void {
    if (this.#seq - this.#marked >= MARK_EVERY && !this.#failed) this.#write()
    if (this.#timing || this.#seq === this.#marked || this.#signal.aborted) return
    this.#timing = true
    void this.#clock.sleep(MARK_AFTER_MS, this.#signal).then(() => {
      this.#timing = false
      if (!this.#signal.aborted) this.#write()
    })
  }
}
