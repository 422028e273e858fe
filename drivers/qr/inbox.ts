import type { ByteTransport, Chunk, Clock } from '../../src/driver.js'

/** The next chunk or a time-out, without a trace of the time-outs: nobody may speak for hours. */
export class Inbox {
  readonly #chunks: AsyncIterator<Chunk>
  readonly #clock: Clock
  #next: Promise<IteratorResult<Chunk>> | undefined
  #arrived = false
  #wake: (() => void) | undefined

  constructor(transport: ByteTransport, clock: Clock) {
    this.#chunks = transport[Symbol.asyncIterator]()
    this.#clock = clock
  }

  /** Waits for ever without `waitMs`. Undefined when the session ended. Throws TransportError. */
  async next(waitMs?: number): Promise<Chunk | 'silence' | undefined> {
    this.#next ??= this.#ask()
    if (!this.#arrived) await this.#wait(waitMs)
    if (!this.#arrived) return 'silence'
    const next = this.#next
    this.#next = undefined
    this.#arrived = false
    const result = await next
    return result.done === true ? undefined : result.value
  }

  #ask(): Promise<IteratorResult<Chunk>> {
    const next = this.#chunks.next()
    const settled = (): void => {
      this.#arrived = true
      this.#wake?.()
    }
    next.then(settled, settled)
    return next
  }

  async #wait(waitMs: number | undefined): Promise<void> {
    const timer = new AbortController()
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (waitMs !== undefined) void this.#clock.sleep(waitMs, timer.signal).then(resolve)
    })
    this.#wake = undefined
    timer.abort()
  }
}
