/** `udp://`: terminals that answer datagrams. Each chunk is one datagram, each write sends one. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIP } from 'node:net'
import { lookup } from 'node:dns/promises'
import type { ByteTransport, Chunk } from '../driver.js'
import { messageOf, TransportError } from '../errors.js'
import { ChunkQueue } from './chunks.js'
import type { Opened, OpenContext, TransportUrl } from './url.js'

type UdpUrl = Extract<TransportUrl, { scheme: 'udp' }>

export async function openUdp({ host, port }: UdpUrl, context: OpenContext): Promise<Opened> {
  const name = `${host}:${port}`
  const address = await addressOf(host)
  const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4')
  try {
    // Connected: what others send to this port is not for us, and an ICMP "nobody listens" becomes an error.
    socket.connect(port, address)
    await once(socket, 'connect')
  } catch (cause) {
    socket.close()
    throw new TransportError('transport-absent', `no way to ${name}`, { hint: messageOf(cause), cause })
  }
  const transport = new UdpTransport(socket, name, context)
  const close = async (): Promise<void> => {
    transport.end()
    await new Promise<void>((resolve) => socket.close(() => resolve())).catch(() => undefined)
  }
  return { kind: 'bytes', transport, close }
}

async function addressOf(host: string): Promise<string> {
  if (isIP(host) !== 0) return host
  try {
    return (await lookup(host)).address
  } catch (cause) {
    const hint = 'the name is unknown; check its spelling and DNS, or write the IP address'
    throw new TransportError('transport-absent', `no way to ${host}`, { hint, cause })
  }
}

class UdpTransport implements ByteTransport {
  readonly #socket: Socket
  readonly #name: string
  readonly #queue: ChunkQueue

  constructor(socket: Socket, name: string, { clock, signal }: OpenContext) {
    this.#socket = socket
    this.#name = name
    this.#queue = new ChunkQueue(clock, signal)
    socket.on('message', (bytes) => this.#queue.push(bytes))
    socket.on('error', (cause) => this.#queue.fail(this.#lost(cause)))
  }

  [Symbol.asyncIterator](): AsyncIterator<Chunk> {
    return this.#queue[Symbol.asyncIterator]()
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#queue.failure) throw this.#queue.failure
    const cause = await new Promise<Error | null>((resolve) => this.#socket.send(bytes, resolve))
    if (!cause) return
    const error = this.#lost(cause)
    this.#queue.fail(error)
    throw error
  }

  end(): void {
    this.#queue.close()
  }

  #lost(cause: Error): TransportError {
    const hint = 'check power, cable and address of the terminal; it comes back by itself'
    return new TransportError('transport-lost', `${this.#name} does not answer (${messageOf(cause)})`, { hint, cause })
  }
}
