/** The way to the broker, in our hands: a long one, or one that is cut. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

export interface RelayOptions {
  /** Of the broker. */
  readonly to: number
  /** How long bytes are on their way, in each direction. */
  readonly delayMs?: number
}

export class Relay {
  readonly #to: number
  readonly #delayMs: number
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #port = 0
  /** Called with what passes on its way to the broker. */
  onSent: ((bytes: Buffer) => void) | undefined

  private constructor({ to, delayMs = 0 }: RelayOptions) {
    this.#to = to
    this.#delayMs = delayMs
  }

  static async open(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options)
    await relay.accept()
    return relay
  }

  get port(): number {
    return this.#port
  }

  /** Listens, under the same port as before. */
  async accept(): Promise<void> {
    const server = createServer({ noDelay: true }, (gateway) => this.#join(gateway))
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (typeof address === 'object' && address) this.#port = address.port
    this.#server = server
  }

  /** Cuts all connections and refuses new ones. */
  async refuse(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #join(gateway: Socket): void {
    this.#keep(gateway)
    const broker = connect({ port: this.#to, host: '127.0.0.1', noDelay: true })
    this.#keep(broker)
    gateway.on('close', () => broker.destroy())
    broker.on('close', () => gateway.destroy())
    this.#carry(gateway, broker, (bytes) => this.onSent?.(bytes))
    this.#carry(broker, gateway)
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
  }

  /** One timer at a time: there may be thousands of pieces on their way. */
  #carry(from: Socket, to: Socket, seen?: (bytes: Buffer) => void): void {
    const onWay: { readonly due: number; readonly bytes: Buffer }[] = []
    const deliver = (): void => {
      const now = performance.now()
      while (onWay[0] && onWay[0].due <= now) to.write(onWay.shift()!.bytes)
      if (onWay[0]) setTimeout(deliver, onWay[0].due - now)
    }
    from.on('data', (bytes) => {
      seen?.(bytes)
      if (this.#delayMs === 0) return void to.write(bytes)
      if (onWay.push({ due: performance.now() + this.#delayMs, bytes }) === 1) setTimeout(deliver, this.#delayMs)
    })
  }
}
