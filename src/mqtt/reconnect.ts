/** How long to wait before the next connection: by how the last one ended. */
import { pauses } from '../retry.js'
import { wantsPatience } from './reasons.js'

const USUAL = { firstMs: 500, maxMs: 30_000 }
/** A connection that held this long starts the pauses from the beginning. */
const STABLE_MS = 10_000
/** Records leave, and yet the connection is over soon, again and again: as when another gateway has our client id, and we throw each other out. */
const SHORT_LIVED = { firstMs: 500, maxMs: 5_000 }
/** After a DISCONNECT that asks for it. */
const PATIENT = { firstMs: 5_000, maxMs: 300_000 }
/** Twice the longest pause: two gateways with one id keep each other's connections shorter than this. */
const CALM_MS = 600_000

export interface Ending {
  readonly heldMs: number
  /** The broker took a record on it, or refused one. */
  readonly answered: boolean
  /** It refused one: some brokers (Mosquitto 2.0.11) close the connection after that, and the others must get on. */
  readonly refused: boolean
  /** Reason code of its DISCONNECT, if it sent one. */
  readonly code: number | undefined
}

export class Reconnect {
  #usual = pauses(USUAL)
  #shortLived = pauses(SHORT_LIVED)
  #patient = pauses(PATIENT)

  next({ heldMs, answered, refused, code }: Ending): number {
    const stable = heldMs > STABLE_MS
    if (heldMs > CALM_MS) this.#patient = pauses(PATIENT)
    if (stable || refused) this.#shortLived = pauses(SHORT_LIVED)
    if (stable || answered) this.#usual = pauses(USUAL)
    if (code !== undefined && wantsPatience(code)) return this.#patient.next().value
    return (answered && !stable ? this.#shortLived : this.#usual).next().value
  }
}
