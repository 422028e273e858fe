/** The queue between a wire, which cannot wait, and a driver, which does. */
import type { Clock } from '../clock.js'
import type { Chunk } from '../driver.js'
import type { TransportError } from '../errors.js'

/** Bytes kept for a driver that is waiting for a verdict. Beyond it the oldest go: a reader cannot be paused. */
const MAX_PENDING_BYTES = 64 * 1024

/** A queue of chunks with one reader. Ends on abort or close, throws when failed. */
export class ChunkQueue implements AsyncIterable<Chunk> {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  #pending: Chunk[] = []
  #pendingBytes = 0
  #failure: TransportError | undefined
  #ended = false
  #reading = false
  #wake: (() => void) | undefined
  /** Bytes dropped because the driver was slower than the wire. */
  dropped = 0

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
    if (signal.aborted) this.#ended = true
    else signal.addEventListener('abort', this.close, { once: true })
  }

  /** Takes bytes off the wire, stamping them with now. */
  push(bytes: Uint8Array): void {
    if (this.#ended || this.#failure || bytes.length === 0) return
    // point: transport.before-arrival
    this.#pending.push({ bytes, arrived: this.#clock.now() })
    this.#pendingBytes += bytes.length
    while (this.#pendingBytes > MAX_PENDING_BYTES && this.#pending.length > 1) {
      const oldest = this.#pending.shift()
      this.#pendingBytes -= oldest?.bytes.length ?? 0
      this.dropped += oldest?.bytes.length ?? 0
    }
    this.#wake?.()
  }

  /** What arrived before the failure is still read; then the reader gets the error. */
  fail(error: TransportError): void {
    this.#failure ??= error
    this.#wake?.()
  }

  get failure(): TransportError | undefined {
    return this.#failure
  }

  /** Ends the iteration. A signal may outlive many transports, so none stays among its listeners. */
  readonly close = (): void => {
    this.#signal.removeEventListener('abort', this.close)
    this.#ended = true
    this.#pending = []
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Chunk, void> {
    // Two readers would each get half of a frame: a bug of the driver, said at once instead of read as noise.
    if (this.#reading) throw new Error('a byte transport has one reader at a time')
    this.#reading = true
    try {
      yield* this.#read()
    } finally {
      this.#reading = false
    }
  }

  async *#read(): AsyncGenerator<Chunk, void> {
    for (;;) {
      if (this.#ended) return
      const chunk = this.#pending.shift()
      if (chunk) {
        this.#pendingBytes -= chunk.bytes.length
        // point: transport.read
        yield chunk
      } else if (this.#failure) {
        throw this.#failure
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        this.#wake = undefined
      }
    }
  }
}
