/**
 * Lets so many calls of one driver into the journal at a time: however fast it calls, between two of its commits there is
 * room for those of the other readers. The line of those who wait has an end.
 */

/** A terminal's upload fills a commit with so many. */
const MOST_INSIDE = 64
/** Longer than any upload; what comes beyond it comes from a driver gone wild. */
const MOST_WAITING = 10_000

export class Turns {
  #inside = 0
  readonly #waiting: (() => void)[] = []
  #next = 0

  /** The result of `act`, when its turn came; undefined, and `act` not called, when the line is full. */
  async take<T>(act: () => Promise<T>): Promise<T | undefined> {
    if (this.#inside >= MOST_INSIDE) {
      if (this.#waiting.length - this.#next >= MOST_WAITING) return undefined
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else this.#inside += 1
    try {
      return await act()
    } finally {
      this.#pass()
    }
  }

  /** Whoever is next has the place; without anybody it is free. */
  #pass(): void {
    const next = this.#waiting[this.#next]
    if (!next) this.#inside -= 1
    else next()
    // Not `shift`: on a long line each would move all others.
    if (next && ++this.#next < MOST_INSIDE) return
    this.#waiting.splice(0, this.#next)
    this.#next = 0
  }
}
