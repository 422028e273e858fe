/**
 * `memory:`: a wire inside the process. The transport end goes to a driver, the device end to a twin.
 * The same class carries every byte transport: serial and TCP feed it from their sockets.
 */
import type { Clock } from '../clock.js'
import type { ByteTransport, Chunk } from '../driver.js'
import { TransportError } from '../errors.js'

/** Bytes kept for a driver that is waiting for a verdict. Beyond it the oldest go: a reader cannot be paused. */
const MAX_PENDING_BYTES = 64 * 1024

/** A queue of chunks with one reader. Ends on abort, throws when failed. */
export class ChunkQueue implements AsyncIterable<Chunk> {
  readonly #clock: Clock
  #pending: Chunk[] = []
  #pendingBytes = 0
  #failure: TransportError | undefined
  #ended = false
  #wake: (() => void) | undefined
  /** Bytes dropped because the driver was slower than the wire. */
  dropped = 0

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    if (signal.aborted) this.#ended = true
    else signal.addEventListener('abort', () => this.#end(), { once: true })
  }

  /** Takes bytes off the wire, stamping them with now. */
  push(bytes: Uint8Array): void {
    if (this.#ended || this.#failure || bytes.length === 0) return
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

  async *[Symbol.asyncIterator](): AsyncGenerator<Chunk, void> {
    for (;;) {
      if (this.#ended) return
      const chunk = this.#pending.shift()
      if (chunk) {
        this.#pendingBytes -= chunk.bytes.length
        yield chunk
      } else if (this.#failure) {
        throw this.#failure
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        this.#wake = undefined
      }
    }
  }

  #end(): void {
    this.#ended = true
    this.#pending = []
    this.#wake?.()
  }
}

/** The device's end of a memory wire: what a twin holds. */
export interface DeviceEnd {
  /** Device to host. */
  send(bytes: Uint8Array): void
  /** Host to device: everything written so far, oldest first. */
  readonly received: Uint8Array[]
  /** Called with every write of the host. */
  onReceive: ((bytes: Uint8Array) => void) | undefined
  /** Pulls the cable: the driver's iteration and writes throw TransportError. */
  unplug(): void
}

/** Makes both ends of a wire. */
export function memoryWire(clock: Clock, signal: AbortSignal): { transport: ByteTransport; device: DeviceEnd } {
  const queue = new ChunkQueue(clock, signal)
  const device: DeviceEnd = {
    received: [],
    onReceive: undefined,
    send: (bytes) => queue.push(bytes),
    unplug: () => queue.fail(new TransportError('transport-lost', 'the wire was unplugged')),
  }
  const write = (bytes: Uint8Array): Promise<void> => {
    if (queue.failure) return Promise.reject(queue.failure)
    device.received.push(bytes)
    device.onReceive?.(bytes)
    return Promise.resolve()
  }
  return { transport: { write, [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator]() }, device }
}
