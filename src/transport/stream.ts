/** A byte transport over a Node stream: what serial lines and TCP connections have in common. */
import type { Duplex } from 'node:stream'
import type { ByteTransport, Chunk } from '../driver.js'
import { TransportError } from '../errors.js'
import { ChunkQueue } from './chunks.js'
import type { OpenContext } from './url.js'

/** A command is a few bytes and no line here has flow control: one that does not go out is stuck for good. */
const WRITE_TIMEOUT_MS = 5_000

export class StreamTransport implements ByteTransport {
  readonly #stream: Duplex
  readonly #context: OpenContext
  readonly #name: string
  readonly #queue: ChunkQueue

  /** `name` stands in messages: the path or the address. */
  constructor(stream: Duplex, name: string, context: OpenContext) {
    this.#stream = stream
    this.#name = name
    this.#context = context
    this.#queue = new ChunkQueue(context.clock, context.signal)
    // Stays for as long as the port is open: without a reader, serialport does not notice that it was unplugged.
    stream.on('data', (bytes: Uint8Array) => {
      this.#queue.push(bytes)
    })
  }

  [Symbol.asyncIterator](): AsyncIterator<Chunk> {
    return this.#queue[Symbol.asyncIterator]()
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#queue.failure) throw this.#queue.failure
    const { clock, signal } = this.#context
    const over = new AbortController()
    const stop = (): void => over.abort()
    if (signal.aborted) return
    signal.addEventListener('abort', stop, { once: true })
    try {
      const patience = clock.sleep(WRITE_TIMEOUT_MS, over.signal)
      await Promise.race([take(this.#stream, bytes), patience.then(() => this.#checkStuck(over.signal))])
    } catch (cause) {
      throw this.lose(cause)
    } finally {
      signal.removeEventListener('abort', stop)
      over.abort()
    }
  }

  /** Makes reading and writing fail from now on; the first reason stays. */
  lose(cause?: unknown): TransportError {
    const error = cause instanceof TransportError ? cause : this.#lost(cause)
    this.#queue.fail(error)
    return this.#queue.failure ?? error
  }

  /** Ends reading and lets go of the session's signal. */
  end(): void {
    this.#queue.close()
    if (this.#queue.dropped > 0) {
      this.#context.log.warn('Bytes were dropped because the driver was slower than the wire', {
        path: this.#name,
        bytes: this.#queue.dropped,
      })
    }
  }

  #checkStuck(over: AbortSignal): void {
    if (!over.aborted) throw this.#lost(new Error(`no byte went out for ${WRITE_TIMEOUT_MS} ms`))
  }

  #lost(cause: unknown): TransportError {
    const hint = 'check cable and power; the reader comes back by itself'
    return new TransportError('transport-lost', `${this.#name} went away`, cause ? { hint, cause } : { hint })
  }
}

function take(stream: Duplex, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error ? reject(error) : resolve()))
  })
}
