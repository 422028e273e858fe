/**
 * One PC/SC reader inside the child. nfc-pcsc finds the readers; what happens on them is handled here on its
 * native layer, because its own card handling loses a card whose connect fails once (the error is emitted as an
 * event of that name), loses a card that is swapped faster than the event loop turns, and keeps using a connection
 * that could not be closed.
 */
import type { NativeReader } from 'nfc-pcsc'
import { messageOf } from '../../errors.js'
import { Refusal } from './child.js'
import { endsService, ESCAPE, faultOf, isCurable, SCARD, scardCode } from './pcsc-faults.js'
import { toHex, type Fault } from './wire.js'

const PRESENT = 0x20
const SHARED = 2
const DIRECT = 3
const T0_OR_T1 = 3
const LEAVE_CARD = 0
const RESET_CARD = 1
/** A short response: 256 bytes and the status word. */
const MAX_RESPONSE = 258
/** Operations waiting for one reader; a card needs a handful. */
const MAX_WAITING = 16
/** Another program that holds the reader is waited for this often. */
const SHARE_TRIES = 5
const SHARE_PAUSE_MS = 150

/** Numbers the presentations of all readers. */
let presentations = 0

/** What a reader tells the process around it. */
export interface Reports {
  readonly emit: (event: unknown) => void
  /** The service behind every reader is of no use any more. */
  readonly endWith: (fault: Fault) => void
}

export class PcscSlot {
  readonly #reader: NativeReader
  readonly #reports: Reports
  /** Number of the card now on the reader. */
  #card: number | undefined
  #counter = 0
  #protocol: number | undefined
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(reader: NativeReader, reports: Reports) {
    this.#reader = reader
    this.#reports = reports
  }

  /** Takes a state of SCardGetStatusChange: flags, and a counter of insertions and removals in the upper half. */
  see(state: number, atr: Uint8Array): void {
    const counter = Math.floor(state / 0x1_0000) % 0x1_0000
    const present = (state & PRESENT) !== 0
    // Same flags, other counter: the card was lifted and put back, or changed for another, between two looks.
    if (this.#card !== undefined && (!present || counter !== this.#counter)) this.leave()
    this.#counter = counter
    if (!present || this.#card !== undefined) return
    this.#card = ++presentations
    this.#reports.emit({ kind: 'card', slot: this.#reader.name, card: this.#card, atr: toHex(atr) })
  }

  /** The card is gone, or the reader with it. */
  leave(): void {
    if (this.#card === undefined) return
    this.#reports.emit({ kind: 'removed', slot: this.#reader.name, card: this.#card })
    this.#card = undefined
    this.#inTurn(() => this.#disconnect()).catch(() => undefined)
  }

  transmit(card: number, apdu: Uint8Array): Promise<Uint8Array> {
    return this.#inTurn(async () => {
      try {
        return await this.#exchange(card, apdu)
      } catch (error) {
        const code = scardCode(messageOf(error))
        if (!isCurable(code)) throw error
        // Reset by another program, or at the edge of the field: a new connection, and once more.
        await this.#disconnect(code === SCARD.reset ? LEAVE_CARD : RESET_CARD)
        return this.#exchange(card, apdu)
      }
    })
  }

  /** Escape command to the reader itself, with or without a card on it. [PCSC §4.4] */
  control(command: Uint8Array): Promise<Uint8Array> {
    return this.#inTurn(async () => {
      const direct = this.#card === undefined
      if (direct) await this.#connect(DIRECT, 0)
      else await this.#connect(SHARED, T0_OR_T1)
      try {
        const bytes = Buffer.from(command)
        return await call<Buffer>((done) => this.#reader.control(bytes, ESCAPE, MAX_RESPONSE, done))
      } finally {
        // A connection without a card cannot serve the card that comes next.
        if (direct) await this.#disconnect()
      }
    })
  }

  async #exchange(card: number, apdu: Uint8Array): Promise<Uint8Array> {
    if (this.#card !== card) throw new Error(`the card left (0x${SCARD.removed.toString(16)})`)
    const protocol = await this.#connect(SHARED, T0_OR_T1)
    const bytes = Buffer.from(apdu)
    return call<Buffer>((done) => this.#reader.transmit(bytes, MAX_RESPONSE, protocol, done))
  }

  async #connect(share: number, protocol: number): Promise<number> {
    if (this.#protocol !== undefined) return this.#protocol
    for (let tries = 1; ; tries += 1) {
      try {
        const options = { share_mode: share, protocol }
        this.#protocol = await call<number>((done) => this.#reader.connect(options, done))
        return this.#protocol
      } catch (error) {
        if (scardCode(messageOf(error)) !== SCARD.sharing || tries === SHARE_TRIES) throw error
        await new Promise((resolve) => setTimeout(resolve, SHARE_PAUSE_MS))
      }
    }
  }

  async #disconnect(disposition = LEAVE_CARD): Promise<void> {
    this.#protocol = undefined
    await call<undefined>((done) => this.#reader.disconnect(disposition, done)).catch(() => undefined)
    // After a failed disconnect the binding would skip the next connect and transmit over the dead handle.
    this.#reader.connected = false
  }

  /** One operation at a time per reader; readers do not wait for each other. */
  #inTurn<Result>(operation: () => Promise<Result>): Promise<Result> {
    const { name } = this.#reader
    if (this.#waiting >= MAX_WAITING) {
      return Promise.reject(new Refusal({ code: 'transport-lost', message: `too many commands for ${name}` }))
    }
    this.#waiting += 1
    const result = this.#last.then(operation).catch((error: unknown) => {
      const fault = endsService(messageOf(error))
      if (fault) this.#reports.endWith(fault)
      throw new Refusal(fault ?? faultOf(messageOf(error), name))
    })
    this.#last = result.catch(() => undefined).finally(() => (this.#waiting -= 1))
    return result
  }
}

/** The binding's callbacks as promises; its argument errors are thrown, not called back. */
function call<Result>(
  start: (done: (error: Error | null | undefined, result?: Result) => void) => void,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    start((error, result) => (error ? reject(error) : resolve(result as Result)))
  })
}
