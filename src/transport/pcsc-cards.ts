/** The cards on the PC/SC readers that a URL names, as the child process reports them. */
import type { Moment } from '../model.js'
import type { Card, CardTransport } from '../driver.js'
import { TransportError } from '../errors.js'
import { fromHex, isRecord, toHex } from './host/wire.js'
import type { OpenContext } from './url.js'

/** Asks the child; what `Host.request` does. */
export type Ask = (verb: string, body: unknown) => Promise<unknown>

/** Cards that wait for the driver. Beyond it the oldest go: nobody stands there any more. */
const MAX_PENDING = 64

export class PcscCards implements CardTransport {
  readonly #name: string
  readonly #context: OpenContext
  readonly #ask: Ask
  /** Every reader of the machine, ours or not: for the hint when ours is missing. */
  readonly #plugged = new Set<string>()
  readonly #lying = new Map<number, PcscCard>()
  #pending: Card[] = []
  #failure: TransportError | undefined
  #ended = false
  #wake: (() => void) | undefined
  readonly #onAbort = (): void => this.end()

  constructor(name: string, context: OpenContext, ask: Ask) {
    this.#name = name
    this.#context = context
    this.#ask = ask
    if (context.signal.aborted) this.#ended = true
    else context.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  get slots(): readonly string[] {
    return [...this.#plugged].filter((slot) => this.#isOurs(slot))
  }

  /** Every reader that pcscd has, for messages. */
  get plugged(): readonly string[] {
    return [...this.#plugged]
  }

  get failure(): TransportError | undefined {
    return this.#failure
  }

  /** Takes an event of the child. */
  take(event: unknown): void {
    if (!isRecord(event) || typeof event.slot !== 'string' || this.#ended || this.#failure) return
    const { kind, slot, card } = event
    if (kind === 'plugged') this.#plug(slot)
    if (kind === 'unplugged') this.#unplug(slot)
    if (typeof card !== 'number') return
    if (kind === 'card' && this.#isOurs(slot)) this.#put(slot, card, fromHex(event.atr) ?? new Uint8Array())
    if (kind === 'removed') this.#lift(card)
  }

  /** Nothing comes any more. What is already queued is gone with the reader. */
  fail(error: TransportError): void {
    this.#failure ??= error
    this.#letGo()
  }

  end(): void {
    this.#ended = true
    this.#context.signal.removeEventListener('abort', this.#onAbort)
    this.#letGo()
  }

  async control(slot: string, command: Uint8Array): Promise<Uint8Array> {
    if (this.#failure) throw this.#failure
    return bytesOf(await this.#ask('control', { slot, bytes: toHex(command) }))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Card, void> {
    for (;;) {
      if (this.#ended) return
      if (this.#failure) throw this.#failure
      const card = this.#pending.shift()
      if (card) {
        yield card
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        this.#wake = undefined
      }
    }
  }

  #isOurs(slot: string): boolean {
    return takesSlot(this.#name, slot)
  }

  #plug(slot: string): void {
    this.#plugged.add(slot)
    if (this.#isOurs(slot)) this.#context.log.info('PC/SC reader found', { slot })
    this.#wake?.()
  }

  #unplug(slot: string): void {
    this.#plugged.delete(slot)
    if (!this.#isOurs(slot)) return
    // A name is the operator's word that this reader belongs here; `*` is content with whatever is left.
    if (this.#name === '*' && this.slots.length > 0) {
      this.#context.log.warn('PC/SC reader unplugged, others remain', { slot, remaining: this.slots.length })
    } else {
      this.fail(new TransportError('transport-lost', `${slot} was unplugged`))
    }
  }

  #put(slot: string, number: number, atr: Uint8Array): void {
    const card = new PcscCard(slot, number, atr, this.#context.clock.now(), this.#ask)
    this.#lying.set(number, card)
    this.#pending.push(card)
    if (this.#pending.length > MAX_PENDING) this.#pending.shift()
    this.#wake?.()
  }

  #lift(number: number): void {
    this.#lying.get(number)?.leave()
    this.#lying.delete(number)
  }

  #letGo(): void {
    for (const number of [...this.#lying.keys()]) this.#lift(number)
    this.#pending = []
    this.#wake?.()
  }
}

class PcscCard implements Card {
  readonly slot: string
  readonly atr: Uint8Array
  readonly arrived: Moment
  readonly #number: number
  readonly #ask: Ask
  readonly #gone = new AbortController()

  constructor(slot: string, number: number, atr: Uint8Array, arrived: Moment, ask: Ask) {
    this.slot = slot
    this.atr = atr
    this.arrived = arrived
    this.#number = number
    this.#ask = ask
  }

  get gone(): AbortSignal {
    return this.#gone.signal
  }

  leave(): void {
    this.#gone.abort()
  }

  async transmit(apdu: Uint8Array): Promise<Uint8Array> {
    if (this.gone.aborted) throw new TransportError('transport-lost', `the card left ${this.slot} too early`)
    return bytesOf(await this.#ask('transmit', { slot: this.slot, card: this.#number, bytes: toHex(apdu) }))
  }
}

function bytesOf(reply: unknown): Uint8Array {
  const bytes = fromHex(reply)
  if (!bytes) throw new TransportError('protocol-broken', 'the pcsc process answered without bytes')
  return bytes
}

/** `pcsc:NAME` means readers whose name contains NAME, in any case; `pcsc:*` every reader. */
export function takesSlot(name: string, slot: string): boolean {
  return name === '*' || slot.toLowerCase().includes(name.toLowerCase())
}
