/** A twin behind a serial-to-Ethernet converter: listens on 127.0.0.1 and copies bytes both ways. */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { freePort } from './free-port.js'
import type { Delivery, PluggableLine } from './line.js'

/** Bytes that wait for a host; more means that it does not read. */
const MAX_WAITING_BYTES = 64 * 1024

/** Listens on `port`, by default a free one, which stays the same over unplug and plug. */
export async function tcpLine(port?: number): Promise<PluggableLine> {
  const line = new TcpLine(port ?? (await freePort()))
  await line.plug()
  return line
}

class TcpLine implements PluggableLine {
  onReceive: ((bytes: Uint8Array) => void) | undefined
  readonly #hosts = new Set<Socket>()
  #server: Server | undefined
  readonly #port: number

  constructor(port: number) {
    this.#port = port
  }

  get url(): string {
    return `tcp://127.0.0.1:${this.#port}`
  }

  /** Bytes go to whoever is connected; with nobody there a converter drops them. */
  send(bytes: Uint8Array): Delivery {
    let delivery: Delivery = 'lost'
    for (const host of this.#hosts) {
      if (host.writableLength > MAX_WAITING_BYTES) continue
      host.write(bytes)
      delivery = 'whole'
    }
    return delivery
  }

  async plug(): Promise<void> {
    if (this.#server) return
    const server = createServer({ noDelay: true }, (host) => this.#welcome(host))
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#server = server
  }

  /** Ends the connections and refuses new ones. */
  async unplug(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    for (const host of this.#hosts) host.destroy()
    await closed
  }

  async close(): Promise<void> {
    await this.unplug()
  }

  #welcome(host: Socket): void {
    this.#hosts.add(host)
    host.on('data', (bytes) => this.onReceive?.(bytes))
    host.on('error', () => host.destroy()) // A daemon that was killed resets the connection.
    host.on('close', () => this.#hosts.delete(host))
  }
}
