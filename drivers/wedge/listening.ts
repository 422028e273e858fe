/** Reading with patience: the next chunk, or word that none came. */
import type { ByteTransport, Chunk, Clock } from '../../src/driver.js'

/** Keys come every few milliseconds, so one sleep serves many of them: it is begun anew when it ends too early. */
export class Listening {
  readonly #chunks: AsyncIterator<Chunk>
  readonly #clock: Clock
  readonly #over = new AbortController()
  /** Asked for and not come yet: it outlasts a silence. */
  #coming: Promise<IteratorResult<Chunk>> | undefined
  #sleep: Promise<'woke'> | undefined

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

  /** Lets go of the clock. */
  end(): void {
    this.#over.abort()
  }

  async #within(coming: Promise<IteratorResult<Chunk>>, timeoutMs: number): Promise<IteratorResult<Chunk> | 'silent'> {
    const until = this.#clock.uptime() + timeoutMs
    for (;;) {
      const leftMs = until - this.#clock.uptime()
      if (leftMs <= 0) return 'silent'
      this.#sleep ??= this.#clock.sleep(leftMs, this.#over.signal).then(() => {
        this.#sleep = undefined
        return 'woke'
      })
      const step = await Promise.race([coming, this.#sleep])
      if (step !== 'woke') return step
    }
  }
}
