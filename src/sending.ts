/** The way out, put together: publisher, outbox and reporting around one journal. */
import type { Clock } from './clock.js'
import type { Config } from './config/config.js'
import type { Logger } from './driver.js'
import type { JournalThread } from './journal/client.js'
import type { JournalState } from './journal/journal.js'
import type { Host } from './host.js'
import type { Heard } from './mqtt/connection.js'
import { MqttPublisher } from './mqtt/publisher.js'
import { Topics } from './mqtt/topics.js'
import { Outbox } from './outbox.js'
import { Reporting } from './reporting.js'
import type { Status } from './status.js'
import type { Systemd } from './systemd.js'

export interface SendingContext {
  readonly config: Config
  readonly clock: Clock
  readonly log: Logger
  readonly version: string
  readonly host: Host
  /** Called once, when there is work in earnest: many records to take or to send. */
  readonly onBusy?: () => void
}

export interface SendingParts {
  readonly context: SendingContext
  readonly thread: JournalThread
  /** The journal as it was when it was opened. */
  readonly state: JournalState
  readonly file: string
  readonly status: Status
  readonly systemd: Systemd
}

/** A gate at rush hour makes fewer; a backlog or a terminal's upload makes more. */
const BUSY_RECORDS = 1_000

export class Sending {
  readonly publisher: MqttPublisher
  readonly outbox: Outbox
  readonly #reporting: Reporting
  readonly #parts: SendingParts
  readonly #over = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  #busy = false

  constructor(parts: SendingParts) {
    const { context, thread, state } = parts
    const { config, clock, log, host } = context
    const { connect } = host
    const topics = new Topics(config.mqtt.topicPrefix, config.site.id, config.gateway.id)
    const onOnline = (): void => this.outbox.online()
    const onOffline = (deaf: boolean): void => this.outbox.offline(deaf)
    this.#parts = parts
    const byReceipt = config.mqtt.settle === 'receipt'
    const onReceipt = byReceipt ? (receipt: Heard): void => this.outbox.receipt(receipt) : undefined
    const heard = { onOnline, onOffline, onReceipt }
    this.publisher = new MqttPublisher({ config: config.mqtt, topics, clock, log, connect, ...heard })
    const journalOfReceipts = byReceipt ? state.journal : undefined
    const { settled } = state
    this.outbox = new Outbox({ journal: thread, publisher: this.publisher, clock, log, settled, journalOfReceipts })
    const { publisher, outbox } = this
    this.#reporting = new Reporting({
      ...context,
      ...parts,
      topics,
      publisher,
      outbox,
      journal: state.journal,
      publicKey: state.publicKey,
    })
  }

  start(): void {
    const { thread, state } = this.#parts
    this.#watchWork(state.lastSeq)
    thread.onAppend = (lastSeq) => {
      this.outbox.appended()
      this.#watchWork(lastSeq)
    }
    this.#running = Promise.all([this.publisher.run(this.#over.signal), this.#reporting.run(this.#over.signal)])
  }

  /** Gives the broker a moment to take what is left, says goodbye and writes down how far it came. */
  async stop(): Promise<void> {
    await this.#reporting.lastWord(this.outbox)
    this.#over.abort()
    await this.#running
    await this.outbox.stop()
  }

  #watchWork(lastSeq: number): void {
    if (this.#busy || lastSeq - this.#parts.state.settled <= BUSY_RECORDS) return
    this.#busy = true
    this.#parts.context.onBusy?.()
  }
}
