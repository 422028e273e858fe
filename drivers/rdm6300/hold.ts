/** More cards than a 9600 baud line can name within any sensible hold time. */
const MAX_CARDS = 64

/** Which cards lie in the field: a card held on the reader repeats its frame about 15 times a second. [RDM6300 §1.5] */
export class Hold {
  readonly #holdMs: number
  /** Uptime of each card's latest frame, oldest first. */
  readonly #seen = new Map<string, number>()

  constructor(holdMs: number) {
    this.#holdMs = holdMs
  }

  /** Notes a frame; true when it begins a presentation, false when it goes on with one. */
  begins(card: string, uptime: number): boolean {
    const before = this.#seen.get(card)
    this.#seen.delete(card)
    this.#seen.set(card, uptime)
    this.#forget(uptime)
    return before === undefined || uptime - before >= this.#holdMs
  }

  #forget(uptime: number): void {
    for (const [card, seen] of this.#seen) {
      if (uptime - seen < this.#holdMs && this.#seen.size <= MAX_CARDS) return
      this.#seen.delete(card)
    }
  }
}
