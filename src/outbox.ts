/**
 * The pump: the unsettled tail of the journal, oldest first, a window in flight, only while connected.
 * It owns no queue: after any doubt it starts again behind the watermark.
 */
import { messageOf, PublishError, type ErrorCode } from './errors.js'
import type { OutboundRecord, ParkedRecord } from './journal/journal.js'
import { payloadOf, type OutboxContext } from './outbound.js'
import { Parked } from './parked.js'
import { pauses } from './retry.js'
import { CONNECTIONS_LOST, Suspects } from './suspects.js'
import { Watermark } from './watermark.js'

export type { OutboxContext, OutboxJournal, Publisher } from './outbound.js'

const FETCH = 256
/** A refused record that might pass later is tried this often before it is set aside. Quotas are waited for. */
const MAX_REFUSALS = 5
const QUOTA_EXCEEDED = 0x97
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
  /** The broker refused a record on this connection: it is alive, and what ends it may be that refusal. */
  #refusedSome = false
  /** Records up to here were waiting when the connection came: late, not live. */
  #delayedUpTo = 0
  readonly #suspects = new Suspects()
  #paused = false
  #pauses = pauses(REFUSAL_PAUSES)
  readonly #parked: Parked
  readonly #stopped = new AbortController()

  constructor(context: OutboxContext) {
    this.#context = context
    this.#parked = new Parked(context, this.#stopped.signal)
    this.#fetched = context.settled
    this.#settledAtConnect = context.settled
    this.#watermark = new Watermark(
      context.settled,
      context.clock,
      (seq) => context.journal.settle(seq),
      this.#stopped.signal,
    )
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
    this.#refusedSome = false
    this.#delayedUpTo = this.#context.journal.lastSeq
    this.#parked.connected()
    this.#restart()
    this.#pump()
  }

  /**
   * The connection ended: whatever was in flight is pending again. `deaf`: the broker answered nothing at all on it,
   * and did not end it; no record is to blame for that.
   */
  offline(deaf = false): void {
    const answered = deaf || this.#refusedSome || this.#watermark.seq > this.#settledAtConnect
    const culprit = this.#suspects.connectionEnded(this.#inFlight, answered)
    this.#connection += 1
    this.#restart()
    if (culprit === undefined) return
    const reason = `the broker closed ${CONNECTIONS_LOST} connections in a row without acknowledging this record`
    void this.#park(culprit, 'publish-unconfirmed', reason)
  }

  /** Writes the last watermark; nothing is sent any more. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#watermark.flush().catch((error: unknown) => {
      // A full disk: the records up to it are sent again after the next start.
      this.#context.log.warn('Watermark not written', { event: 'watermark-failed', reason: messageOf(error) })
    })
  }

  /** Sends one parked record now. Resolves when it was taken; rejects with PublishError when it was refused again. */
  retry(parked: ParkedRecord): Promise<void> {
    return this.#parked.retry(parked)
  }

  #restart(): void {
    for (const seq of this.#inFlight) this.#attempts.set(seq, (this.#attempts.get(seq) ?? 0) + 1)
    this.#inFlight.clear()
    this.#buffer = []
    this.#fetched = this.#watermark.seq
  }

  #pump(): void {
    const { publisher } = this.#context
    const window = this.#suspects.travelAlone(this.#watermark.seq) ? 1 : publisher.window
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
      if (this.#inFlight.size === 0 && this.#buffer.length === 0) void this.#parked.offer()
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
        this.#context.log.error('Journal cannot be read for sending', {
          event: 'outbox-stalled',
          reason: messageOf(error),
        })
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
    // The broker takes again what it refused: the next refusal begins with a short pause.
    if (this.#refusals.delete(seq)) this.#pauses = pauses(REFUSAL_PAUSES)
    if (connection !== this.#connection) return
    this.#inFlight.delete(seq)
    this.#pump()
  }

  #refused(seq: number, connection: number, error: unknown): void {
    if (connection !== this.#connection || this.#stopped.signal.aborted) return
    if (!(error instanceof PublishError)) throw error
    // offline() follows and puts everything in flight back.
    if (error.code === 'publish-offline') return
    this.#refusedSome = true
    this.#inFlight.delete(seq)
    const refusals = (this.#refusals.get(seq) ?? 0) + 1
    this.#refusals.set(seq, refusals)
    const patience = error.reasonCode === QUOTA_EXCEEDED ? Infinity : MAX_REFUSALS
    if (error.disposal === 'park' || refusals >= patience) void this.#park(seq, error.code, error.message)
    else {
      const reason = error.message
      this.#context.log.warn('Broker refused a record for now', { event: 'publish-refused', reason })
      void this.#pause()
    }
  }

  /** Waits, then begins again behind the watermark, so that the refused record keeps its place. */
  async #pause(): Promise<void> {
    if (this.#paused) return
    this.#paused = true
    await this.#context.clock.sleep(this.#pauses.next().value, this.#stopped.signal)
    this.#paused = false
    this.#connection += 1
    this.#restart()
    this.#pump()
  }

  async #park(seq: number, code: ErrorCode, reason: string): Promise<void> {
    try {
      await this.#parked.add(seq, code, reason)
    } catch (error) {
      // As on a full disk: it keeps its place.
      this.#context.log.error('Record not parked', { event: 'outbox-stalled', seq, reason: messageOf(error) })
      return this.#pause()
    }
    this.#watermark.done(seq)
    this.#refusals.delete(seq)
    this.#attempts.delete(seq)
    await this.#parked.report(seq, code, reason)
    this.#pump()
  }
}
