/** What came of one run: which punches, how often, in which order. Pure. */

/** A punch of anybody: ours has the number as its card. */
interface Body {
  readonly n?: number
  readonly id?: string
  readonly credential?: { readonly value?: string }
}

export class Tally {
  readonly #ids = new Map<number, string>()
  readonly #last: number
  #newest = 0
  /** Deliveries of what had been delivered; who removes them by identity loses nothing. */
  again = 0
  /** Deliveries again under another identity: nobody can remove these. */
  twice = 0
  /** First deliveries that came after a later punch. */
  disordered = 0
  bytes = 0
  firstAt: number | undefined
  lastAt = 0
  /** When anything came, also what does not count. */
  heardAt = 0
  /** Highest number beyond the last: they only say that the way is open. */
  probe = 0
  /** The punch before the first came: the way is open. */
  warm = false

  /** Punches 1 to `last` count. */
  constructor(last: number) {
    this.#last = last
  }

  take(text: string, now: number): void {
    const body = JSON.parse(text) as Body
    const number = body.n ?? Number.parseInt(body.credential?.value ?? '', 16)
    this.heardAt = now
    if (number === 0) return void (this.warm = true)
    if (number > this.#last) return void (this.probe = Math.max(this.probe, number))
    const id = body.id ?? String(number)
    const known = this.#ids.get(number)
    if (known !== undefined) return this.#known(known === id)
    this.#ids.set(number, id)
    this.bytes += Buffer.byteLength(text)
    this.firstAt ??= now
    this.lastAt = now
    if (number < this.#newest) this.disordered += 1
    else this.#newest = number
  }

  #known(same: boolean): void {
    if (same) this.again += 1
    else this.twice += 1
  }

  get received(): number {
    return this.#ids.size
  }

  lostOf(accepted: readonly number[]): number {
    return accepted.reduce((lost, number) => lost + (this.#ids.has(number) ? 0 : 1), 0)
  }
}
