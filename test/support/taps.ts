/** An RDM6300 behind a TCP converter, as small as a test needs it: a server that sends frames on request. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tagFrame } from '../../simulators/rdm6300.js'
import { freePort } from '../../simulators/free-port.js'
import { until } from './until.js'

export class Tapper {
  readonly port: number
  readonly #server: Server
  readonly #sockets: Set<Socket>

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server
    this.#sockets = sockets
    this.port = (server.address() as AddressInfo).port
  }

  static async start(at?: number): Promise<Tapper> {
    const port = at ?? (await freePort())
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => undefined)
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return new Tapper(server, sockets)
  }

  /** Lines of a reader behind it, for a configuration. */
  reader(id: string): string[] {
    return [`id: ${id}`, 'driver: rdm6300', `transport: tcp://127.0.0.1:${this.port}`, 'direction: in']
  }

  async connected(): Promise<void> {
    await until(() => this.#sockets.size > 0, 30_000, 'the gateway')
  }

  /** One card, seen once. */
  tap(tag: string): void {
    for (const socket of this.#sockets) socket.write(tagFrame(tag, 'rdm6300'))
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
