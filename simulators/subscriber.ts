/** Who receives what the gateway sends, as an HR system would: QoS 1, and a session that outlives its connections. */
import mqtt, { type MqttClient } from 'mqtt'

export interface SubscriberOptions {
  readonly host: string
  readonly port: number
  readonly protocol: 4 | 5
  readonly topic: string
  readonly onMessage: (topic: string, payload: string) => void
}

/** The broker keeps what is published meanwhile for this long. */
const SESSION_S = 24 * 3_600
const RECONNECT_MS = 200

export class Subscriber {
  readonly #client: MqttClient

  private constructor(client: MqttClient) {
    this.#client = client
  }

  /** Resolves when it is subscribed. It reconnects by itself for as long as it lives. */
  static async connect({ host, port, protocol, topic, onMessage }: SubscriberOptions): Promise<Subscriber> {
    const client = mqtt.connect({
      protocol: 'mqtt',
      host,
      port,
      protocolVersion: protocol,
      clientId: 'sim-subscriber',
      // Nothing published between two connections is missed.
      clean: false,
      ...(protocol === 5 ? { properties: { sessionExpiryInterval: SESSION_S } } : {}),
      reconnectPeriod: RECONNECT_MS,
    })
    client.on('error', () => undefined) // The broker is away: it is tried again.
    client.on('message', (heard, payload) => onMessage(heard, payload.toString('utf8')))
    await new Promise<void>((resolve) => client.once('connect', () => resolve()))
    await client.subscribeAsync(topic, { qos: 1 })
    return new Subscriber(client)
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true)
  }
}
