/**
 * A TCP proxy that is a bad line: it sits between the daemon and a real broker, counts connections and mistreats what
 * goes through. `line-faults` says how.
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** One direction of one connection: what becomes of bytes that came. Whatever is not passed on is lost. */
export type Way = (bytes: Buffer, pass: (bytes: Buffer) => void) => void

/** One connection through the proxy. */
export interface Cable {
  /** Both ends see an orderly end, or a reset. */
  cut(how: 'fin' | 'reset'): void
  readonly ended: boolean
}

/** What a fault does to one connection; made anew for each. */
export interface Ways {
  readonly up?: Way
  readonly down?: Way
}
export type LineFault = (cable: Cable, proxy: Proxy) => Ways

const straight: Way = (bytes, pass) => pass(bytes)

export class Proxy {
  readonly #server: Server
  readonly #target: () => number
  readonly #sockets = new Set<Socket>()
  /** When each connection came, by performance.now(). */
  readonly connects: number[] = []
  /** Ends that the proxy brought about. */
  cuts = 0
  /** Mistreats connections that come from now on. */
  fault: LineFault | undefined

  private constructor(server: Server, target: () => number) {
    this.#server = server
    this.#target = target
    server.on('connection', (socket) => this.#through(socket))
  }

  static async start(target: () => number, fault?: LineFault): Promise<Proxy> {
    const server = createServer({ noDelay: true })
    const proxy = new Proxy(server, target)
    proxy.fault = fault
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return proxy
  }

  get url(): string {
    return `mqtt://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Ends what goes through now. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** The line is good again; connections that lost bytes stay broken until somebody ends them. */
  mend(): void {
    this.fault = undefined
  }

  async close(): Promise<void> {
    this.cutAll()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #through(near: Socket): void {
    this.connects.push(performance.now())
    const far = connect({ port: this.#target(), host: '127.0.0.1', noDelay: true })
    const both = [near, far]
    const cable = {
      ended: false,
      cut: (how: 'fin' | 'reset'): void => {
        if (cable.ended) return
        cable.ended = true
        this.cuts += 1
        for (const socket of both) if (how === 'fin') socket.destroy()
          else socket.resetAndDestroy() // prettier-ignore
      },
    }
    for (const socket of both) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        cable.ended = true
        this.#sockets.delete(socket)
        for (const other of both) other.end()
      })
    }
    const { up = straight, down = straight } = this.fault?.(cable, this) ?? {}
    near.on('data', (bytes) => up(bytes, (passed) => forward(passed, far, near)))
    far.on('data', (bytes) => down(bytes, (passed) => forward(passed, near, far)))
  }
}

/** A slow receiver slows the sender, as on a wire. */
function forward(bytes: Buffer, to: Socket, from: Socket): void {
  if (to.destroyed || to.writableEnded || to.write(bytes)) return
  from.pause()
  to.once('drain', () => from.resume())
}
