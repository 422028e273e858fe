/** What the gateway says of itself in `P/watermark`, taken at its word: a consumer closes its books by it. */
import type { Consumer } from './consumer.js'
import type { Told } from './reference.js'

/** As published. */
export interface WatermarkClaim {
  readonly settledThrough: number
  readonly completeThrough: Readonly<Record<string, string>>
}

export interface ClaimsContext {
  /** The broker took it. */
  readonly isTaken: (seq: number) => boolean
  /** It was set aside: that it is missing was said. */
  readonly isParked: (seq: number) => boolean
  /** Where receipts settle, else undefined: then it is the broker that must have it. */
  readonly consumer: Consumer | undefined
  /** The wall clock of the gateway is right now. */
  readonly isClockRight: () => boolean
}

/** Up to then all was settled, which were the records up to `seq`. */
interface Complete {
  readonly wall: number
  readonly seq: number
}

export class Claims {
  readonly #context: ClaimsContext
  #checked = 0
  readonly #complete: Complete[] = []
  readonly wrong: string[] = []

  constructor(context: ClaimsContext) {
    this.#context = context
  }

  take({ settledThrough, completeThrough }: WatermarkClaim): void {
    for (; this.#checked < settledThrough; this.#checked++)
      if (!this.#isSettled(this.#checked + 1))
        this.wrong.push(`record ${this.#checked + 1} is said to be settled, and is not`)
    const [through] = Object.values(completeThrough)
    // Claims by a clock that was stepped are wrong as the clock was, and stay until the next one: known, see bench/README.md.
    if (through === undefined || !this.#context.isClockRight()) return
    this.#complete.push({ wall: Date.parse(through), seq: settledThrough })
  }

  #isSettled(seq: number): boolean {
    const { isTaken, isParked, consumer } = this.#context
    return isParked(seq) || (consumer ? consumer.has(seq) : isTaken(seq))
  }

  /** Punches that came after it was said that there are no more of their time. */
  broken(records: readonly Told[]): string[] {
    return records.flatMap(({ schema, seq, clock }) => {
      if (schema !== 'punch/1' || clock.state !== 'synced' || this.#context.isParked(seq)) return []
      const claim = this.#complete.find((complete) => complete.seq < seq && clock.wall <= complete.wall)
      return claim ? [`record ${seq} came though all up to its time was said to be complete with ${claim.seq}`] : []
    })
  }
}
