/**
 * Settling by the consumer's receipts: an acknowledgement of the broker only frees the window. What was published and
 * not received is offered again, what is asked for is sent again, and nothing is believed that cannot be true.
 */
import type { ParkedRecord } from '../journal/journal.js'
import type { OutboxContext } from '../outbound.js'
import { Watermark } from '../watermark.js'
import { Gaps } from './gaps.js'
import { Ranges } from './ranges.js'
import { Refusals } from './refusals.js'
import { Replay } from './replay.js'
import { MOST_RANGES, readReceipt, type Incoming, type Receipt } from './text.js'

/** A consumer that says nothing is offered again what it lacks after this … */
const SILENT_MS = 600_000
/** … and then as often as this. */
const STILL_SILENT_MS = 3_600_000
/** A connection that comes and goes must not make a storm. */
const SPACING_MS = 60_000
/** The receipt for one piece calls for the next, unless more receipts show that it has that too. */
const PIECE = 10_000
const NEXT_PIECE_MS = 5_000
const TICK_MS = 5_000

/** The part of the outbox that settling by receipts needs. */
export interface Sent {
  /** Everything up to here was taken by the broker or parked. */
  readonly through: () => number
  /** Taken beyond that. */
  readonly ahead: () => number
  /** Newest record that was handed to the publisher. */
  readonly newest: () => number
  readonly pump: () => void
  readonly retry: (parked: ParkedRecord) => Promise<void>
}

export class Receipts {
  readonly #context: OutboxContext
  readonly #sent: Sent
  readonly #journalId: string
  readonly #signal: AbortSignal
  readonly #watermark: Watermark
  readonly #refusals: Refusals
  readonly replay: Replay
  /** Parked, and not settled: they wait for nobody's receipt. */
  readonly #parked = new Ranges()
  /** Newest record when this process began: an earlier one may have sent it. */
  readonly #atStart: number
  /** The consumer says that it has all up to here; some of it may still be on its way to us as acknowledgements. */
  #claimed = 0
  /** Uptime of the last receipt that was believed. */
  #heardAt: number
  #watching = false
  #nextOffer = 0
  #lastOffer = -Infinity
  /** Offered last: this piece, of all up to there. */
  #pieceEnd = 0
  #goal = 0

  constructor(context: OutboxContext, journalId: string, sent: Sent, signal: AbortSignal) {
    this.#context = context
    this.#journalId = journalId
    this.#sent = sent
    this.#signal = signal
    this.#atStart = context.journal.lastSeq
    this.#heardAt = context.clock.uptime()
    this.#watermark = new Watermark(context.settled, context.clock, (seq) => context.journal.settle(seq), signal)
    this.#refusals = new Refusals(context, journalId)
    const gaps = new Gaps({ context, journalId, retry: sent.retry })
    const gap = (from: number, to: number): void => gaps.found(from, to)
    this.replay = new Replay(context, { ready: sent.pump, gap }, signal)
  }

  /** Received by the consumer, with all before it. */
  get settled(): number {
    return this.#watermark.seq
  }

  /** Records without a receipt, parked ones not counted. */
  get waiting(): number {
    return this.#context.journal.lastSeq - this.settled - this.#parked.size
  }

  /** Those of them that the broker has taken. */
  get unreceipted(): number {
    return this.#sent.through() + this.#sent.ahead() - this.settled - this.#parked.size
  }

  /** Receipts that were not believed. */
  get refused(): number {
    return this.#refusals.count
  }

  /** The broker took something more. */
  published(): void {
    this.#settle()
    if (this.#watching || this.unreceipted <= 0) return
    this.#nextOffer = this.#context.clock.uptime() + SILENT_MS
    void this.#watch()
  }

  /** These were set aside. */
  parked(from: number, to: number): void {
    if (to > this.settled) this.#parked.add(Math.max(from, this.settled + 1), to)
  }

  /** One that was set aside was taken after all: now it waits for its receipt. */
  unparked(seq: number): void {
    this.#parked.remove(seq, seq)
  }

  /** A connection came, perhaps to a broker that forgot everything. */
  online(): void {
    this.#nextOffer = Math.max(this.#context.clock.uptime(), this.#lastOffer + SPACING_MS)
    this.#offerIfDue()
  }

  /** A message on the topic of receipts. */
  take(incoming: Incoming): void {
    const sent = Math.max(this.#sent.newest(), this.#atStart)
    const receipt = readReceipt(incoming, { journal: this.#journalId, sent })
    if (!('refused' in receipt)) return this.#believe(receipt)
    // The broker kept it from the time of an earlier journal: nobody is wrong.
    if (receipt.refused === 'other-journal' && incoming.retained) return
    this.#refusals.say(receipt.refused, receipt.reason)
  }

  #believe({ upTo, missing, clamped }: Receipt): void {
    // point: receipts.believed
    this.#heardAt = this.#context.clock.uptime()
    if (upTo !== undefined) this.#claimed = Math.max(this.#claimed, upTo)
    this.#settle()
    if (clamped !== undefined) this.#refusals.say('clamped', clamped)
    // Those not sent yet are on their way.
    const through = this.#sent.through()
    for (const [from, to] of missing) {
      if (this.replay.pieces >= MOST_RANGES) {
        this.#refusals.say('clamped', 'earlier requests are still being answered: ask again later')
        break
      }
      if (from <= through) this.replay.ask(from, Math.min(to, through))
    }
    if (missing.length > 0) this.#sent.pump()
  }

  /** What the consumer claims and the broker took is settled. */
  #settle(): void {
    const before = this.settled
    const seq = Math.min(this.#claimed, this.#sent.through())
    if (seq <= before) return
    // point: receipts.before-settle
    this.#watermark.pass(before + 1, seq)
    // point: receipts.settled
    this.#parked.remove(1, seq)
    this.replay.settled(seq)
    const pieceDone = seq >= this.#pieceEnd && seq < this.#goal
    this.#nextOffer = this.#context.clock.uptime() + (pieceDone ? NEXT_PIECE_MS : SILENT_MS)
  }

  /** While something is without a receipt. */
  async #watch(): Promise<void> {
    this.#watching = true
    while (!this.#signal.aborted && this.unreceipted > 0) {
      await this.#context.clock.sleep(TICK_MS, this.#signal)
      this.#offerIfDue()
    }
    this.#watching = false
  }

  #offerIfDue(): void {
    const { clock, publisher, log } = this.#context
    const now = clock.uptime()
    if (now < this.#nextOffer || !publisher.online || this.#signal.aborted) return
    const through = this.#sent.through()
    this.#nextOffer = now + STILL_SILENT_MS
    if (through <= this.settled) return
    this.#lastOffer = now
    this.#goal = through
    this.#pieceEnd = Math.min(through, this.settled + PIECE)
    const offered = { event: 'offered-again', from: this.settled + 1, to: this.#pieceEnd }
    const hint = 'does a consumer send receipts, and may this gateway read P/receipt on the broker?'
    if (now - this.#heardAt < SILENT_MS) log.info('Records without a receipt are sent again', offered)
    else log.warn('No receipts come: records are sent again', { ...offered, hint })
    this.replay.offer(this.settled + 1, this.#pieceEnd)
    this.#sent.pump()
  }

  /** Writes down how far it came. */
  flush(): Promise<void> {
    return this.#watermark.flush()
  }
}
