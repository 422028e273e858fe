/**
 * The consumer that counts. Its subscription is a durable session, made before the outage, so that nothing can pass it.
 * It speaks MQTT 3.1.1 with mqtt-packet alone: mqtt.js takes 40,000 messages a second and would be what is measured.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { generate, parser, type Packet } from 'mqtt-packet'
import { TOPICS } from '../fixture.js'
import { TOPIC } from './payload.js'
import { Tally } from './tally.js'

const CONNECT = generate({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 4,
  clientId: 'checker',
  clean: false,
  keepalive: 0,
})
const FILTERS = [TOPIC, TOPICS.record('punch', '+')]
const CONNECT_MS = 10_000

export class Checker {
  readonly #port: number
  readonly tally: Tally
  #socket: Socket | undefined
  #subscribed = false
  /** Called with every message: who kills in the middle must do it at once. */
  onMessage: (() => void) | undefined

  constructor(port: number, last: number) {
    this.#port = port
    this.tally = new Tally(last)
  }

  /** Subscribes at the first time; later the session still knows. */
  async connect(): Promise<void> {
    const socket = connect(this.#port, '127.0.0.1').setNoDelay(true)
    this.#socket = socket
    const packets = parser({ protocolVersion: 4 })
    const acknowledgements: Buffer[] = []
    let ready = false
    packets.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connack' && !this.#subscribed) socket.write(subscribe())
      else if (packet.cmd === 'connack' || packet.cmd === 'suback') ready = this.#subscribed = true
      else if (packet.cmd === 'publish') acknowledgements.push(this.#take(packet.payload, packet.messageId))
    })
    socket.on('data', (bytes: Buffer) => {
      packets.parse(bytes)
      if (acknowledgements.length > 0) socket.write(Buffer.concat(acknowledgements.splice(0)))
    })
    // It ends with the broker; the next connection is asked for.
    socket.on('error', () => undefined)
    socket.write(CONNECT)
    const deadline = performance.now() + CONNECT_MS
    while (!ready) {
      if (performance.now() > deadline) throw new Error('peers: the checker cannot connect')
      await sleep(1)
    }
  }

  async close(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    if (socket === undefined || socket.destroyed) return
    const closed = once(socket, 'close')
    socket.end(generate({ cmd: 'disconnect' }))
    await closed
  }

  #take(payload: Buffer | string, messageId: number | undefined): Buffer {
    this.tally.take(payload.toString(), performance.now())
    this.onMessage?.()
    return messageId === undefined ? Buffer.alloc(0) : generate({ cmd: 'puback', messageId })
  }
}

function subscribe(): Buffer {
  const subscriptions = FILTERS.map((topic) => ({ topic, qos: 1 as const }))
  return generate({ cmd: 'subscribe', messageId: 1, subscriptions })
}
