/** What the consumer received: every record of every kind, how often, and in which order. */
import mqtt, { type MqttClient } from 'mqtt'
import { GATEWAY, SITE, TOPIC_PREFIX } from '../fixture.js'

interface Received {
  readonly id: string
  readonly journal: string
  readonly seq: number
}

export class Consumer {
  readonly #client: MqttClient
  /** Ids by number: a number that came with two ids was used twice. */
  readonly ids = new Map<number, string>()
  /** Numbers that came with a second id, or out of another journal. */
  renumbered = 0
  redelivered = 0
  /** Numbers whose first delivery came after a later record. */
  readonly late: number[] = []
  #journal: string | undefined
  #newest = 0

  private constructor(client: MqttClient) {
    this.#client = client
    client.on('message', (_topic, payload) => this.#take(JSON.parse(payload.toString()) as Received))
  }

  /** With a session that outlives connections, so that the broker keeps what comes while this process is busy. */
  static async connect(url: string): Promise<Consumer> {
    const properties = { sessionExpiryInterval: 3_600 }
    const client = await mqtt.connectAsync(url, { protocolVersion: 5, clientId: 'consumer', clean: false, properties })
    const subscriber = new Consumer(client)
    const base = `${TOPIC_PREFIX}/${SITE.id}/${GATEWAY}`
    const kinds = ['punch', 'event', 'presence', 'correction']
    await client.subscribeAsync(kinds.map((kind) => `${base}/${kind}/+`), { qos: 1 }) // prettier-ignore
    return subscriber
  }

  /** The journal that records come from, once one did. */
  get journal(): string | undefined {
    return this.#journal
  }

  /** Newest number received. */
  get newest(): number {
    return this.#newest
  }

  /** Says something to the gateway. */
  receipt(text: object): void {
    this.#client.publish(`${TOPIC_PREFIX}/${SITE.id}/${GATEWAY}/receipt`, JSON.stringify(text), { qos: 1 })
  }

  get received(): number {
    return this.ids.size
  }

  async close(): Promise<void> {
    await this.#client.endAsync()
  }

  #take({ id, journal, seq }: Received): void {
    this.#journal ??= journal
    const known = this.ids.get(seq)
    if (journal !== this.#journal || (known !== undefined && known !== id)) this.renumbered += 1
    else if (known !== undefined) this.redelivered += 1
    if (known !== undefined) return
    this.ids.set(seq, id)
    if (seq < this.#newest) this.late.push(seq)
    else this.#newest = seq
  }
}
