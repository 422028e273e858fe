/** A reader at a door, over a pty or TCP, with the faults of the plan. It has no light: people watch the screen. */
import type { Clock } from '../../src/driver.js'
import { FaultyLine } from '../faults.js'
import type { Line, PluggableLine } from '../line.js'
import { QrScanner } from '../qr.js'
import { Rdm6300 } from '../rdm6300.js'
import type { ReaderPlan } from '../scenario/scenario.js'
import { Wedge } from '../wedge.js'
import { Cable, pluggable } from './cable.js'
import type { ReaderContext, SimReader } from './readers.js'

/** More than the default of 500 ms: on a machine that stutters, one presentation shall stay one. */
const HOLD_MS = 800
/** Silence after which the same card is a new presentation: the hold, and what a line under load adds. */
const SILENCE_MS = HOLD_MS + 250

export async function buildGate(plan: ReaderPlan, { folder, seed, clock }: ReaderContext): Promise<SimReader> {
  // Key events cannot be had over a pty: a wedge stands behind TCP.
  const line = await pluggable(plan.twin === 'wedge' ? { ...plan, over: 'tcp' } : plan, folder)
  return new Gate(plan, line, seed, clock)
}

/** What all have in common: something lies there, or not. */
interface Laid {
  put(card: string): unknown
  remove(): void
}

function makeTwin(twin: ReaderPlan['twin'], clock: Clock, line: Line): Laid {
  if (twin === 'wedge') return new Wedge({ clock, line, burst: true })
  if (twin !== 'qr') return new Rdm6300({ clock, line })
  // Zone 0005: five reads a second, that a code in view is heard well within the hold.
  const scanner = new QrScanner({ clock, line, zones: { 0x05: 2 } })
  return { put: (card) => scanner.show(card), remove: () => scanner.hide() }
}

class Gate implements SimReader {
  readonly id: string
  readonly url: string
  readonly options: Readonly<Record<string, unknown>>
  readonly light = undefined
  readonly #cable: Cable
  readonly #faults: FaultyLine
  readonly #twin: Laid
  readonly #clock: Clock
  /** When each card was taken off last. */
  readonly #lifted = new Map<string, number>()
  #lying: string | undefined

  constructor({ id, twin, faults }: ReaderPlan, line: PluggableLine, seed: number, clock: Clock) {
    this.id = id
    this.url = line.url
    this.#clock = clock
    this.#cable = new Cable(line, clock)
    // A keyboard has no checksum: a wrong bit would be another card, and nobody's fault.
    const plan = twin === 'wedge' ? { ...faults, corrupt: 0 } : faults
    this.#faults = new FaultyLine({ line: this.#cable, plan, seed, clock })
    this.options = { hold: `${HOLD_MS}ms`, ...(twin === 'wedge' && { format: 'hex' }) }
    this.#twin = makeTwin(twin, clock, this.#faults)
  }

  get isDark(): boolean {
    return this.#cable.isPulled
  }

  async free(card: string): Promise<void> {
    const lifted = this.#lifted.get(card)
    const silentMs = lifted === undefined ? Infinity : this.#clock.uptime() - lifted
    if (silentMs < SILENCE_MS) await this.#clock.sleep(SILENCE_MS - silentMs)
  }

  lay(card: string): Promise<void> {
    this.#lying = card
    this.#twin.put(card)
    return Promise.resolve()
  }

  lift(): Promise<void> {
    this.#twin.remove()
    if (this.#lying !== undefined) this.#lifted.set(this.#lying, this.#clock.uptime())
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
