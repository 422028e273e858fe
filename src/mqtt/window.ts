/**
 * How many publishes may be in flight. On a LAN the configured number fills the line; with a long round trip
 * the window is the speed, so it grows as long as the trip stays long, within what the broker receives.
 */

const MOST = 1_000
/** A round trip from here on is a long one. */
const LONG_TRIP_MS = 8
/** One trip in so many is measured. */
const SAMPLE_EVERY = 16

export class PublishWindow {
  readonly #configured: number
  readonly #receiveMaximum: number
  #size: number
  /** Shortest trip since the window last changed: what the line takes without our own queueing. */
  #shortestMs = Infinity
  #acked = 0

  constructor(configured: number, receiveMaximum: number) {
    this.#configured = configured
    this.#receiveMaximum = receiveMaximum
    this.#size = Math.min(configured, receiveMaximum)
  }

  get size(): number {
    return this.#size
  }

  /** True for the publishes whose trip is worth measuring. */
  sample(count: number): boolean {
    return count % SAMPLE_EVERY === 0
  }

  /** A sampled trip took `tripMs`. */
  acked(tripMs: number): void {
    this.#shortestMs = Math.min(this.#shortestMs, tripMs)
    this.#acked += SAMPLE_EVERY
    if (this.#acked < this.#size) return
    const wanted = this.#shortestMs > LONG_TRIP_MS ? this.#size * 2 : this.#configured
    this.#size = Math.min(wanted, MOST, this.#receiveMaximum)
    this.#acked = 0
    this.#shortestMs = Infinity
  }
}
