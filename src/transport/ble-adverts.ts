/** The queue between the radio, which cannot wait, and the driver. */
import type { Advert, AdvertTransport } from '../driver.js'
import type { TransportError } from '../errors.js'
import { parseAdvert, type BleNews } from './host/ble-wire.js'
import type { OpenContext } from './url.js'

/** Adverts kept for a driver that is busy. Beyond it the oldest go: nobody arrives by one advert. */
const MOST = 8_192

export class BleAdverts implements AdvertTransport {
  readonly radio: string
  readonly #context: OpenContext
  #pending: Advert[] = []
  #malformed = 0
  #failure: TransportError | undefined
  #ended = false
  #wake: (() => void) | undefined
  readonly #onAbort = (): void => this.end()

  constructor(radio: string, context: OpenContext) {
    this.radio = radio
    this.#context = context
    if (context.signal.aborted) this.#ended = true
    else context.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  get malformed(): number {
    return this.#malformed
  }

  take({ adverts, malformed }: Extract<BleNews, { kind: 'adverts' }>): void {
    this.#malformed += malformed
    if (this.#ended || this.#failure) return
    const arrived = this.#context.clock.now()
    for (const sent of adverts) {
      const advert = parseAdvert(sent)
      if (advert) this.#pending.push({ ...advert, arrived })
      else this.#malformed += 1
    }
    if (this.#pending.length > MOST) this.#pending = this.#pending.slice(-MOST)
    this.#wake?.()
  }

  /** What was heard before is still read; then the driver gets the error. */
  fail(error: TransportError): void {
    this.#failure ??= error
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#context.signal.removeEventListener('abort', this.#onAbort)
    this.#pending = []
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Advert, void> {
    for (;;) {
      const batch = this.#pending
      this.#pending = []
      for (const advert of batch) {
        if (this.#ended) return
        yield advert
      }
      if (this.#ended) return
      if (this.#pending.length > 0) continue
      if (this.#failure) throw this.#failure
      await new Promise<void>((resolve) => (this.#wake = resolve))
      this.#wake = undefined
    }
  }
}
