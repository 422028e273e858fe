/** How long to wait before the next connection: by how the last one ended. */
import { pauses } from '../retry.js'
import { wantsPatience } from './reasons.js'

const USUAL = { firstMs: 500, maxMs: 30_000 }
/** A connection that held this long starts the usual pauses from the beginning. */
const STABLE_MS = 10_000
/** A broker that asked for it is left in peace, and so is whoever has taken over our client id: two of us must not throw each other out all day. */
const PATIENT = { firstMs: 5_000, maxMs: 300_000 }
/** Twice the longest pause: two gateways with one id keep each other's connections shorter than this. */
const CALM_MS = 600_000

export interface Ending {
  readonly heldMs: number
  /** The broker answered to a record on it. */
  readonly answered: boolean
  /** Reason code of its DISCONNECT, if it sent one. */
  readonly code: number | undefined
}

export class Reconnect {
  #usual = pauses(USUAL)
  #patient = pauses(PATIENT)

  next({ heldMs, answered, code }: Ending): number {
    if (heldMs > CALM_MS) this.#patient = pauses(PATIENT)
    if (answered || heldMs > STABLE_MS) this.#usual = pauses(USUAL)
    return (code !== undefined && wantsPatience(code) ? this.#patient : this.#usual).next().value
  }
}
