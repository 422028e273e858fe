/**
 * The pump: the unsettled tail of the journal, oldest first, a window in flight, only while connected.
 * It owns no queue: after any doubt it starts again behind the watermark.
 */
import { messageOf, PublishError, type ErrorCode } from './errors.js'
import type { OutboundRecord, ParkedRecord } from './journal/journal.js'
import { payloadOf, type OutboxContext, type ReceiptFigures } from './outbound.js'
import { Parked } from './parked.js'
import { Patience } from './patience.js'
import { Receipts } from './receipts/receipts.js'
import type { Incoming } from './receipts/text.js'
import { CONNECTIONS_LOST, Suspects } from './suspects.js'
import { Tail } from './tail.js'
import { Watermark } from './watermark.js'

export type { OutboxContext, OutboxJournal, Publisher } from './outbound.js'

export class Outbox {
  readonly #context: OutboxContext
  /** How far the broker has taken records. */
  readonly #watermark: Watermark
  /** Only where receipts settle. */
  readonly #receipts: Receipts | undefined
  readonly #inFlight = new Set<number>()
  /** Sends so far of records that were sent and not acknowledged. */
  readonly #attempts = new Map<number, number>()
  readonly #patience = new Patience()
  readonly #tail: Tail
  /** Counts connections: what an earlier one still has to say is ignored. */
  #connection = 0
  #settledAtConnect: number
  /** The broker refused a record on this connection: it is alive, and what ends it may be that refusal. */
  #refusedSome = false
  /** Records up to here were waiting when the connection came: late, not live. */
  #delayedUpTo = 0
  /** Newest record that was ever handed to the publisher. */
  #newest = 0
  readonly #suspects = new Suspects()
  #paused = false
  readonly #parked: Parked
  readonly #stopped = new AbortController()

  constructor(context: OutboxContext) {
    this.#context = context
    const { journal, journalOfReceipts } = context
    this.#parked = new Parked(context, this.#stopped.signal, (seq) => this.#receipts?.unparked(seq))
    this.#tail = new Tail(context, {
      isDone: (seq) => this.#watermark.isDone(seq),
      skipped: (from, to) => {
        this.#watermark.pass(from, to)
        this.#receipts?.parked(from, to)
      },
      ready: () => this.#pump(),
    })
    this.#settledAtConnect = context.settled
    this.#watermark = new Watermark(
      context.settled,
      context.clock,
      journalOfReceipts === undefined ? (seq) => journal.settle(seq) : () => Promise.resolve(),
      this.#stopped.signal,
    )
    this.#receipts = journalOfReceipts === undefined ? undefined : this.#receiptsOf(journalOfReceipts)
  }

  #receiptsOf(journalId: string): Receipts {
    const sent = {
      through: () => this.#watermark.seq,
      ahead: () => this.#watermark.ahead,
      newest: () => this.#newest,
      pump: () => this.#pump(),
      retry: (parked: ParkedRecord) => this.#parked.retry(parked),
    }
    return new Receipts(this.#context, journalId, sent, this.#stopped.signal)
  }

  /** Newest record that, with all before it, is settled. */
  get settled(): number {
    return this.#receipts?.settled ?? this.#watermark.seq
  }

  /** Records that are not settled, parked ones not counted. */
  get waiting(): number {
    return this.#receipts?.waiting ?? this.unsent
  }

  /** Records that the broker has not taken, parked ones not counted. */
  get unsent(): number {
    return this.#context.journal.lastSeq - this.#watermark.seq - this.#watermark.ahead
  }

  /** How it stands with receipts, where they settle. */
  get receipts(): ReceiptFigures | undefined {
    const receipts = this.#receipts
    if (!receipts) return undefined
    const { unreceipted, refused, replay } = receipts
    return { publishedThrough: this.#watermark.seq, unreceipted, sendingAgain: replay.size, refused }
  }

  /** The consumer says something. */
  receipt(incoming: Incoming): void {
    this.#receipts?.take(incoming)
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
    this.#receipts?.online()
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
    const reason = `the broker closed ${CONNECTIONS_LOST} connections in a row without acknowledging this record`
    for (const seq of [culprit, this.#receipts?.replay.offline(deaf)])
      if (seq !== undefined) void this.#park(seq, 'publish-unconfirmed', reason)
  }

  /** Writes the last watermark; nothing is sent any more. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await (this.#receipts ?? this.#watermark).flush().catch((error: unknown) => {
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
    this.#tail.restart(this.#watermark.seq)
  }

  #pump(): void {
    const { publisher } = this.#context
    if (!publisher.online || this.#paused || this.#stopped.signal.aborted) return
    const window = this.#suspects.travelAlone(this.#watermark.seq) ? 1 : publisher.window
    const replay = this.#receipts?.replay
    const limit = replay?.busy ? shareOf(window, replay.inFlight) : window
    while (this.#inFlight.size < limit && publisher.online) {
      const record = this.#tail.next()
      if (!record) break
      this.#send(record)
    }
    this.#tail.refill()
    const idle = this.#inFlight.size === 0 && this.#tail.empty
    if (idle && this.#tail.atEnd) void this.#parked.offer()
    if (replay?.busy) replay.pump(roomFor(window, this.#inFlight.size, idle) - replay.inFlight, idle)
  }

  #send(record: OutboundRecord): void {
    const { seq } = record
    const connection = this.#connection
    this.#inFlight.add(seq)
    if (seq > this.#newest) this.#newest = seq
    const attempt = (this.#attempts.get(seq) ?? 0) + 1
    const payload = payloadOf(record, attempt, attempt > 1 || seq <= this.#delayedUpTo)
    this.#context.publisher.publish(record, payload).then(
      () => this.#delivered(seq, connection),
      (error: unknown) => this.#refused(seq, connection, error),
    )
  }

  #delivered(seq: number, connection: number): void {
    // An acknowledgement is one, even when the connection has ended since.
    // point: outbox.delivered
    this.#watermark.done(seq)
    this.#receipts?.published()
    this.#attempts.delete(seq)
    this.#patience.taken(seq)
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
    if (this.#patience.ends(seq, error)) void this.#park(seq, error.code, error.message)
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
    await this.#context.clock.sleep(this.#patience.nextPause(), this.#stopped.signal)
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
    this.#receipts?.parked(seq, seq)
    this.#patience.gone(seq)
    this.#attempts.delete(seq)
    await this.#parked.report(seq, code, reason)
    this.#pump()
  }
}

/** Of the window for new records, while others are sent again: none waits for ever. */
function shareOf(window: number, again: number): number {
  return Math.max(1, window - Math.max(again, window > 1 ? (window >> 2) + 1 : 0))
}

/** And for those that are sent again: one place is kept for a punch that is made now. */
function roomFor(window: number, inFlight: number, idle: boolean): number {
  if (window === 1) return idle ? 1 : 0
  return window - inFlight - 1
}
