/** The simulated face terminal on real sockets: `node:http` as its server, and as the client that pushes. */
import { once } from 'node:events'
import { Agent, createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Hikvision } from './hikvision.js'
import type { TwinOptions } from './hikvision-kinds.js'

export class HikvisionHttp {
  readonly twin: Hikvision
  readonly url: string
  readonly #server: Server

  private constructor(twin: Hikvision, server: Server) {
    this.twin = twin
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (asked, response) => void this.#answer(asked, response))
  }

  static async open(options: Omit<TwinOptions, 'post'>, port = 0): Promise<HikvisionHttp> {
    const server = createServer()
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const twin = new Hikvision({ ...options, post })
    const made = new HikvisionHttp(twin, server)
    options.signal.addEventListener('abort', () => made.close(), { once: true })
    return made
  }

  close(): void {
    this.twin.breakStreams()
    this.#server.closeAllConnections()
    this.#server.close()
  }

  async #answer(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = []
    try {
      for await (const piece of asked) pieces.push(piece as Buffer)
    } catch {
      return
    }
    if (this.twin.isDead) return void asked.socket.destroy()
    const headers = { authorization: asked.headers.authorization }
    const body = Buffer.concat(pieces).toString()
    const answer = this.twin.answer({ method: asked.method ?? '', uri: asked.url ?? '', headers, body })
    response.on('error', () => undefined)
    response.writeHead(answer.status, answer.headers)
    if (!answer.stream) return void response.end(answer.body)
    response.flushHeaders()
    const leave = answer.stream({ send: (bytes) => response.write(bytes), end: () => response.destroy() })
    response.once('close', leave)
  }
}

const agent = new Agent({ keepAlive: false })
const TIMEOUT_MS = 5_000

const post: TwinOptions['post'] = (url, { type, bytes }) =>
  new Promise((resolve, reject) => {
    const headers = { 'Content-Type': type, 'Content-Length': bytes.length }
    const asking = request(url, { method: 'POST', headers, agent, timeout: TIMEOUT_MS }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode ?? 0))
      response.once('error', reject)
    })
    asking.once('timeout', () => asking.destroy(new Error('nobody answers')))
    asking.once('error', reject)
    asking.end(bytes)
  })
