/** More than anybody can present within any sensible hold time. */
const MAX_CODES = 64

/** Which codes were typed just now: some readers type as long as the card lies there. */
export class Hold {
  readonly #holdMs: number
  /** Uptime of each code's latest arrival, oldest first. */
  readonly #seen = new Map<string, number>()

  constructor(holdMs: number) {
    this.#holdMs = holdMs
  }

  /** Notes a code; true when it begins a presentation, false when it goes on with one. */
  begins(code: string, uptime: number): boolean {
    const before = this.#seen.get(code)
    this.#seen.delete(code)
    this.#seen.set(code, uptime)
    for (const [held, seen] of this.#seen) {
      if (uptime - seen < this.#holdMs && this.#seen.size <= MAX_CODES) break
      this.#seen.delete(held)
    }
    return before === undefined || uptime - before >= this.#holdMs
  }
}
