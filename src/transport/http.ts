/** `http://ADDR:PORT`: terminals that push to us, and a client to ask them. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Clock, HttpReply, HttpRequest, HttpTransport } from '../driver.js'
import { messageOf, TransportError } from '../errors.js'
import { askHttp } from './http-client.js'
import type { Opened, OpenContext, TransportUrl } from './url.js'

type HttpUrl = Extract<TransportUrl, { scheme: 'http' }>
type Answer = (request: HttpRequest) => Promise<HttpReply>

/** Pictures come in here. */
const MAX_BODY = 16 * 1024 * 1024
/** Bodies of all requests under way. */
const MAX_PENDING = 64 * 1024 * 1024
const MAX_CONNECTIONS = 512
/** A terminal on a bad line may be slow, but not for ever. */
const REQUEST_MS = 120_000
const HEADERS_MS = 20_000
/** Terminals poll each few seconds. */
const KEEP_ALIVE_MS = 75_000

export async function openHttp({ host, port }: HttpUrl, context: OpenContext): Promise<Opened> {
  const server = createServer({
    requestTimeout: REQUEST_MS,
    headersTimeout: HEADERS_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
  })
  server.maxConnections = MAX_CONNECTIONS
  try {
    server.listen({ host, port })
    await once(server, 'listening')
  } catch (cause) {
    throw whyNot(host, port, cause)
  }
  const transport = new Listener(server, `http://${host.includes(':') ? `[${host}]` : host}:${port}`, context)
  return { kind: 'http', transport, close: () => transport.close() }
}

function whyNot(host: string, port: number, cause: unknown): TransportError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const where = `${host}:${port}`
  if (code === 'EADDRINUSE') {
    return new TransportError('transport-locked', `another program listens on ${where}`, {
      hint: `ss -ltnp 'sport = :${port}' shows which; or give this reader another port`,
      cause,
    })
  }
  if (code === 'EACCES') {
    return new TransportError('transport-denied', `ports below 1024 are closed to this user (${where})`, {
      hint: 'use a higher port, such as 8090, and set it in the terminals',
      cause,
    })
  }
  const hint =
    code === 'EADDRNOTAVAIL' ? `this machine has no address ${host}: ip addr shows what it has` : messageOf(cause)
  return new TransportError('transport-absent', `cannot listen on ${where}`, { hint, cause })
}

class Listener implements HttpTransport {
  readonly url: string
  readonly #server: Server
  readonly #clock: Clock
  readonly #signal: AbortSignal
  #answer: Answer | undefined
  #pendingBytes = 0
  #end: { resolve: () => void; reject: (error: unknown) => void } | undefined
  #failure: Error | undefined
  readonly #onAbort = (): void => this.#end?.resolve()

  constructor(server: Server, url: string, { clock, signal }: OpenContext) {
    this.#server = server
    this.url = url
    this.#clock = clock
    this.#signal = signal
    server.on('request', (request, response) => void this.#take(request, response))
    server.on('clientError', (_error, socket) => socket.destroy())
    server.on('error', (cause) => this.#fail(new TransportError('transport-lost', `${url} listens no more`, { cause })))
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  async serve(answer: Answer): Promise<void> {
    if (this.#signal.aborted) return
    if (this.#failure) throw this.#failure
    this.#answer = answer
    await new Promise<void>((resolve, reject) => (this.#end = { resolve, reject }))
  }

  ask(...args: Parameters<HttpTransport['ask']>): ReturnType<HttpTransport['ask']> {
    return askHttp(args[0], this.#clock, this.#signal)
  }

  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#end?.resolve()
    this.#answer = undefined
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A sender that goes away is seen as an incomplete body, or not at all.
    response.on('error', () => undefined)
    const body = await this.#bodyOf(request)
    if (body === 'too-large') return refuse(request, response, 413)
    // Not serving yet, or no more: the sender keeps what it has and comes again.
    if (!this.#answer) return refuse(request, response, 503)
    try {
      const reply = await this.#answer(requestOf(request, body, this.#clock))
      send(response, reply)
    } catch (error) {
      send(response, { status: 500, body: 'error\n' })
      this.#fail(error)
    } finally {
      this.#pendingBytes -= body.bytes.length
    }
  }

  async #bodyOf(request: IncomingMessage): Promise<{ bytes: Uint8Array; complete: boolean } | 'too-large'> {
    const pieces: Uint8Array[] = []
    let length = 0
    try {
      for await (const piece of request as AsyncIterable<Uint8Array>) {
        length += piece.length
        this.#pendingBytes += piece.length
        if (length > MAX_BODY || this.#pendingBytes > MAX_PENDING) {
          this.#pendingBytes -= length
          return 'too-large'
        }
        pieces.push(piece)
      }
    } catch {
      // The connection broke: what came is still evidence.
    }
    return { bytes: Buffer.concat(pieces), complete: request.complete }
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error))
    this.#end?.reject(this.#failure)
  }
}

function requestOf(
  request: IncomingMessage,
  { bytes, complete }: { bytes: Uint8Array; complete: boolean },
  clock: Clock,
): HttpRequest {
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2)
  const pairs = [...new URLSearchParams(query)].reverse().map(([key, value]) => [key.toLowerCase(), value])
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)])
  return {
    method: request.method ?? 'GET',
    path,
    query: Object.fromEntries(pairs) as Record<string, string>,
    headers: Object.fromEntries(headers) as Record<string, string>,
    // A dual-stack socket writes IPv4 addresses in IPv6 form.
    remote: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    body: bytes,
    complete,
    arrived: clock.now(),
  }
}

function send(response: ServerResponse, { status, type = 'text/plain', body = '', headers = {} }: HttpReply): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  if (response.destroyed || response.headersSent) return
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': bytes.length, ...headers })
  response.end(bytes)
}

/** Says no without reading on. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
  response.setHeader('Connection', 'close')
  send(response, { status })
  request.destroy()
}
