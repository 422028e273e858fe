/** Keeps a connection to the broker for ever, and publishes records and retained status documents over it. */
import { aborted, linkedAbort } from '../abort.js'
import type { Clock } from '../clock.js'
import type { MqttConfig } from '../config/config.js'
import type { Logger } from '../driver.js'
import { messageOf, PublishError, TransportError } from '../errors.js'
import type { OutboundRecord } from '../journal/journal.js'
import type { Publisher } from '../outbox.js'
import { Connection, type Heard, type Will } from './connection.js'
import { blamesRecord } from './reasons.js'
import { Reconnect, type Ending } from './reconnect.js'
import type { Topics } from './topics.js'
import { PublishWindow } from './window.js'

/** No PUBACK for this long: the line is dead or the broker will never take that record. */
const ACK_TIMEOUT_MS = 30_000
/** A status document that was refused is tried again after this. */
const MUTED_MS = 3_600_000
const SUBSCRIBE_AGAIN_MS = 60_000

/** What is needed of a connection. */
export type Link = Pick<
  Connection,
  'limits' | 'ended' | 'endCode' | 'unheard' | 'publish' | 'subscribe' | 'drop' | 'close'
>

/** Makes a connection, or rejects with TransportError. */
export type Connect = (url: string, config: MqttConfig, will: Will, signal: AbortSignal) => Promise<Link>

export const overNetwork: Connect = (url, config, will, signal) => Connection.open(url, config, will, signal)

export interface PublisherContext {
  readonly config: MqttConfig
  readonly topics: Topics
  readonly clock: Clock
  readonly log: Logger
  readonly onOnline: () => void
  /** `blameless`: no record ended it; the broker answered nothing until we gave up, or said another reason. */
  readonly onOffline: (blameless: boolean) => void
  /** Given where the consumer's receipts settle: nothing is subscribed to otherwise. */
  readonly onReceipt?: ((receipt: Heard) => void) | undefined
  /** Default: over the network. */
  readonly connect?: Connect | undefined
}

export class MqttPublisher implements Publisher {
  readonly #context: PublisherContext
  readonly #retained = new Map<string, string>()
  #connection: Link | undefined
  #window: PublishWindow
  #published = 0
  /** Uptime at which records in flight were sent, oldest first. */
  readonly #sentAt = new Map<number, number>()
  /** Uptime at which the oldest of them became that: on a slow line those before it were still being answered. */
  #oldestSince = 0
  /** The broker answered to a record on this connection, be it with a refusal. */
  #answered = false
  #refused = false
  /** It answered to anything on this connection. */
  #alive = false
  /** We ended this connection, since nothing was answered. */
  #deaf = false
  /** Topics that the broker refused, with the uptime until which they are left out. */
  readonly #muted = new Map<string, number>()
  /** Connections so far. */
  connects = 0
  /** Reasons for that which are in the log since there was a connection. */
  readonly #told = new Set<string>()
  /** Why there is no connection now. */
  trouble: TransportError | undefined

  constructor(context: PublisherContext) {
    this.#context = context
    this.#window = new PublishWindow(context.config.window, context.config.window)
  }

  get online(): boolean {
    return this.#connection !== undefined
  }

  get window(): number {
    return this.#window.size
  }

  /** Records that the broker took with the remark that nobody subscribes. */
  get unheard(): number {
    return this.#connection?.unheard ?? 0
  }

  async publish(record: OutboundRecord, payload: Buffer): Promise<void> {
    const connection = this.#connection
    if (!connection) throw new PublishError('retry', 'publish-offline', 'not connected to the broker')
    const from = this.#context.clock.uptime()
    this.#sentAt.set(record.seq, from)
    const measured = this.#window.sample(this.#published++)
    try {
      // point: outbox.before-publish
      await connection.publish(this.#context.topics.record(record.kind, record.channel), payload)
      this.#answered = true
    } catch (error) {
      if (error instanceof PublishError && error.code === 'publish-refused') this.#answered = this.#refused = true
      throw error
    } finally {
      this.#answeredTo(record.seq)
    }
    if (measured && connection === this.#connection) this.#window.acked(this.#context.clock.uptime() - from)
  }

  #answeredTo(seq: number): void {
    const [oldest] = this.#sentAt.keys()
    this.#sentAt.delete(seq)
    if (oldest === seq) this.#oldestSince = this.#context.clock.uptime()
  }

  /** Keeps `document` as the retained message of a topic, now and after every reconnect. */
  retain(topic: string, document: unknown): void {
    const payload = JSON.stringify(document)
    if (this.#retained.get(topic) === payload) return
    this.#retained.set(topic, payload)
    this.#publishRetained(topic, payload)
  }

  #publishRetained(topic: string, payload: string): void {
    const { clock, log } = this.#context
    if (clock.uptime() < (this.#muted.get(topic) ?? 0)) return
    const alive = (): void => void (this.#alive = true)
    this.#connection?.publish(topic, payload, true).then(alive, (error: unknown) => {
      // Lost with the connection, it is sent again with the next one.
      if (error instanceof PublishError && error.code === 'publish-offline') return
      this.#alive = true
      // Some brokers (Mosquitto 2.0.11) close the connection after a refusal: trying on would keep records from leaving.
      this.#muted.set(topic, clock.uptime() + MUTED_MS)
      log.warn('Status document refused', { event: 'status-refused', topic, reason: messageOf(error) })
    })
  }

  /** Runs until the signal aborts; then says goodbye. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, config } = this.#context
    const reconnect = new Reconnect()
    for (let attempt = 0; !signal.aborted; attempt++) {
      const url = config.urls[attempt % config.urls.length] ?? ''
      const { why, ...ending } = await this.#connectAndStay(url, signal)
      if (signal.aborted) return
      this.#tell(why, url)
      this.trouble = why
      await clock.sleep(reconnect.next(ending), signal)
    }
  }

  /** One line when it is lost or refused, not one for every attempt; each broker of a list may have another reason. */
  #tell({ code, message: reason, hint }: TransportError, url: string): void {
    if (this.#told.has(reason)) return
    this.#told.add(reason)
    this.#context.log.warn('Broker not connected', { event: 'broker-lost', url, code, reason, hint })
  }

  async #connectAndStay(url: string, signal: AbortSignal): Promise<Ending & { readonly why: TransportError }> {
    const { config, topics, clock, connect = overNetwork } = this.#context
    this.#answered = this.#refused = this.#alive = this.#deaf = false
    let connection: Link
    try {
      const will = { topic: topics.state, payload: JSON.stringify({ state: 'offline', reason: 'lost' }) }
      connection = await connect(url, config, will, signal)
    } catch (error) {
      const why = error instanceof TransportError ? error : new TransportError('broker-unreachable', messageOf(error))
      return { why, heldMs: 0, answered: false, refused: false, code: undefined }
    }
    const since = clock.uptime()
    const why = await this.#stay(connection, url, signal)
    const heldMs = clock.uptime() - since
    return { why, heldMs, answered: this.#answered, refused: this.#refused, code: connection.endCode }
  }

  /** Until the connection ends; returns why it did. */
  async #stay(connection: Link, url: string, signal: AbortSignal): Promise<TransportError> {
    const { config, log, onOnline, onOffline } = this.#context
    const { protocol } = config
    this.#window = new PublishWindow(config.window, connection.limits.receiveMaximum, this.#window.size)
    this.#connection = connection
    this.connects += 1
    this.trouble = undefined
    this.#told.clear()
    log.info('Broker connected', { event: 'broker-connected', url, protocol, ...degraded(protocol) })
    for (const [topic, payload] of this.#retained) this.#publishRetained(topic, payload)
    const life = linkedAbort(signal)
    void this.#hearReceipts(connection, life.signal)
    onOnline()
    void this.#watchAcks(connection, life.signal)
    const stopped = aborted(life.signal).then(() => new TransportError('broker-unreachable', 'stopped'))
    const why = await Promise.race([connection.ended, stopped])
    life.abort()
    if (signal.aborted) await this.#sayGoodbye(connection)
    this.#connection = undefined
    const { endCode } = connection
    onOffline(this.#deaf || (endCode !== undefined && !blamesRecord(endCode)))
    return why
  }

  /** A refusal is said once, and asked about again: whoever runs the broker may have allowed it since. */
  async #hearReceipts(connection: Link, over: AbortSignal): Promise<void> {
    const { clock, log, topics, onReceipt } = this.#context
    if (!onReceipt) return
    let heard = onReceipt
    for (let refused = false; !over.aborted; refused = true) {
      try {
        return await connection.subscribe(topics.receipt, heard)
      } catch (error) {
        heard = () => undefined
        if (over.aborted || (error instanceof PublishError && error.code === 'publish-offline')) return
        const hint =
          'the access list of the broker must let the gateway read this topic: without receipts nothing is settled'
        const fields = { event: 'receipts-refused', topic: topics.receipt, reason: messageOf(error), hint }
        if (!refused) log.error('No receipts can be heard', fields)
        await clock.sleep(SUBSCRIBE_AGAIN_MS, over)
      }
    }
  }

  /** mqtt.js waits for a PUBACK for ever: drops the connection when the oldest one stays out. */
  async #watchAcks(connection: Link, over: AbortSignal): Promise<void> {
    const { clock, log } = this.#context
    while (!over.aborted) {
      const [sentAt] = this.#sentAt.values()
      const waitedMs = sentAt === undefined ? 0 : clock.uptime() - Math.max(sentAt, this.#oldestSince)
      if (waitedMs >= ACK_TIMEOUT_MS) {
        log.warn('Broker does not acknowledge', { event: 'ack-timeout', waitedMs: Math.round(waitedMs) })
        this.#deaf = !this.#alive && !this.#answered
        return connection.drop()
      }
      await clock.sleep(ACK_TIMEOUT_MS - waitedMs, over)
    }
  }

  async #sayGoodbye(connection: Link): Promise<void> {
    const stopped = JSON.stringify({ state: 'offline', reason: 'stopped' })
    const said = connection.publish(this.#context.topics.state, stopped, true).catch(() => undefined)
    // A broker that does not answer must not hold up the stop; one that does must not leave a timer that does.
    const patience = new AbortController()
    await Promise.race([said, this.#context.clock.sleep(2_000, patience.signal)])
    await Promise.race([connection.close(), this.#context.clock.sleep(1_000, patience.signal)])
    patience.abort()
    // What is left open to a broker that does not answer would keep this process.
    connection.drop()
  }
}

function degraded(protocol: 4 | 5): { degraded?: string } {
  return protocol === 5 ? {} : { degraded: 'MQTT 3.1.1 cannot refuse a record: what the broker drops is lost unseen' }
}
