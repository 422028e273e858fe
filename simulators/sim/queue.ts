/** The people in front of one reader, and what each does: lays the card down until the punch is stored, then goes. */
import type { Clock } from '../../src/driver.js'
import type { Show } from './events.js'
import type { Ledger, Visit } from './ledger.js'
import type { SimReader } from './readers.js'

export interface QueueContext {
  readonly reader: SimReader
  readonly ledger: Ledger
  readonly clock: Clock
  readonly show: Show
  /** False while nobody can be served: the daemon is down. */
  readonly isServed: () => boolean
}

/** How long a person holds a card at least. */
const TAP_MS = 250
/** Nothing on the screen for this long: the card is taken off and laid down again. */
const TRY_MS = 4_000
const BETWEEN_TRIES_MS = 400
/** Whoever is not served in this time, although the reader and the daemon are there, goes away. */
const PATIENCE_MS = 20_000
/** A light comes right after the record, where there is one. */
const LIGHT_MS = 700
const POLL_MS = 10

interface Guest {
  readonly person: string
  readonly card: string
  readonly holdMs: number | undefined
}

export class Queue {
  readonly #context: QueueContext
  readonly #guests: Guest[] = []
  #serving: Promise<void> | undefined
  #isHurried = false

  constructor(context: QueueContext) {
    this.#context = context
  }

  join(person: string, card: string, holdMs?: number): void {
    this.#guests.push({ person, card, holdMs })
    this.#serving ??= this.#serveAll()
  }

  /** Resolves when everybody who came is gone again. */
  async done(): Promise<void> {
    await this.#serving
  }

  /** Sends away those who have not begun. The one at the reader finishes. */
  disperse(): void {
    this.#guests.length = 0
  }

  /** Nothing will be repaired any more: who is not served soon goes away. */
  hurry(): void {
    this.#isHurried = true
  }

  async #serveAll(): Promise<void> {
    for (;;) {
      const guest = this.#guests.shift()
      if (!guest) break
      await this.#serve(guest)
    }
    this.#serving = undefined
  }

  async #serve({ person, card, holdMs = TAP_MS }: Guest): Promise<void> {
    const { reader, ledger, clock, show } = this.#context
    await reader.free(card)
    const visit = ledger.present(reader.id, person, card, clock.uptime())
    show({ kind: 'presented', visit })
    let patienceEnds = clock.uptime() + PATIENCE_MS
    for (;;) {
      if (await this.#try(visit, holdMs)) return
      if (!this.#isHurried && (reader.isDark || !this.#context.isServed())) patienceEnds = clock.uptime() + PATIENCE_MS
      if (clock.uptime() > patienceEnds) return show({ kind: 'given-up', visit })
      await clock.sleep(BETWEEN_TRIES_MS)
      await reader.free(card)
      // It may have been stored after the card was off.
      if (visit.punch) return
      visit.tries += 1
      show({ kind: 'again', visit })
    }
  }

  /** Card down, wait for the record and the light, card off; false when nothing was stored. */
  async #try(visit: Visit, holdMs: number): Promise<boolean> {
    const { reader, clock } = this.#context
    const laidMs = clock.uptime()
    visit.laidMs = laidMs
    await reader.lay(visit.card)
    await this.#until(() => visit.punch !== undefined, TRY_MS)
    if (visit.punch) {
      await this.#until(() => reader.light !== 'none', LIGHT_MS)
      await clock.sleep(Math.max(0, laidMs + holdMs - clock.uptime()))
    }
    visit.green ||= reader.light === 'green'
    await reader.lift()
    return visit.punch !== undefined
  }

  async #until(holds: () => boolean, ms: number): Promise<void> {
    const { clock } = this.#context
    const deadline = clock.uptime() + ms
    while (!holds() && clock.uptime() < deadline) await clock.sleep(POLL_MS)
  }
}
