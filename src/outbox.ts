/**
 * The pump: the unsettled tail of the journal, oldest first, a window in flight, only while connected.
 * It owns no queue: after any doubt it starts again behind the watermark.
 */
import type { Clock } from './clock.js'
import type { Logger } from './driver.js'
import { messageOf, PublishError, type ErrorCode } from './errors.js'
import type { Draft, OutboundRecord, ParkedRecord } from './journal/journal.js'
import type { ParkOrder } from './journal/protocol.js'
import { pauses } from './retry.js'
import { Watermark } from './watermark.js'

/** Who takes records away. */
export interface Publisher {
  readonly online: boolean
  /** Publishes in flight at most; may change at any time. */
  readonly window: number
  /** Resolves when the far side has taken the record; rejects with PublishError. `payload` is its JSON. */
  publish(record: OutboundRecord, payload: string): Promise<void>
}

/** The part of the journal that the outbox needs. */
export interface OutboxJournal {
  readonly lastSeq: number
  tail(after: number, limit: number): Promise<{ readonly records: OutboundRecord[]; readonly through: number }>
  get(seq: number): Promise<OutboundRecord | undefined>
  settle(seq: number): Promise<unknown>
  park(order: ParkOrder): Promise<unknown>
  unpark(seq: number): Promise<unknown>
  parked(limit: number): Promise<ParkedRecord[]>
  append(draft: Draft): Promise<void>
}

export interface OutboxContext {
  readonly journal: OutboxJournal
  readonly publisher: Publisher
  readonly clock: Clock
  readonly log: Logger
  /** Watermark at start. */
  readonly settled: number
}

const FETCH = 256
/** A refused record that might pass later is tried this often before it is set aside. Quotas are waited for. */
const MAX_REFUSALS = 5
const QUOTA_EXCEEDED = 0x97
/** Connections in a row that ended with the same oldest record unacknowledged: from here it travels alone … */
const STRIKES_ALONE = 3
/** … and from here it is the culprit and set aside. */
const STRIKES_PARK = 6
const REFUSAL_PAUSES = { firstMs: 1_000, maxMs: 300_000 }

export class Outbox {
  readonly #context: OutboxContext
  readonly #watermark: Watermark
  readonly #inFlight = new Set<number>()
  /** Sends so far of records that were sent and not acknowledged. */
  readonly #attempts = new Map<number, number>()
  readonly #refusals = new Map<number, number>()
  #buffer: OutboundRecord[] = []
  /** Everything up to here is in the buffer, in flight or done. */
  #fetched: number
  #fetching = false
  /** Counts connections: what an earlier one still has to say is ignored. */
  #connection = 0
  #settledAtConnect: number
  /** Records up to here were waiting when the connection came: late, not live. */
  #delayedUpTo = 0
  #strikes = 0
  #paused = false
  #pauses = pauses(REFUSAL_PAUSES)
  #retryingParked = false
  readonly #stopped = new AbortController()

  constructor(context: OutboxContext) {
    this.#context = context
    this.#fetched = context.settled
    this.#settledAtConnect = context.settled
    this.#watermark = new Watermark(context.settled, context.clock, (seq) => context.journal.settle(seq), this.#stopped.signal)
  }

  /** Newest record that, with all before it, is delivered or parked. */
  get settled(): number {
    return this.#watermark.seq
  }

  /** Records waiting, parked ones not counted. */
  get waiting(): number {
    return this.#context.journal.lastSeq - this.#watermark.seq - this.#watermark.ahead
  }

  /** Something was stored. */
  appended(): void {
    this.#pump()
  }

  /** The publisher is connected: begin behind the watermark. */
  online(): void {
    this.#connection += 1
    this.#settledAtConnect = this.#watermark.seq
    this.#delayedUpTo = this.#context.journal.lastSeq
    this.#restart()
    this.#pump()
  }

  /** The connection ended: whatever was in flight is pending again. */
  offline(): void {
    const oldest = Math.min(...this.#inFlight)
    const stuck = this.#inFlight.size > 0 && this.#watermark.seq === this.#settledAtConnect
    this.#connection += 1
    this.#strikes = stuck ? this.#strikes + 1 : 0
    this.#restart()
    if (this.#strikes >= STRIKES_PARK) {
      this.#strikes = STRIKES_ALONE
      const reason = `the broker closed ${STRIKES_PARK} connections in a row without acknowledging this record`
      void this.#park(oldest, 'publish-unconfirmed', reason)
    }
  }

  /** Writes the last watermark; nothing is sent any more. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#watermark.flush()
  }

  /** Sends one parked record now. Resolves when it was taken; rejects with PublishError when it was refused again. */
  async retry(parked: ParkedRecord): Promise<void> {
    const { journal, publisher } = this.#context
    const record = await journal.get(parked.seq)
    if (!record) return
    if (!publisher.online) throw new PublishError('retry', 'publish-offline', 'not connected to the broker')
    await publisher.publish(record, payloadOf(record, 2, true))
    await journal.unpark(parked.seq)
    this.#context.log.info('Parked record delivered', { event: 'record-delivered', record: parked.id })
  }

  #restart(): void {
    for (const seq of this.#inFlight) this.#attempts.set(seq, (this.#attempts.get(seq) ?? 0) + 1)
    this.#inFlight.clear()
    this.#buffer = []
    this.#fetched = this.#watermark.seq
  }

  #pump(): void {
    const { publisher } = this.#context
    const window = this.#strikes >= STRIKES_ALONE ? 1 : publisher.window
    while (publisher.online && !this.#paused && !this.#stopped.signal.aborted && this.#inFlight.size < window) {
      const record = this.#buffer.shift()
      if (!record) break
      this.#send(record)
    }
    if (this.#buffer.length < FETCH / 2) this.#fetch()
  }

  #fetch(): void {
    const { journal, publisher } = this.#context
    if (this.#fetching || !publisher.online || this.#paused || this.#stopped.signal.aborted) return
    if (this.#fetched >= journal.lastSeq) {
      if (this.#inFlight.size === 0 && this.#buffer.length === 0) void this.#retryParked()
      return
    }
    this.#fetching = true
    const connection = this.#connection
    const from = this.#fetched
    journal
      .tail(from, FETCH)
      .then(({ records, through }) => {
        this.#fetching = false
        // A restart meanwhile moved the place to read from.
        if (connection === this.#connection && from === this.#fetched) this.#take(records, from, through)
        this.#pump()
      })
      .catch((error: unknown) => {
        this.#fetching = false
        this.#context.log.error('Journal cannot be read for sending', { event: 'outbox-stalled', reason: messageOf(error) })
      })
  }

  #take(records: readonly OutboundRecord[], from: number, through: number): void {
    let previous = from
    for (const record of records) {
      // Numbers the journal leaves out are parked: they hold nobody up.
      this.#watermark.pass(previous + 1, record.seq - 1)
      if (!this.#watermark.isDone(record.seq)) this.#buffer.push(record)
      previous = record.seq
    }
    this.#watermark.pass(previous + 1, through)
    this.#fetched = through
  }

  #send(record: OutboundRecord): void {
    const { seq } = record
    const connection = this.#connection
    this.#inFlight.add(seq)
    const attempt = (this.#attempts.get(seq) ?? 0) + 1
    const payload = payloadOf(record, attempt, attempt > 1 || seq <= this.#delayedUpTo)
    this.#context.publisher.publish(record, payload).then(
      () => this.#delivered(seq, connection),
      (error: unknown) => this.#refused(seq, connection, error),
    )
  }

  #delivered(seq: number, connection: number): void {
    // An acknowledgement is one, even when the connection has ended since.
    this.#watermark.done(seq)
    this.#attempts.delete(seq)
    this.#refusals.delete(seq)
    if (connection !== this.#connection) return
    this.#inFlight.delete(seq)
    this.#pump()
  }

  #refused(seq: number, connection: number, error: unknown): void {
    if (connection !== this.#connection || this.#stopped.signal.aborted) return
    if (!(error instanceof PublishError)) throw error
    // offline() follows and puts everything in flight back.
    if (error.code === 'publish-offline') return
    this.#inFlight.delete(seq)
    const refusals = (this.#refusals.get(seq) ?? 0) + 1
    this.#refusals.set(seq, refusals)
    const patience = error.reasonCode === QUOTA_EXCEEDED ? Infinity : MAX_REFUSALS
    if (error.disposal === 'park' || refusals >= patience) void this.#park(seq, error.code, error.message)
    else void this.#pause(error)
  }

  /** Waits, then begins again behind the watermark, so that the refused record keeps its place. */
  async #pause(error: PublishError): Promise<void> {
    if (this.#paused) return
    this.#paused = true
    const ms = this.#pauses.next().value
    this.#context.log.warn('Broker refused a record for now', { event: 'publish-refused', reason: error.message, retryInMs: ms })
    await this.#context.clock.sleep(ms, this.#stopped.signal)
    this.#paused = false
    this.#connection += 1
    this.#restart()
    this.#pump()
  }

  async #park(seq: number, code: ErrorCode, reason: string): Promise<void> {
    const { journal, clock, log } = this.#context
    const record = await journal.get(seq)
    await journal.park({ seq, code, reason, wall: clock.now().wall })
    this.#watermark.done(seq)
    this.#refusals.delete(seq)
    this.#attempts.delete(seq)
    const id = record && idOf(record)
    log.error('Record parked', { event: 'record-parked', record: id, code, reason, hint: 'punchd backlog' })
    // A parked report of a parked record would breed for ever.
    if (record && record.channel !== 'record-parked') {
      await journal.append({
        kind: 'audit',
        channel: 'record-parked',
        moment: clock.now(),
        fields: { reader: null, place: null, type: 'record-parked', subject: id, detail: { code, reason } },
      })
    }
    this.#pump()
  }

  /** On every connection, once nothing waits: what was set aside is offered again, one at a time. */
  async #retryParked(): Promise<void> {
    if (this.#retryingParked || this.#parkedTriedAt === this.#connection) return
    this.#retryingParked = true
    this.#parkedTriedAt = this.#connection
    const connection = this.#connection
    for (const parked of await this.#context.journal.parked(1_000)) {
      if (connection !== this.#connection) break
      // It broke connections: only a person sends it again.
      if (parked.code === 'publish-unconfirmed') continue
      const failed = await this.retry(parked).then(() => undefined, messageOf)
      if (failed !== undefined) this.#context.log.debug('Parked record refused again', { record: parked.id, reason: failed })
    }
    this.#retryingParked = false
  }
  #parkedTriedAt = 0
}

/** The JSON of a record with how it travels. */
function payloadOf(record: OutboundRecord, attempt: number, delayed: boolean): string {
  return `${record.body},"delivery":{"attempt":${attempt},"delayed":${delayed}}}`
}

function idOf(record: OutboundRecord): string {
  return String((JSON.parse(`${record.body}}`) as { id: unknown }).id)
}
