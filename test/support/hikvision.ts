/** A transport in memory between the driver and simulated face terminals, and what their bodies mean, in short. */
import { boundaryIn, boundaryOf, PartDecoder } from '../../drivers/hikvision/codec.js'
import { messageIn } from '../../drivers/hikvision/event.js'
import type { Hikvision } from '../../simulators/hikvision.js'
import type { Answered, TwinOptions } from '../../simulators/hikvision-kinds.js'
import { TransportError, type Clock, type HttpAnswer, type HttpAsk, type HttpReply, type HttpRequest, type HttpTransport } from '../../src/driver.js' // prettier-ignore

type Chunk = HttpAnswer['chunks'] extends AsyncIterable<infer Item> ? Item : never

export class MemoryHttp implements HttpTransport {
  readonly url = 'http://0.0.0.0:8090'
  /** Terminals by the host of their url. */
  readonly terminals = new Map<string, Hikvision>()
  readonly #clock: Clock
  readonly #signal: AbortSignal
  #answer: ((request: HttpRequest) => Promise<HttpReply>) | undefined
  #fail: ((error: Error) => void) | undefined

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
  }

  serve(answer: (request: HttpRequest) => Promise<HttpReply>): Promise<void> {
    this.#answer = answer
    return new Promise((resolve, reject) => {
      if (this.#signal.aborted) return resolve()
      const end = (): void => resolve()
      this.#signal.addEventListener('abort', end, { once: true })
      this.#fail = (error) => {
        this.#signal.removeEventListener('abort', end)
        reject(error)
      }
    })
  }

  unplug(): void {
    this.#answer = undefined
    this.#fail?.(new TransportError('transport-lost', 'it listens no more'))
  }

  readonly post: TwinOptions['post'] = async (url, { type, bytes }) => {
    if (!this.#answer) throw new Error('nobody listens')
    const reply = await this.#answer({
      method: 'POST',
      path: new URL(url).pathname,
      query: {},
      headers: { 'content-type': type },
      remote: '192.168.1.64',
      body: bytes,
      complete: true,
      arrived: this.#clock.now(),
    })
    return reply.status
  }

  async ask(ask: HttpAsk): Promise<HttpAnswer> {
    const { host, pathname, search } = new URL(ask.url)
    const twin = this.terminals.get(host)
    if (!twin || twin.isDead) throw new TransportError('transport-lost', `${host} does not answer`)
    const headers = { authorization: ask.headers?.['Authorization'] }
    const answer = twin.answer({ method: ask.method, uri: pathname + search, headers, body: ask.body ?? '' })
    const chunk = { bytes: Buffer.from(answer.body), arrived: this.#clock.now() }
    const { stream } = answer
    return {
      status: answer.status,
      headers: Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), value])),
      chunks: stream ? this.#live(stream, ask) : one(chunk),
      text: async () => answer.body,
    }
  }

  /** What never ends, unless it is silent or let go of. */
  async *#live(stream: NonNullable<Answered['stream']>, { silentMs = 10_000, signal }: HttpAsk): AsyncGenerator<Chunk> {
    const waiting: Chunk[] = []
    let news = new AbortController()
    let isOver = false
    const end = (): void => {
      isOver = true
      news.abort()
    }
    signal?.addEventListener('abort', end, { once: true })
    const send = (bytes: Buffer): void => {
      waiting.push({ bytes, arrived: this.#clock.now() })
      news.abort()
    }
    const leave = stream({ send, end })
    try {
      while (!isOver) {
        if (waiting.length === 0) await this.#clock.sleep(silentMs, news.signal)
        if (waiting.length === 0 && !isOver) throw new TransportError('transport-lost', 'silent')
        news = new AbortController()
        yield* waiting.splice(0)
      }
    } finally {
      leave()
      signal?.removeEventListener('abort', end)
    }
  }
}

async function* one(chunk: Chunk): AsyncGenerator<Chunk> {
  yield chunk
}

/** What a body means to the driver, whatever it was cut into. */
export function meaningOf(pieces: readonly Uint8Array[], contentType = ''): { messages: unknown[]; bad: number } {
  const whole = Uint8Array.from(pieces.flatMap((piece) => [...piece]))
  const decoder = new PartDecoder(boundaryIn(whole) ?? boundaryOf(contentType))
  const found = pieces.map((piece) => decoder.push(piece))
  const messages = found.flatMap(({ texts }) => texts).map((text) => short(messageIn(text)))
  return { messages, bad: found.reduce((sum, { bad }) => sum + bad, 0) + decoder.end() }
}

function short(message: ReturnType<typeof messageIn>): unknown {
  if (!message) return undefined
  const { kind, serial, time, record } = message
  if (!record) return { kind, serial, time }
  const { major, minor, serialNo, employee, card, isCurrent: current, isDuress: duress } = record
  return { kind, serial, time, major, minor, serialNo, employee, card, current, duress }
}
