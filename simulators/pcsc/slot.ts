/** PC/SC readers in memory: a CardTransport for a driver, hands to lay cards on it for a test. */
import {
  DeviceError,
  TransportError,
  type Card,
  type CardTransport,
  type Clock,
  type Moment,
} from '../../src/driver.js'
import { Acr122Front } from './acr122.js'
import type { VirtualCard } from './card.js'

/** What goes wrong on a slot with the next cards. */
export type SlotFault =
  /** The card leaves while the first command is under way. */
  | 'removed-mid-apdu'
  /** Every command fails although the card lies there: a cracked card, or metal behind it. */
  | 'unresponsive'
  /** Answers come after `SLOW_MS`. */
  | 'slow'

export const SLOW_MS = 400
export const ACR122 = 'ACS ACR122U PICC Interface 00 00'

/** Cards that nobody took yet; a test that lays down more has made a mistake. */
const MAX_PENDING = 1_000

export class MemorySlots implements CardTransport {
  readonly #clock: Clock
  readonly #fronts: Map<string, Acr122Front>
  readonly #lying = new Map<string, MemoryCard>()
  readonly #pending: Card[] = []
  readonly #signal: AbortSignal
  #lost: TransportError | undefined
  #wake: (() => void) | undefined
  fault: SlotFault | undefined
  /** Does `control` work, as after the operator allowed escape commands? */
  takesControl = false

  constructor(clock: Clock, signal: AbortSignal, names: readonly string[] = [ACR122]) {
    this.#clock = clock
    this.#signal = signal
    this.#fronts = new Map(names.map((name) => [name, new Acr122Front()]))
    if (!signal.aborted) signal.addEventListener('abort', () => this.#wake?.(), { once: true })
  }

  get slots(): readonly string[] {
    return [...this.#fronts.keys()]
  }

  /** The lights of a reader. */
  front(slot = this.slots[0] ?? ''): Acr122Front {
    const front = this.#fronts.get(slot)
    if (!front) throw new TransportError('transport-lost', `${slot} is not there`)
    return front
  }

  /** Lays a card down; one that lies there already is lifted first. */
  insert(card: VirtualCard, slot = this.slots[0] ?? ''): void {
    this.remove(slot)
    if (this.#pending.length >= MAX_PENDING) throw new Error('nobody takes the cards')
    const lying: MemoryCard = new MemoryCard(slot, card.atr, this.#clock.now(), (apdu) =>
      this.#transmit(card, lying, apdu),
    )
    this.#lying.set(slot, lying)
    this.#pending.push(lying)
    this.#wake?.()
  }

  remove(slot = this.slots[0] ?? ''): void {
    this.#lying.get(slot)?.leave()
    this.#lying.delete(slot)
  }

  /** Pulls the cable of the last reader, or ends pcscd. */
  unplug(): void {
    for (const slot of this.slots) this.remove(slot)
    this.#fronts.clear()
    this.#lost = new TransportError('transport-lost', 'the reader was unplugged')
    this.#wake?.()
  }

  async control(slot: string, command: Uint8Array): Promise<Uint8Array> {
    if (!this.takesControl) throw new DeviceError('device-refused', 'escape commands are not allowed')
    return this.front(slot).answer(command) ?? Uint8Array.of(0x6a, 0x81)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Card, void> {
    while (!this.#signal.aborted) {
      const card = this.#pending.shift()
      if (card) yield card
      else if (this.#lost) throw this.#lost
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  async #transmit(card: VirtualCard, lying: MemoryCard, apdu: Uint8Array): Promise<Uint8Array> {
    const { slot } = lying
    if (this.fault === 'slow') await this.#clock.sleep(SLOW_MS, lying.gone)
    if (this.fault === 'removed-mid-apdu') this.remove(slot)
    if (lying.left) throw new TransportError('transport-lost', `the card left ${slot} too early`)
    if (this.fault === 'unresponsive') throw new TransportError('transport-lost', `the card on ${slot} does not answer`)
    // Commands to the reader reach the lights of the reader on which the card lies.
    return this.front(slot).answer(apdu) ?? card.answer(apdu)
  }
}

class MemoryCard implements Card {
  readonly slot: string
  readonly atr: Uint8Array
  readonly arrived: Moment
  readonly transmit: (apdu: Uint8Array) => Promise<Uint8Array>
  /** Made when it is asked for: Node frees AbortSignals late, which would look like growth in a test of thousands. */
  #gone: AbortController | undefined
  left = false

  constructor(slot: string, atr: Uint8Array, arrived: Moment, transmit: Card['transmit']) {
    this.slot = slot
    this.atr = atr
    this.arrived = arrived
    this.transmit = transmit
  }

  get gone(): AbortSignal {
    this.#gone ??= new AbortController()
    if (this.left) this.#gone.abort()
    return this.#gone.signal
  }

  leave(): void {
    this.left = true
    this.#gone?.abort()
  }
}
