/** Journal, outbox and MQTT publisher, wired as the daemon does; nothing else of it. */
import type { MqttConfig } from '../../src/config/config.js'
import { Journal } from '../../src/journal/journal.js'
import { MqttPublisher } from '../../src/mqtt/publisher.js'
import { Topics } from '../../src/mqtt/topics.js'
import { Outbox } from '../../src/outbox.js'
import { FastClock } from './fast-clock.js'
import { DirectJournal } from './publisher.js'
import { IDENTITY } from './records.js'
import { RecordingLogger } from './session.js'

export const PREFIX = 'punchd/v1/hq/gw-01'

export function mqttConfig(url: string, over: Partial<MqttConfig> = {}): MqttConfig {
  return {
    urls: [url],
    protocol: 5,
    clientId: 'punchd-hq-gw-01',
    username: undefined,
    password: undefined,
    tls: {},
    topicPrefix: 'punchd/v1',
    window: 64,
    settle: 'puback',
    ...over,
  }
}

export class Sending {
  readonly log = new RecordingLogger()
  readonly journal: Journal
  readonly direct: DirectJournal
  readonly publisher: MqttPublisher
  readonly outbox: Outbox
  readonly topics: Topics
  readonly #stop = new AbortController()
  readonly #running: Promise<void>

  /** Time passes ten times as fast for it, or as told: 30 s without an acknowledgement are 3. */
  constructor(file: string, config: MqttConfig, speed = 10) {
    const clock = new FastClock(speed)
    const { log } = this
    this.journal = new Journal(file, IDENTITY)
    this.direct = new DirectJournal(this.journal)
    this.topics = new Topics(config.topicPrefix, IDENTITY.site, IDENTITY.gateway)
    this.publisher = new MqttPublisher({
      config,
      topics: this.topics,
      clock,
      log,
      onOnline: () => this.outbox.online(),
      onOffline: (deaf) => this.outbox.offline(deaf),
      onReceipt: config.settle === 'receipt' ? (receipt) => this.outbox.receipt(receipt) : undefined,
    })
    const { publisher, direct: journal } = this
    this.outbox = new Outbox({
      journal,
      publisher,
      clock,
      log,
      settled: this.journal.state.settled,
      journalOfReceipts: config.settle === 'receipt' ? this.journal.id : undefined,
    })
    this.direct.onAppend = () => this.outbox.appended()
    this.#running = this.publisher.run(this.#stop.signal)
  }

  /** All of it delivered or parked. */
  get done(): boolean {
    return this.outbox.waiting === 0
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
    await this.outbox.stop()
    this.journal.close()
  }
}
