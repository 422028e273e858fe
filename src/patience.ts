/** How often a record may be refused before it is set aside, and how long to wait in between. */
import type { PublishError } from './errors.js'
import { pauses } from './retry.js'

/** A refused record that might pass later is tried this often. Quotas are waited for. */
const MAX_REFUSALS = 5
const QUOTA_EXCEEDED = 0x97
const REFUSAL_PAUSES = { firstMs: 1_000, maxMs: 300_000 }

export class Patience {
  readonly #refusals = new Map<number, number>()
  #pauses = pauses(REFUSAL_PAUSES)

  /** The broker refused it; true when that is enough. */
  ends(seq: number, { disposal, reasonCode }: PublishError): boolean {
    const refusals = (this.#refusals.get(seq) ?? 0) + 1
    this.#refusals.set(seq, refusals)
    const most = reasonCode === QUOTA_EXCEEDED ? Infinity : MAX_REFUSALS
    return disposal === 'park' || refusals >= most
  }

  /** It was taken. The broker takes again what it refused: the next refusal begins with a short pause. */
  taken(seq: number): void {
    if (this.#refusals.delete(seq)) this.#pauses = pauses(REFUSAL_PAUSES)
  }

  /** It was set aside. */
  gone(seq: number): void {
    this.#refusals.delete(seq)
  }

  nextPause(): number {
    return this.#pauses.next().value
  }
}
