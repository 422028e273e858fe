/** An HTTP listener without a network: for tests and simulations that own the clock. */
import type { Clock, HttpAnswer, HttpAsk, HttpReply, HttpRequest, HttpTransport } from '../driver.js'
import { TransportError } from '../errors.js'

type Answer = (request: HttpRequest) => Promise<HttpReply>

export interface MemoryRequest {
  readonly method: string
  /** With the query. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly complete?: boolean
  readonly remote?: string
}

export class MemoryHttp implements HttpTransport {
  readonly url = 'http://127.0.0.1:8090'
  /** Answers what the driver asks of terminals. Default: nobody is there. */
  onAsk: ((ask: HttpAsk) => Promise<HttpAnswer>) | undefined
  readonly #clock: Clock
  readonly #signal: AbortSignal
  #answer: Answer | undefined
  #lost: TransportError | undefined
  #reject: ((error: Error) => void) | undefined

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
  }

  async serve(answer: Answer): Promise<void> {
    if (this.#lost) throw this.#lost
    if (this.#signal.aborted) return
    this.#answer = answer
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => resolve()
      this.#reject = (error) => {
        this.#signal.removeEventListener('abort', stop)
        reject(error)
      }
      this.#signal.addEventListener('abort', stop, { once: true })
    })
    this.#answer = undefined
  }

  async ask(ask: HttpAsk): Promise<HttpAnswer> {
    if (this.#lost) throw this.#lost
    if (this.onAsk) return this.onAsk(ask)
    throw new TransportError('transport-lost', 'nobody answers')
  }

  /** Sends a request as a terminal does; rejects when nobody listens. */
  async send({
    method,
    url,
    headers = {},
    body,
    complete = true,
    remote = '127.0.0.1',
  }: MemoryRequest): Promise<HttpReply> {
    if (!this.#answer) throw new TransportError('transport-lost', 'nobody listens')
    const { pathname, searchParams } = new URL(url, this.url)
    const query = Object.fromEntries([...searchParams].map(([key, value]) => [key.toLowerCase(), value]))
    const bytes = body ?? new Uint8Array()
    const arrived = this.#clock.now()
    try {
      return await this.#answer({ method, path: pathname, query, headers, remote, body: bytes, complete, arrived })
    } catch (error) {
      this.#reject?.(error instanceof Error ? error : new Error(String(error)))
      return { status: 500 }
    }
  }

  /** The listener is gone. */
  lose(): void {
    this.#lost ??= new TransportError('transport-lost', `${this.url} listens no more`)
    this.#answer = undefined
    this.#reject?.(this.#lost)
  }
}
