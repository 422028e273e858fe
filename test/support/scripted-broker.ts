/** An MQTT 5 broker that answers what a script says, byte by byte if it must: for what no real broker does on demand. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { parser, type IPublishPacket, type Packet } from 'mqtt-packet'

export interface Guest {
  /** Which connection this is, from 1 on. */
  readonly nth: number
  /** Records that this connection brought so far. */
  readonly records: number
  send(bytes: Uint8Array): void
  end(): void
}

/** What is not answered by the script is answered as a good broker does. True: it was answered, if only by silence. */
export interface Script {
  connect?(guest: Guest): boolean
  /** A record, not a status document. */
  record?(guest: Guest, packet: IPublishPacket): boolean
  status?(guest: Guest, packet: IPublishPacket): boolean
}

export const CONNACK_OK = Uint8Array.of(0x20, 3, 0, 0, 0)
export function connack(code: number): Uint8Array {
  return Uint8Array.of(0x20, 3, 0, code, 0)
}
export function puback({ messageId = 0 }: { messageId?: number | undefined }, code = 0): Uint8Array {
  return Uint8Array.of(0x40, 4, messageId >> 8, messageId & 0xff, code, 0)
}
export function disconnect(code: number): Uint8Array {
  return Uint8Array.of(0xe0, 2, code, 0)
}

export class ScriptedBroker {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  script: Script
  /** When each connection came, by performance.now(). */
  readonly connects: number[] = []
  /** Given each record that is acknowledged with success. */
  onTaken: (text: string) => void = () => undefined

  private constructor(server: Server, script: Script) {
    this.#server = server
    this.script = script
    server.on('connection', (socket) => this.#welcome(socket))
  }

  static async start(script: Script = {}): Promise<ScriptedBroker> {
    const server = createServer({ noDelay: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new ScriptedBroker(server, script)
  }

  get url(): string {
    return `mqtt://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Ends all connections, without a word. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  get open(): number {
    return this.#sockets.size
  }

  async close(): Promise<void> {
    this.cutAll()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** The broker takes a record: it is delivered. */
  take(guest: Guest, packet: IPublishPacket, code = 0): void {
    this.onTaken(packet.payload.toString())
    guest.send(puback(packet, code))
  }

  #welcome(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket))
    const guest = {
      nth: this.connects.push(performance.now()),
      records: 0,
      send: (bytes: Uint8Array) => {
        if (!socket.destroyed) socket.write(bytes)
      },
      end: () => void socket.end(),
    }
    const reader = parser({ protocolVersion: 5 })
    reader.on('error', () => socket.destroy())
    reader.on('packet', (packet) => this.#answer(guest, packet))
    socket.on('data', (bytes) => void reader.parse(bytes))
  }

  #answer(guest: Guest & { records: number }, packet: Packet): void {
    if (packet.cmd === 'connect') {
      if (this.script.connect?.(guest) !== true) guest.send(CONNACK_OK)
    } else if (packet.cmd === 'pingreq') guest.send(Uint8Array.of(0xd0, 0))
    else if (packet.cmd === 'subscribe') {
      const id = packet.messageId ?? 0
      guest.send(Uint8Array.of(0x90, 4, id >> 8, id & 0xff, 0, 1))
    } else if (packet.cmd === 'publish') {
      if (!/\/(punch|event|presence|correction)\//.test(packet.topic)) {
        if (this.script.status?.(guest, packet) !== true) guest.send(puback(packet))
        return
      }
      guest.records += 1
      if (this.script.record?.(guest, packet) !== true) this.take(guest, packet)
    }
  }
}
