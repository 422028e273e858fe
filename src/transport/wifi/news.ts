/** News of stations on their way from a source to the driver. */
import type { StationNews, StationTransport } from '../../driver.js'
import type { TransportError } from '../../errors.js'
import type { OpenContext, WifiSource } from '../url.js'

/** A driver takes them at once; beyond this the oldest go. */
const MOST_PENDING = 4_096

/** A piece of news without its moment. */
export type Told<News = StationNews> = News extends StationNews ? Omit<News, 'arrived'> : never

export class Newsroom implements StationTransport {
  readonly source: WifiSource
  readonly #context: OpenContext
  #pending: StationNews[] = []
  #failure: TransportError | undefined
  #ended = false
  #wake: (() => void) | undefined

  constructor(source: WifiSource, context: OpenContext) {
    this.source = source
    this.#context = context
    if (context.signal.aborted) this.#ended = true
    else context.signal.addEventListener('abort', this.close, { once: true })
  }

  get failure(): TransportError | undefined {
    return this.#failure
  }

  tell(news: Told): void {
    if (this.#ended || this.#failure) return
    this.#pending.push({ ...news, arrived: this.#context.clock.now() })
    if (this.#pending.length > MOST_PENDING) this.#pending.shift()
    this.#wake?.()
  }

  /** What was told before is still read. */
  fail(error: TransportError): void {
    this.#failure ??= error
    this.#wake?.()
  }

  readonly close = (): void => {
    this.#context.signal.removeEventListener('abort', this.close)
    this.#ended = true
    this.#pending = []
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StationNews, void> {
    for (;;) {
      if (this.#ended) return
      const news = this.#pending.shift()
      if (news) {
        yield news
      } else if (this.#failure) {
        throw this.#failure
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        this.#wake = undefined
      }
    }
  }
}

/** `da:a1:19:00:11:22` as 12 upper-case hex digits; undefined when it is no address of one device. */
export function addressOf(written: string | undefined): string | undefined {
  if (written === undefined || !/^(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(written)) return undefined
  const address = written.replace(/[:-]/g, '').toUpperCase()
  // Bit 0 of the first octet: many devices. All zeros: none.
  return (Number.parseInt(address.slice(0, 2), 16) & 1) === 1 || /^0+$/.test(address) ? undefined : address
}
