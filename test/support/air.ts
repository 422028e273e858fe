/** What is on the air, in memory: an AdvertTransport that a test speaks into. */
import type { OnAir } from '../../simulators/hci-air.js'
import type { Advert, AdvertTransport, Clock } from '../../src/driver.js'
import { TransportError } from '../../src/errors.js'
import { partsOf } from './adverts.js'

export class Air implements AdvertTransport {
  readonly radio = 'the air'
  malformed = 0
  readonly #clock: Pick<Clock, 'now'>
  readonly #signal: AbortSignal
  #pending: Advert[] = []
  #lost = false
  #wake: (() => void) | undefined

  constructor(clock: Pick<Clock, 'now'>, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
  }

  say({ address, isPublic = false, rssiDbm, data }: OnAir): void {
    const addressType = isPublic ? 'public' : 'random'
    this.#pending.push({ address, addressType, rssiDbm, ...partsOf(data), arrived: this.#clock.now() })
    this.#wake?.()
  }

  unplug(): void {
    this.#lost = true
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Advert, void> {
    const wake = (): void => this.#wake?.()
    this.#signal.addEventListener('abort', wake)
    try {
      while (!this.#signal.aborted) {
        if (this.#pending.length > 0) {
          yield* this.#pending.splice(0)
          continue
        }
        if (this.#lost) throw new TransportError('transport-lost', 'the radio was unplugged')
        await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      this.#signal.removeEventListener('abort', wake)
    }
  }
}
