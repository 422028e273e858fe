/** Which cards lie in the field: seen now, or not long ago. */
import type { Target } from './codec.js'

/** A card that gives a new number at each look is one card all the same. */
const RANDOM_KEY = 'random'
/** More cards than fit on an antenna. */
const MAX_CARDS = 16

export class Field {
  readonly #holdMs: number
  /** Uptime at which each was last seen, oldest first. */
  readonly #seen = new Map<string, number>()

  constructor(holdMs: number) {
    this.#holdMs = holdMs
  }

  /** Notes a card; true when it has just come. */
  comes({ value, random }: Target, uptime: number): boolean {
    const key = random ? RANDOM_KEY : value
    const before = this.#seen.get(key)
    this.#seen.delete(key)
    this.#seen.set(key, uptime)
    for (const [card, seen] of this.#seen) {
      if (uptime - seen < this.#holdMs && this.#seen.size <= MAX_CARDS) break
      this.#seen.delete(card)
    }
    return before === undefined || uptime - before >= this.#holdMs
  }
}
