/** What the outbox needs: who takes records away, and the journal it takes them from. */
import type { Clock } from './clock.js'
import type { Logger } from './driver.js'
import type { Draft, OutboundRecord, ParkedRecord } from './journal/journal.js'
import type { ParkOrder } from './journal/protocol.js'

/** Who takes records away. */
export interface Publisher {
  readonly online: boolean
  /** Publishes in flight at most; may change at any time. */
  readonly window: number
  /** Resolves when the far side has taken the record; rejects with PublishError. `payload` is its JSON in UTF-8. */
  publish(record: OutboundRecord, payload: Buffer): Promise<void>
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
  /** Where the consumer's receipts settle: the id of the journal that they must name. */
  readonly journalOfReceipts?: string | undefined
}

/** How it stands with receipts. */
export interface ReceiptFigures {
  /** Newest record that, with all before it, was taken by the broker. */
  readonly publishedThrough: number
  /** Taken by the broker, and without a receipt. */
  readonly unreceipted: number
  /** Waiting to be sent again. */
  readonly sendingAgain: number
  /** Receipts that were not believed. */
  readonly refused: number
}

/** The JSON of a record with how it travels, in UTF-8. */
export function payloadOf(record: OutboundRecord, attempt: number, delayed: boolean): Buffer {
  return Buffer.concat([record.body, deliveryOf(attempt, delayed)])
}

/** Nearly all travel for the first time. */
const FIRST = { live: deliveryBytes(1, false), delayed: deliveryBytes(1, true) }

function deliveryOf(attempt: number, delayed: boolean): Buffer {
  if (attempt > 1) return deliveryBytes(attempt, delayed)
  return delayed ? FIRST.delayed : FIRST.live
}

function deliveryBytes(attempt: number, delayed: boolean): Buffer {
  return Buffer.from(`,"delivery":{"attempt":${attempt},"delayed":${delayed}}}`)
}

/** The id in its body. */
export function idOf(record: OutboundRecord): string {
  return String((JSON.parse(`${record.body.toString()}}`) as { id: unknown }).id)
}
