/** What goes wrong on a wire, on purpose and repeatably: wraps a line and spoils what the device sends. */
import type { Clock } from '../src/driver.js'
import type { Delivery, Line } from './line.js'
import { between, randomBytes, seeded, type Random } from './random.js'

/** How likely each fault is for one frame, 0 to 1; absent means never. */
export interface FaultPlan {
  /** Random bytes before the frame, up to 24. */
  readonly noise?: number
  /** The frame arrives in several pieces, cut anywhere. */
  readonly split?: number
  /** One to three neighbouring bits of one byte are flipped: what the XOR checksum of these readers can find. */
  readonly corrupt?: number
  /** Each piece of the frame comes up to `maxDelayMs` late. Nothing overtakes anything. */
  readonly delay?: number
  readonly maxDelayMs?: number
  /** The line drops in the middle of the frame; whoever owns the line plugs it in again. */
  readonly cut?: number
}
export type Fault = 'noise' | 'split' | 'corrupt' | 'delay' | 'cut'

export interface FaultyLineOptions {
  readonly line: Line
  readonly plan: FaultPlan
  readonly seed: number
  readonly clock: Clock
}

const MAX_NOISE_BYTES = 24
const MAX_DELAY_MS = 40

export class FaultyLine implements Line {
  /** How often each fault happened. */
  readonly counts: Record<Fault, number> = { noise: 0, split: 0, corrupt: 0, delay: 0, cut: 0 }
  readonly #line: Line
  readonly #plan: FaultPlan
  readonly #random: Random
  readonly #clock: Clock
  readonly #over = new AbortController()
  /** Delayed pieces on their way, so that later ones wait for them. */
  #tail: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor({ line, plan, seed, clock }: FaultyLineOptions) {
    this.#line = line
    this.#plan = plan
    this.#random = seeded(seed)
    this.#clock = clock
  }

  get onReceive(): ((bytes: Uint8Array) => void) | undefined {
    return this.#line.onReceive
  }
  set onReceive(listener: ((bytes: Uint8Array) => void) | undefined) {
    this.#line.onReceive = listener
  }

  /** Sends one frame. The answer tells the caller which frames no driver can have read. */
  send(frame: Uint8Array): Delivery {
    if (this.#strikes('noise')) this.#pass(randomBytes(this.#random, between(this.#random, 1, MAX_NOISE_BYTES)), 0)
    if (this.#strikes('cut')) return this.#cut(frame)
    const damaged = this.#strikes('corrupt')
    const bytes = damaged ? this.#flip(frame) : frame
    const pieces = this.#strikes('split') ? this.#split(bytes) : [bytes]
    const late = this.#strikes('delay')
    const deliveries = pieces.map((piece) => this.#pass(piece, late ? this.#lateness() : 0))
    if (deliveries.includes('lost')) return 'lost'
    return damaged ? 'damaged' : 'whole'
  }

  unplug(): void | Promise<void> {
    return this.#line.unplug()
  }

  async close(): Promise<void> {
    this.#over.abort()
    await this.#tail
    await this.#line.close()
  }

  #strikes(fault: Fault): boolean {
    const struck = this.#random() < (this.#plan[fault] ?? 0)
    if (struck) this.counts[fault]++
    return struck
  }

  /** Hands bytes on, in order. What goes through a delay counts as on its way. */
  #pass(bytes: Uint8Array, lateMs: number): Delivery {
    if (lateMs === 0 && this.#waiting === 0) return this.#line.send(bytes)
    this.#waiting++
    this.#tail = this.#tail.then(async () => {
      await this.#clock.sleep(lateMs, this.#over.signal)
      this.#waiting--
      this.#line.send(bytes)
    })
    return 'whole'
  }

  #cut(frame: Uint8Array): Delivery {
    this.#line.send(frame.slice(0, between(this.#random, 1, frame.length - 1)))
    void this.#line.unplug()
    return 'lost'
  }

  #lateness(): number {
    return between(this.#random, 1, this.#plan.maxDelayMs ?? MAX_DELAY_MS)
  }

  #flip(frame: Uint8Array): Uint8Array {
    const damaged = Uint8Array.from(frame)
    const at = between(this.#random, 0, frame.length - 1)
    const mask = between(this.#random, 1, 7) << between(this.#random, 0, 5)
    damaged[at] = (damaged[at] ?? 0) ^ mask
    return damaged
  }

  #split(bytes: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = []
    let from = 0
    while (from < bytes.length) {
      const to = between(this.#random, from + 1, bytes.length)
      pieces.push(bytes.slice(from, to))
      from = to
    }
    return pieces
  }
}
