/** Keeps the retained documents true: reader states at once, health and watermark now and then. */
import type { Clock } from './clock.js'
import type { Config } from './config/config.js'
import {
  healthDocument,
  infoDocument,
  readerDocument,
  type DiskSpace,
  type ReceiptsHealth,
  type WatermarkDocument,
} from './documents.js'
import type { Logger } from './driver.js'
import { messageOf } from './errors.js'
import type { Host } from './host.js'
import type { JournalThread } from './journal/client.js'
import { zoneFormatter } from './journal/time.js'
import type { MqttPublisher } from './mqtt/publisher.js'
import type { Topics } from './mqtt/topics.js'
import type { ReceiptFigures } from './outbound.js'
import type { Outbox } from './outbox.js'
import type { ReaderStatus, Status } from './status.js'
import type { Systemd } from './systemd.js'

export interface ReportingContext {
  readonly config: Config
  readonly version: string
  readonly journal: string
  readonly publicKey: string
  readonly file: string
  readonly clock: Clock
  readonly log: Logger
  readonly topics: Topics
  readonly publisher: MqttPublisher
  readonly outbox: Outbox
  readonly thread: JournalThread
  readonly status: Status
  readonly systemd: Systemd
  readonly host: Pick<Host, 'diskSpace'>
}

const HEALTH_EVERY_MS = 60_000
/** How often a settled backlog is looked for. */
const TICK_MS = 1_000
/** On a metered line a watermark after every punch would double the traffic. */
const WATERMARK_EVERY_MS = 10_000
/** A backlog, and no longer what is merely on its way. */
const MANY_UNSENT = 256
/** A punch taken now may reach the disk this much later: completeness is claimed no closer. */
const COMPLETE_MARGIN_MS = 10_000
/** Less than this share of the disk left is worth an event. */
const STORAGE_LOW = 0.05
/** A stop waits this long for the last records to be taken. */
const LAST_WORD_MS = 3_000

export class Reporting {
  readonly #context: ReportingContext
  readonly #timeOf: (wall: number) => string
  readonly #startedAt: number
  #completeThrough: Readonly<Record<string, string>> = {}
  /** What was stored when it was looked at: settled up to `seq`, everything up to `through` is. */
  #candidate = { seq: 0, through: -Infinity }
  #storageLow = false

  constructor(context: ReportingContext) {
    const { config, clock, publisher, topics, status, version } = context
    this.#context = context
    this.#timeOf = zoneFormatter(config.site.offsets)
    this.#startedAt = clock.uptime()
    publisher.retain(topics.state, { state: 'online', since: this.#timeOf(clock.now().wall) })
    publisher.retain(topics.info, infoDocument(config, version, context))
    status.onReader = (reader) => this.#reader(reader)
    for (const reader of status.readers) this.#reader(reader)
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, systemd } = this.#context
    let nextHealth = clock.uptime()
    let nextWatermark = clock.uptime()
    while (!signal.aborted) {
      const healthDue = clock.uptime() >= nextHealth
      if (healthDue) nextHealth = clock.uptime() + HEALTH_EVERY_MS
      try {
        if (clock.uptime() >= nextWatermark && (await this.#watermark()))
          nextWatermark = clock.uptime() + WATERMARK_EVERY_MS
        if (healthDue) await this.#health()
      } catch (error) {
        log.warn('Status not reported', { event: 'status-failed', reason: messageOf(error) })
      }
      systemd.status(this.#line())
      await clock.sleep(TICK_MS, signal)
    }
  }

  /** Gives the broker a moment to take what is left, then states how far it came. */
  async lastWord(outbox: Outbox): Promise<void> {
    const { clock, publisher } = this.#context
    const until = clock.uptime() + LAST_WORD_MS
    while (publisher.online && outbox.unsent > 0 && clock.uptime() < until) await clock.sleep(20)
    await this.#watermark()
  }

  #reader(reader: ReaderStatus): void {
    const { publisher, topics } = this.#context
    publisher.retain(topics.readerState(reader.id), readerDocument(reader, this.#timeOf))
  }

  /** Published when nothing waits to be sent, so that a drain is not slowed by its own progress report. */
  async #watermark(): Promise<boolean> {
    const { publisher, topics, outbox, journal, status, thread } = this.#context
    // A consumer must learn what it should have though punches never rest.
    if (outbox.unsent > (outbox.receipts ? MANY_UNSENT : 0)) return false
    const settledThrough = outbox.settled
    const publishedThrough = outbox.receipts?.publishedThrough
    const through = this.#complete(settledThrough)
    const { parked } = await thread.state()
    // A parked record is one that the other side lacks: nothing is complete beyond what was said before.
    if (parked === 0 && through > -Infinity)
      this.#completeThrough = Object.fromEntries(status.readers.map(({ id }) => [id, this.#timeOf(through)]))
    const completeThrough = this.#completeThrough
    const document: WatermarkDocument = { journal, settledThrough, publishedThrough, completeThrough }
    publisher.retain(topics.watermark, document)
    return true
  }

  /**
   * Up to when everything is settled. Receipts come a little later, and new punches before them: so it is asked of
   * what was stored some time ago, or a busy site would never be complete.
   */
  #complete(settled: number): number {
    const { clock, thread } = this.#context
    const now = Math.floor((clock.now().wall - COMPLETE_MARGIN_MS) / HEALTH_EVERY_MS) * HEALTH_EVERY_MS
    const before = this.#candidate
    if (settled < before.seq) return -Infinity
    this.#candidate = { seq: thread.lastSeq, through: now }
    return settled >= thread.lastSeq ? now : before.through
  }

  async #health(): Promise<void> {
    const { clock, publisher, topics, outbox, thread, file, config, status, host } = this.#context
    const space = await host.diskSpace(file)
    const oldest = outbox.waiting > 0 ? (await thread.tail(outbox.settled, 1)).records[0] : undefined
    const facts = {
      now: clock.now(),
      backlog: outbox.waiting,
      parked: (await thread.state()).parked,
      oldestUnsettled: oldest?.wall,
      journalFile: file,
      diskFree: space.free,
      protocol: config.mqtt.protocol,
      connects: publisher.connects,
      unheard: publisher.unheard,
      startedAt: this.#startedAt,
      readers: status.readers,
      receipts: receiptsHealth(outbox.receipts),
    }
    publisher.retain(topics.health, healthDocument(facts, this.#timeOf))
    await this.#watchStorage(space)
  }

  async #watchStorage({ free, total }: DiskSpace): Promise<void> {
    const { file, log, thread, clock } = this.#context
    const low = free < total * STORAGE_LOW
    if (low && !this.#storageLow) {
      log.error('Disk nearly full', {
        event: 'storage-low',
        freeBytes: free,
        hint: 'free some space: punches are refused when it is full',
      })
      const fields = { reader: null, place: null, type: 'storage-low', subject: file, detail: { freeBytes: free } }
      await thread.append({ kind: 'audit', channel: 'storage-low', moment: clock.now(), fields })
    }
    this.#storageLow = low
  }

  /** What `systemctl status` shows. */
  #line(): string {
    const { status, outbox, publisher } = this.#context
    const inService = status.readers.filter(({ state }) => state.state !== 'disabled')
    const up = inService.filter(({ state }) => state.state === 'up').length
    const broker = publisher.online ? 'broker connected' : `broker away: ${publisher.trouble?.message ?? 'connecting'}`
    const receipts = outbox.receipts
    const unreceipted = receipts ? ` · ${receipts.unreceipted} without receipt` : ''
    return `${up}/${inService.length} readers up · ${outbox.waiting} waiting${unreceipted} · ${broker}`
  }
}

function receiptsHealth(figures: ReceiptFigures | undefined): ReceiptsHealth | undefined {
  if (!figures) return undefined
  const { unreceipted, sendingAgain, refused } = figures
  return { unreceipted, sendingAgain, refused }
}
