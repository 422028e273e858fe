/** A card reader like an ACR122U behind a private, real pcscd: one slot of its virtual reader. */
import type { Clock } from '../../src/driver.js'
import { Acr122Front } from '../pcsc/acr122.js'
import { VirtualCard } from '../pcsc/card.js'
import type { PrivatePcscd } from '../pcsc/pcscd.js'
import { VpcdSlot } from '../pcsc/vpcd.js'
import type { ReaderPlan } from '../scenario/scenario.js'
import type { ReaderContext, SimReader } from './readers.js'

/** pcscd looks about twice a second; a card that comes back before it looked is not a new one. */
const EMPTY_MS = 3_000
const LOOK_MS = 20
const DARK_MS = 4_000

export function buildDesk({ id }: ReaderPlan, { pcscd, slot, clock }: ReaderContext): SimReader {
  if (!pcscd) throw new TypeError('a pcsc reader needs a pcscd')
  return new Desk(id, pcscd, slot, clock)
}

class Desk implements SimReader {
  readonly id: string
  readonly url: string
  readonly options = { feedback: 'acr122' }
  readonly #pcscd: PrivatePcscd
  readonly #name: string
  readonly #slot: VpcdSlot
  readonly #clock: Clock
  #lying: VirtualCard | undefined

  constructor(id: string, pcscd: PrivatePcscd, slot: number, clock: Clock) {
    this.id = id
    this.#name = `Virtual PCD 00 0${slot}`
    this.url = `pcsc:${this.#name}`
    this.#pcscd = pcscd
    this.#slot = new VpcdSlot(pcscd.ports[slot === 0 ? 0 : 1])
    this.#clock = clock
  }

  get isDark(): boolean {
    return this.#pcscd.pid === undefined
  }

  get light(): 'none' | 'green' | 'red' {
    const flash = this.#lying?.front.shown.at(-1)?.flash
    return flash === 'green' || flash === 'red' ? flash : 'none'
  }

  async free(): Promise<void> {
    const deadline = this.#clock.uptime() + EMPTY_MS
    while (this.#clock.uptime() < deadline && (await this.#seesCard())) await this.#clock.sleep(LOOK_MS)
  }

  async lay(card: string): Promise<void> {
    const lying = new VirtualCard({ uid: card, front: new Acr122Front() })
    this.#lying = lying
    // Without pcscd nobody takes it: it lies there until somebody does, or for as long as a person waits.
    const deadline = this.#clock.uptime() + DARK_MS
    while (!(await this.#insert(lying)) && this.#clock.uptime() < deadline) await this.#clock.sleep(LOOK_MS)
  }

  async lift(): Promise<void> {
    await this.#slot.remove()
    this.#lying = undefined
  }

  unplug(): Promise<void> {
    return Promise.reject(new TypeError('a virtual PC/SC reader has no cable'))
  }

  plug(): Promise<void> {
    return this.unplug()
  }

  async close(): Promise<void> {
    await this.#slot.remove()
  }

  async #insert(card: VirtualCard): Promise<boolean> {
    try {
      await this.#slot.insert(card)
      return true
    } catch {
      return false
    }
  }

  async #seesCard(): Promise<boolean> {
    try {
      return (await this.#pcscd.readersWithCards()).includes(this.#name)
    } catch {
      return false
    }
  }
}
