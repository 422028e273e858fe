/** What every reader must tell apart: one presentation or the next, one PIN or the next. Part of the driver contract. */

/** More than anybody can present within any sensible hold time. */
const MOST_HELD = 64
const LONGEST_PIN = 16

/** Which credentials lie there now: a held card is heard again and again, and is one presentation. */
export class Hold {
  readonly #holdMs: number
  /** Uptime at which each was last heard, oldest first. */
  readonly #heard = new Map<string, number>()

  /** Silence of `holdMs` makes the same credential a new presentation. */
  constructor(holdMs: number) {
    this.#holdMs = holdMs
  }

  /** Notes that it was heard at `uptime`; true when that begins a presentation, false when it goes on with one. */
  begins(credential: string, uptime: number): boolean {
    const before = this.#heard.get(credential)
    this.#heard.delete(credential)
    this.#heard.set(credential, uptime)
    for (const [held, heard] of this.#heard) {
      if (uptime - heard < this.#holdMs && this.#heard.size <= MOST_HELD) break
      this.#heard.delete(held)
    }
    return before === undefined || uptime - before >= this.#holdMs
  }
}

/** Gathers the keys of a keypad: `#` ends a PIN, `*` clears it, and one that is not finished in time is forgotten. */
export class PinEntry {
  readonly #timeoutMs: number
  #typed = ''
  #at = 0

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  /** Takes a key; the PIN when it is complete. */
  type(key: string, uptime: number): string | undefined {
    // Half a PIN of somebody who went away must not begin that of the next.
    if (uptime - this.#at >= this.#timeoutMs) this.#typed = ''
    this.#at = uptime
    const typed = this.#typed
    this.#typed = key === '#' || key === '*' || typed.length >= LONGEST_PIN ? '' : typed + key
    return key === '#' && typed !== '' ? typed : undefined
  }
}
