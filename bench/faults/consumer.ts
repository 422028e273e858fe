/** The consumer: a session that outlives connections; with receipts where those settle. */
import mqtt, { type MqttClient } from 'mqtt'
import { GATEWAY, SITE, TOPIC_PREFIX } from '../fixture.js'
import { Received, type Arrived } from './received.js'

export interface ConsumerOptions {
  readonly protocol?: 4 | 5
  /** It says what it has, and asks for what it lacks (test/support/consumer shows how in earnest). */
  readonly receipts?: boolean
}

const BASE = `${TOPIC_PREFIX}/${SITE.id}/${GATEWAY}`
/** Records of every kind are two levels below, the rest is not: one subscription keeps them in order with every broker. */
const RECORDS = `${BASE}/+/+`
const RECEIPT = `${BASE}/receipt`
const RECEIPT_EVERY_MS = 100
/** A gap that is there at two looks is asked for. */
const LOOK_EVERY_MS = 1_000
const MOST_RANGES = 100

export class Consumer extends Received {
  readonly #client: MqttClient
  readonly #timers: NodeJS.Timeout[] = []
  #said = 0
  #gaps = new Set<string>()
  /** Everything up to here came. */
  upTo = 0

  private constructor(client: MqttClient, receipts: boolean) {
    super()
    this.#client = client
    // A broker that is away is why this program runs.
    client.on('error', () => undefined)
    client.on('message', (topic, payload) => {
      if (/\/(punch|event|presence|correction)\//.test(topic)) this.take(JSON.parse(payload.toString()) as Arrived)
    })
    if (receipts)
      this.#timers.push(
        setInterval(() => this.#receipt(), RECEIPT_EVERY_MS),
        setInterval(() => this.#askForGaps(), LOOK_EVERY_MS),
      )
  }

  /** Subscribes at the first of `urls` that answers, and later at whichever does. */
  static async connect(urls: string | readonly string[], options: ConsumerOptions = {}): Promise<Consumer> {
    const { protocol = 5, receipts = false } = options
    const servers = [urls].flat().map((url) => ({ host: '127.0.0.1', port: Number(new URL(url).port) }))
    const client = mqtt.connect({
      servers,
      protocol: 'mqtt',
      protocolVersion: protocol,
      clientId: 'consumer',
      // The broker keeps what comes while this process is busy.
      clean: false,
      ...(protocol === 5 && { properties: { sessionExpiryInterval: 3_600 } }),
      reconnectPeriod: 200,
      connectTimeout: 3_000,
      keepalive: 5,
    })
    const consumer = new Consumer(client, receipts)
    // A broker that forgot the session forgot the subscription.
    client.on('connect', () => client.subscribe(RECORDS, { qos: 1 }, () => undefined))
    await client.subscribeAsync(RECORDS, { qos: 1 })
    return consumer
  }

  /** Says something else than what is true, as consumers may. */
  say(receipt: object): void {
    this.#client.publish(RECEIPT, JSON.stringify(receipt), { qos: 1 }, () => undefined)
  }

  /** Goes away for a while; its session stays. */
  async leave(): Promise<void> {
    await this.#client.endAsync(true)
  }

  back(): void {
    this.#client.reconnect()
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await this.leave()
  }

  #receipt(): void {
    while (this.ids.has(this.upTo + 1)) this.upTo += 1
    if (this.upTo === this.#said || !this.#client.connected) return
    const before = this.#said
    this.#said = this.upTo
    const text = JSON.stringify({ journal: this.journal, upTo: this.upTo })
    this.#client.publish(RECEIPT, text, { qos: 1, retain: true }, (error) => {
      if (error) this.#said = before
    })
  }

  #askForGaps(): void {
    const missing: [number, number][] = []
    for (let seq = this.upTo + 1; seq < this.newest && missing.length < MOST_RANGES; seq++) {
      if (this.ids.has(seq)) continue
      const last = missing.at(-1)
      if (last?.[1] === seq - 1) last[1] = seq
      else missing.push([seq, seq])
    }
    const still = missing.filter((range) => this.#gaps.has(range.join()))
    this.#gaps = new Set(missing.map((range) => range.join()))
    // What it said may have been lost with the broker.
    this.#said = 0
    if (still.length === 0 || !this.#client.connected) return
    this.#client.publish(
      RECEIPT,
      JSON.stringify({ journal: this.journal, missing: still }),
      { qos: 1 },
      () => undefined,
    )
  }
}
