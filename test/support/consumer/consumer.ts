/**
 * A consumer of punches that has each of them exactly once, whatever dies in between. It is what README.md beside it
 * explains; copy it, in whatever language. It follows any number of gateways.
 *
 * Three rules are all there is to it:
 *   1. One transaction: the record, by its `id`; what follows from it; that (journal, seq) is here.
 *   2. Only then the receipt. If we die before it, the gateway sends again, and rule 1 does nothing the second time.
 *   3. What is missing is asked for.
 */
import Database from 'better-sqlite3'
import mqtt, { type MqttClient } from 'mqtt'
import { Store, type Arrived } from './store.js'

export interface ConsumerOptions {
  readonly url: string
  /** The database file. */
  readonly file: string
  readonly clientId: string
  readonly protocol: 4 | 5
  /** How often it looks what is missing. A gap that is there twice is asked for. */
  readonly lookEveryMs: number
  /** For tests of what a consumer may suffer; false: that receipt is lost. */
  readonly beforeReceipt?: (text: string) => boolean
}

/** Records of every kind count: leave out none of these, or there are gaps for ever. */
const KINDS = ['punch', 'presence', 'correction', 'event']
/** Besides: how far the gateway is, and whether it is there. */
const TOPICS = [...KINDS.map((kind) => `punchd/v1/+/+/${kind}/+`), 'punchd/v1/+/+/watermark', 'punchd/v1/+/+/state']
const COMMIT_EVERY_MS = 50
/** No request is larger than what a gateway answers. */
const MOST_RANGES = 1_000

export class Consumer {
  readonly #options: ConsumerOptions
  readonly #store: Store
  readonly #client: MqttClient
  #arrived: Arrived[] = []
  readonly #timers: NodeJS.Timeout[]
  /** The journal that each gateway has now: there is nothing to ask about earlier ones. */
  readonly #current = new Map<string, string>()
  /** Gaps at the last look, as text. */
  #before = new Set<string>()

  constructor(options: ConsumerOptions) {
    const { url, file, clientId, protocol, lookEveryMs } = options
    this.#options = options
    this.#store = new Store(new Database(file))
    this.#client = mqtt.connect(url, {
      protocolVersion: protocol,
      clientId,
      // A persistent session: the broker keeps for us what comes while we are away. Should it lose it, see rule 3.
      clean: false,
      ...(protocol === 5 && { properties: { sessionExpiryInterval: 30 * 86_400 } }),
      reconnectPeriod: 200,
      resubscribe: false,
    })
    this.#client.on('connect', () => this.#connected())
    this.#client.on('error', () => undefined)
    this.#client.on('message', (topic, payload) => this.#heard(topic, payload.toString('utf8')))
    this.#timers = [setInterval(() => this.#commit(), COMMIT_EVERY_MS), setInterval(() => this.#look(), lookEveryMs)]
  }

  #connected(): void {
    this.#client.subscribe(TOPICS, { qos: 1 })
    for (const journal of this.#store.journals())
      this.#receipt(journal.base, { journal: journal.id, upTo: journal.upTo })
  }

  #heard(topic: string, text: string): void {
    // P is the first four levels: punchd/v1/SITE/GATEWAY.
    const levels = topic.split('/')
    const base = levels.slice(0, 4).join('/')
    const message = JSON.parse(text) as Record<string, unknown>
    if (typeof message['journal'] === 'string') this.#current.set(base, message['journal'])
    if (KINDS.includes(String(levels[4]))) this.#arrived.push({ base, record: message })
    else if (levels[4] === 'watermark') this.#store.published(base, message)
    // The gateway was away, and heard none of our receipts meanwhile.
    else if (message['state'] === 'online') this.#look()
  }

  /** Rules 1 and 2. Many in one transaction: one fsync for all of them. */
  #commit(): void {
    const arrived = this.#arrived
    if (arrived.length === 0) return
    this.#arrived = []
    for (const { base, id, upTo } of this.#store.commit(arrived)) this.#receipt(base, { journal: id, upTo })
  }

  /** Rule 3, and receipts that got lost. */
  #look(): void {
    const gaps = new Set<string>()
    for (const { base, id, upTo, settledThrough } of this.#store.journals()) {
      if (this.#current.get(base) !== id) continue
      const missing = this.#store.missing(id, MOST_RANGES)
      for (const [from, to] of missing) gaps.add(`${id} ${from} ${to}`)
      // At once, records may merely be on their way.
      const still = missing.filter(([from, to]) => this.#before.has(`${id} ${from} ${to}`))
      if (still.length > 0) this.#receipt(base, { journal: id, missing: still })
      if (settledThrough < upTo) this.#receipt(base, { journal: id, upTo })
    }
    this.#before = gaps
  }

  #receipt(base: string, receipt: { journal: string; upTo?: number; missing?: readonly (readonly number[])[] }): void {
    const text = JSON.stringify(receipt)
    if (this.#options.beforeReceipt?.(text) === false) return
    // "upTo" is retained, so that a gateway that comes back finds it; "missing" must not be.
    this.#client.publish(`${base}/receipt`, text, { qos: 1, retain: receipt.upTo !== undefined })
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    this.#commit()
    await this.#client.endAsync()
    this.#store.close()
  }
}
