/** The records that are to be sent next, read from the journal in pieces. */
import { messageOf } from './errors.js'
import type { OutboundRecord } from './journal/journal.js'
import type { OutboxContext } from './outbound.js'

const FETCH = 256

export interface TailEvents {
  readonly isDone: (seq: number) => boolean
  /** The journal leaves these out: they are parked and hold nobody up. */
  readonly skipped: (from: number, to: number) => void
  /** More is there. */
  readonly ready: () => void
}

export class Tail {
  readonly #context: OutboxContext
  readonly #events: TailEvents
  #buffer: OutboundRecord[] = []
  /** Everything up to here was read. */
  #fetched: number
  #fetching = false
  /** Counts restarts: what was asked for before one is not wanted any more. */
  #round = 0

  constructor(context: OutboxContext, events: TailEvents) {
    this.#context = context
    this.#events = events
    this.#fetched = context.settled
  }

  /** Begins again behind `seq`. */
  restart(seq: number): void {
    this.#round += 1
    this.#buffer = []
    this.#fetched = seq
  }

  next(): OutboundRecord | undefined {
    return this.#buffer.shift()
  }

  /** Nothing is here to be sent; more may be on the disk. */
  get empty(): boolean {
    return this.#buffer.length === 0
  }

  /** All that is stored was read. */
  get atEnd(): boolean {
    return this.#fetched >= this.#context.journal.lastSeq
  }

  /** Reads on, when little is left. */
  refill(): void {
    const { journal, log } = this.#context
    if (this.#fetching || this.#buffer.length >= FETCH / 2 || this.atEnd) return
    this.#fetching = true
    const round = this.#round
    const from = this.#fetched
    journal
      .tail(from, FETCH)
      .then(({ records, through }) => {
        // point: outbox.read-ahead
        this.#fetching = false
        if (round === this.#round) this.#take(records, from, through)
        this.#events.ready()
      })
      .catch((error: unknown) => {
        this.#fetching = false
        log.error('Journal cannot be read for sending', { event: 'outbox-stalled', reason: messageOf(error) })
      })
  }

  #take(records: readonly OutboundRecord[], from: number, through: number): void {
    let previous = from
    for (const record of records) {
      this.#skip(previous + 1, record.seq - 1)
      if (!this.#events.isDone(record.seq)) this.#buffer.push(record)
      previous = record.seq
    }
    this.#skip(previous + 1, through)
    this.#fetched = through
  }

  #skip(from: number, to: number): void {
    if (from <= to) this.#events.skipped(from, to)
  }
}
