/** A publisher that does what the test says, and the journal as the outbox sees it, without a thread. */
import { PublishError } from '../../src/errors.js'
import type { Draft, Journal, OutboundRecord } from '../../src/journal/journal.js'
import type { OutboxJournal, Publisher } from '../../src/outbox.js'

/** One publish that waits for its acknowledgement. */
export interface Flight {
  readonly seq: number
  readonly record: OutboundRecord
  readonly delivery: { readonly attempt: number; readonly delayed: boolean }
  readonly ack: () => void
  readonly fail: (error: Error) => void
}

/** What happens to a record at once; `wait`: the test decides later. */
export type Fate = 'ack' | 'wait' | PublishError

export class ScriptedPublisher implements Publisher {
  online = false
  window = 64
  /** By default the test acknowledges each publish itself. */
  fate: (record: OutboundRecord) => Fate = () => 'wait'
  /** Every publish so far, in order. */
  readonly sent: Flight[] = []
  /** Most publishes that ever waited together. */
  mostInFlight = 0
  readonly #waiting = new Map<Flight, (error: PublishError) => void>()

  publish(record: OutboundRecord, payload: Buffer): Promise<void> {
    if (!this.online) return Promise.reject(offlineError())
    return new Promise((resolve, reject) => {
      const { delivery } = JSON.parse(payload.toString()) as Pick<Flight, 'delivery'>
      const settle = (): boolean => this.#waiting.delete(flight)
      const flight: Flight = {
        seq: record.seq,
        record,
        delivery,
        ack: () => settle() && resolve(),
        fail: (error) => settle() && reject(error),
      }
      this.sent.push(flight)
      this.#waiting.set(flight, reject)
      this.mostInFlight = Math.max(this.mostInFlight, this.#waiting.size)
      const fate = this.fate(record)
      if (fate === 'ack') flight.ack()
      else if (fate !== 'wait') flight.fail(fate)
    })
  }

  /** Publishes that wait now, in the order in which they were sent. */
  get waiting(): Flight[] {
    return [...this.#waiting.keys()]
  }
  get seqs(): number[] {
    return this.sent.map(({ seq }) => seq)
  }

  /** The connection ends: all that waits fails. */
  drop(): void {
    this.online = false
    for (const flight of this.waiting) flight.fail(offlineError())
  }
}

function offlineError(): PublishError {
  return new PublishError('retry', 'publish-offline', 'the connection ended')
}

/** A real journal behind the promises of its thread; `broken` makes writes fail as a full disk does. */
export class DirectJournal implements OutboxJournal {
  readonly journal: Journal
  broken: Error | undefined
  /** Watermarks written. */
  readonly marks: number[] = []
  onAppend: (() => void) | undefined

  constructor(journal: Journal) {
    this.journal = journal
  }
  get lastSeq(): number {
    return this.journal.lastSeq
  }
  tail = async (after: number, limit: number) => this.journal.tail(after, limit)
  get = async (seq: number) => this.journal.get(seq)
  parked = async (limit: number) => this.journal.parked(limit)
  settle = async (seq: number): Promise<void> => {
    if (this.broken) throw this.broken
    this.marks.push(seq)
    this.journal.settle(seq)
  }
  park = async ({ seq, code, reason, wall }: Parameters<OutboxJournal['park']>[0]): Promise<void> => {
    if (this.broken) throw this.broken
    this.journal.park(seq, code, reason, wall)
  }
  unpark = async (seq: number): Promise<void> => {
    if (this.broken) throw this.broken
    this.journal.unpark(seq)
  }
  append = async (draft: Draft): Promise<void> => {
    if (this.broken) throw this.broken
    this.journal.append([draft])
    this.onAppend?.()
  }
}
