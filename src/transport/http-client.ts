/** Asks terminals over HTTP. One question at a time per call; long answers are read as they come. */
import { request as plain, type IncomingMessage } from 'node:http'
import { request as secure } from 'node:https'
import type { Clock, HttpAnswer, HttpAsk } from '../driver.js'
import { messageOf, TransportError } from '../errors.js'

const SILENT_MS = 10_000
const MAX_TEXT = 4 * 1024 * 1024

export async function askHttp(ask: HttpAsk, clock: Clock, signal: AbortSignal): Promise<HttpAnswer> {
  const over = ask.signal ? AbortSignal.any([signal, ask.signal]) : signal
  const { hostname } = new URL(ask.url)
  const silentMs = ask.silentMs ?? SILENT_MS
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    const start = ask.url.startsWith('https:') ? secure : plain
    const body = ask.body === undefined ? undefined : Buffer.from(ask.body)
    const request = start(ask.url, {
      method: ask.method,
      headers: { ...ask.headers, ...(body && { 'Content-Length': body.length }) },
      signal: over,
      // The socket's own timer: it also watches the answer while that is read.
      timeout: silentMs,
      agent: false,
    })
    request.once('response', resolve)
    request.once('timeout', () => request.destroy(new Error(`silent for ${silentMs / 1_000} s`)))
    request.once('error', (cause) => reject(unreachable(hostname, cause)))
    request.end(body)
  })
  return new Answer(message, hostname, clock)
}

class Answer implements HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly chunks: HttpAnswer['chunks']

  constructor(message: IncomingMessage, host: string, clock: Clock) {
    this.status = message.statusCode ?? 0
    this.headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]))
    this.chunks = chunksOf(message, host, clock)
    // Whoever does not read it must not crash on its end.
    message.on('error', () => undefined)
  }

  async text(): Promise<string> {
    const pieces: Uint8Array[] = []
    let length = 0
    for await (const { bytes } of this.chunks) {
      length += bytes.length
      if (length > MAX_TEXT) throw new TransportError('transport-lost', `the answer is longer than ${MAX_TEXT} bytes`)
      pieces.push(bytes)
    }
    return Buffer.concat(pieces).toString('utf8')
  }
}

async function* chunksOf(message: IncomingMessage, host: string, clock: Clock): HttpAnswerChunks {
  try {
    for await (const bytes of message as AsyncIterable<Uint8Array>) yield { bytes, arrived: clock.now() }
  } catch (cause) {
    throw unreachable(host, cause)
  }
}
type HttpAnswerChunks = AsyncGenerator<{ readonly bytes: Uint8Array; readonly arrived: ReturnType<Clock['now']> }>

function unreachable(host: string, cause: unknown): TransportError {
  const hint = 'check power, cable, address and port of the terminal; it comes back by itself'
  return new TransportError('transport-lost', `${host} does not answer (${messageOf(cause)})`, { hint, cause })
}
