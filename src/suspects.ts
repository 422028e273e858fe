/**
 * Finds the record that ends connections: a broker that dies of it, or a packet that it answers with nonsense.
 * Connections end for many reasons; only those in a row on which the broker answered nothing count.
 */

/** So many such connections in a row: the records that were in flight travel alone … */
const ALONE = 3
/** … and after so many the oldest is the culprit. */
const CULPRIT = 6

export class Suspects {
  #strikes = 0
  /** Newest record that was in flight when a connection ended. */
  #newest = 0

  /** A connection ended. Returns the record to set aside, when it is known. */
  connectionEnded(inFlight: ReadonlySet<number>, answered: boolean): number | undefined {
    const stuck = inFlight.size > 0 && !answered
    this.#strikes = stuck ? this.#strikes + 1 : 0
    this.#newest = Math.max(this.#newest, ...inFlight)
    if (this.#strikes < CULPRIT) return undefined
    this.#strikes = ALONE
    return Math.min(...inFlight)
  }

  /** True while one record at a time may be in flight; `settled` is the watermark. */
  travelAlone(settled: number): boolean {
    return this.#strikes >= ALONE && settled < this.#newest
  }
}

/** How often in a row; for the reason of the record that is set aside. */
export const CONNECTIONS_LOST = CULPRIT
