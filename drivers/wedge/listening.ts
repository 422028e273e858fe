/** Reading with patience: the next chunk, or word that none came. */
import type { ByteTransport, Chunk, Clock } from '../../src/driver.js'

export class Listening {
  readonly #chunks: AsyncIterator<Chunk>
  readonly #clock: Clock
  /** Asked for and not come yet: it outlasts a silence. */
  #coming: Promise<IteratorResult<Chunk>> | undefined

  constructor(transport: ByteTransport, clock: Clock) {
    this.#chunks = transport[Symbol.asyncIterator]()
    this.#clock = clock
  }

  /** Resolves to the next step of the transport, or to `silent` when none came within `timeoutMs`. */
  async next(timeoutMs?: number): Promise<IteratorResult<Chunk> | 'silent'> {
    this.#coming ??= this.#chunks.next()
    const step = await (timeoutMs === undefined ? this.#coming : this.#within(this.#coming, timeoutMs))
    if (step !== 'silent') this.#coming = undefined
    return step
  }

  async #within(coming: Promise<IteratorResult<Chunk>>, timeoutMs: number): Promise<IteratorResult<Chunk> | 'silent'> {
    const over = new AbortController()
    const patience = this.#clock.sleep(timeoutMs, over.signal)
    try {
      return await Promise.race([coming, patience.then(() => 'silent' as const)])
    } finally {
      over.abort()
    }
  }
}
