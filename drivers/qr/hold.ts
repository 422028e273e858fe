/** More codes than anybody can show within a sensible hold time. */
const MAX_CODES = 64

/**
 * Which codes are in view. A scanner repeats a code that stands before it, and a phone that stays there shows a new
 * signed code now and then: both are one presentation. [QR §1]
 */
export class Hold {
  readonly #holdMs: number
  /** Uptime when each was last seen, oldest first, and whose code it is. */
  readonly #seen = new Map<string, { readonly uptime: number; readonly whose: string }>()

  constructor(holdMs: number) {
    this.#holdMs = holdMs
  }

  /** True when this very text is in view already. */
  goesOn(text: string, uptime: number): boolean {
    const entry = this.#fresh(`text ${text}`, uptime)
    if (!entry) return false
    this.#touch(`text ${text}`, entry.whose, uptime)
    this.#touch(entry.whose, entry.whose, uptime)
    return true
  }

  /** Notes a new text; true unless another of the same person is in view. `person` is absent for plain codes. */
  begins(text: string, uptime: number, person?: string): boolean {
    const whose = person === undefined ? `text ${text}` : `person ${person}`
    const before = this.#fresh(whose, uptime)
    this.#touch(`text ${text}`, whose, uptime)
    this.#touch(whose, whose, uptime)
    return before === undefined
  }

  #fresh(key: string, uptime: number) {
    const entry = this.#seen.get(key)
    return entry && uptime - entry.uptime < this.#holdMs ? entry : undefined
  }

  #touch(key: string, whose: string, uptime: number): void {
    this.#seen.delete(key)
    this.#seen.set(key, { uptime, whose })
    for (const [old, entry] of this.#seen) {
      if (uptime - entry.uptime < this.#holdMs && this.#seen.size <= MAX_CODES) return
      this.#seen.delete(old)
    }
  }
}
