/** aedes inside this process: for machines without mosquitto. MQTT 3.1.1; it lives on while its door is shut. */
import type { Aedes } from 'aedes'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { EXIT, VerbError } from '../../src/errors.js'
import type { Broker } from './broker.js'

const HOST = '127.0.0.1'

export async function startAedes(port: number): Promise<Broker> {
  const aedes = await createAedes().catch((cause: unknown) => {
    const hint = 'sudo apt install mosquitto, or npm install'
    throw new VerbError(
      EXIT.unavailable,
      'broker-unreachable',
      'there is no broker: neither mosquitto nor aedes is installed',
      { hint, cause },
    )
  })
  const broker = new AedesBroker(aedes, port)
  await broker.up()
  return broker
}

async function createAedes(): Promise<Aedes> {
  const { Aedes } = await import('aedes')
  return Aedes.createBroker()
}

class AedesBroker implements Broker {
  readonly title = 'aedes, MQTT 3.1.1'
  readonly host = HOST
  readonly protocol = 4
  readonly port: number
  readonly #aedes: Aedes
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined

  constructor(aedes: Aedes, port: number) {
    this.#aedes = aedes
    this.port = port
  }

  get isUp(): boolean {
    return this.#server !== undefined
  }

  async up(): Promise<void> {
    if (this.#server) return
    const server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      this.#aedes.handle(socket)
    })
    server.listen(this.port, HOST)
    await once(server, 'listening')
    this.#server = server
  }

  async down(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async close(): Promise<void> {
    await this.down()
    await new Promise<void>((resolve) => this.#aedes.close(() => resolve()))
  }
}
