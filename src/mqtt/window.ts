/**
 * How many publishes may be in flight. On a LAN the configured number fills the line; with a long round trip
 * the window is the speed, so it grows as long as the trip stays long, within what the broker receives. When the trips
 * grow with it, they are our own queue on a slow line: then it shrinks.
 */

const MOST = 1_000
/** A round trip from here on is a long one. */
const LONG_TRIP_MS = 8
/** One trip in so many is measured. */
const SAMPLE_EVERY = 16
/** So many times the trip of an empty line: it is filled … */
const FILLED = 2
/** … and from here on most of the trip is waiting in our own queue. */
const QUEUED = 4

export class PublishWindow {
  readonly #configured: number
  readonly #receiveMaximum: number
  #size: number
  /** Shortest trip of this connection: that of an empty line. */
  #emptyMs = Infinity
  /** Shortest trip since the window last changed. */
  #shortestMs = Infinity
  #acked = 0

  /** `before`: the window of the connection before; what it learned of a slow line holds for this one. */
  constructor(configured: number, receiveMaximum: number, before = configured) {
    this.#configured = configured
    this.#receiveMaximum = receiveMaximum
    this.#size = Math.min(configured, receiveMaximum, before)
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
    this.#emptyMs = Math.min(this.#emptyMs, tripMs)
    this.#acked += SAMPLE_EVERY
    if (this.#acked < this.#size) return
    this.#size = Math.max(1, Math.min(this.#wanted(), MOST, this.#receiveMaximum))
    this.#acked = 0
    this.#shortestMs = Infinity
  }

  #wanted(): number {
    if (this.#shortestMs <= LONG_TRIP_MS) return this.#configured
    const filled = this.#shortestMs / this.#emptyMs
    if (filled >= QUEUED) return this.#size >> 1
    return filled < FILLED ? this.#size * 2 : this.#size
  }
}
