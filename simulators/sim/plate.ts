/** A PN532 board at a door, over a pty or TCP, with the faults of the plan and a light on its pins. */
import type { Clock } from '../../src/driver.js'
import { FaultyLine } from '../faults.js'
import type { PluggableLine } from '../line.js'
import { Pn532 } from '../pn532.js'
import type { ReaderPlan } from '../scenario/scenario.js'
import { Cable, pluggable } from './cable.js'
import type { ReaderContext, SimReader } from './readers.js'

/** Chips take about so long to look for a card. */
const ANSWER_MS = 5
/** The driver lets a card go after five looks without it; some of them may have been spoilt. */
const LOOKS = 8
const LOOK_MS = 20
/** Nobody looks while the daemon is away, and then it begins anew. */
const MOST_MS = 6_000
/** P3 with the pin of that light low: `active: low`, the default pins. */
const LIT = { green: '36 -', red: '35 -' } as const

export async function buildPlate(plan: ReaderPlan, { folder, seed, clock }: ReaderContext): Promise<SimReader> {
  return new Plate(plan, await pluggable(plan, folder), seed, clock)
}

class Plate implements SimReader {
  readonly id: string
  readonly url: string
  readonly options = { feedback: 'gpio' }
  readonly #cable: Cable
  readonly #faults: FaultyLine
  readonly #twin: Pn532
  readonly #clock: Clock
  /** Looks of the driver until each card was taken off last. */
  readonly #lifted = new Map<string, number>()
  #lying: string | undefined

  constructor({ id, faults }: ReaderPlan, line: PluggableLine, seed: number, clock: Clock) {
    this.id = id
    this.url = line.url
    this.#clock = clock
    this.#cable = new Cable(line, clock)
    this.#faults = new FaultyLine({ line: this.#cable, plan: faults, seed, clock })
    this.#twin = new Pn532({ clock, line: this.#faults, answerMs: ANSWER_MS })
  }

  get isDark(): boolean {
    return this.#cable.isPulled
  }

  get light(): 'none' | 'green' | 'red' {
    if (this.#twin.pins.includes(LIT.green)) return 'green'
    return this.#twin.pins.includes(LIT.red) ? 'red' : 'none'
  }

  async free(card: string): Promise<void> {
    const liftedAt = this.#lifted.get(card) ?? -LOOKS
    const deadline = this.#clock.uptime() + MOST_MS
    while (this.#twin.looks < liftedAt + LOOKS && this.#clock.uptime() < deadline) await this.#clock.sleep(LOOK_MS)
  }

  lay(card: string): Promise<void> {
    this.#lying = card
    this.#twin.pins.length = 0
    this.#twin.put(card.length === 16 ? { type: 'felica', idm: card } : { type: 'a', uid: card })
    return Promise.resolve()
  }

  lift(): Promise<void> {
    this.#twin.remove()
    if (this.#lying !== undefined) this.#lifted.set(this.#lying, this.#twin.looks)
    this.#lying = undefined
    return Promise.resolve()
  }

  unplug(): Promise<void> {
    return this.#cable.pull()
  }

  plug(): Promise<void> {
    return this.#cable.putBack()
  }

  async close(): Promise<void> {
    this.#twin.remove()
    await this.#faults.close()
  }
}
