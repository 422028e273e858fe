/** Sends records again from the journal, beside the new ones: what a consumer asks for, and what it never received. */
import { messageOf, PublishError } from '../errors.js'
import type { OutboundRecord } from '../journal/journal.js'
import { payloadOf, type OutboxContext } from '../outbound.js'
import { pauses } from '../retry.js'
import { Suspects } from '../suspects.js'
import { Attempts } from './attempts.js'
import { Ranges, type Range } from './ranges.js'

const FETCH = 256
/** Refused this often in a row, a record is left out. */
const MAX_REFUSALS = 5
const REFUSAL_PAUSES = { firstMs: 1_000, maxMs: 300_000 }

export interface ReplayEvents {
  /** A slot came free, or there is something to send: the pump decides who may. */
  readonly ready: () => void
  /** The journal has no records with these numbers. */
  readonly gap: (from: number, to: number) => void
}

interface Flying {
  readonly record: OutboundRecord
  /** Asked for by name, and not only offered. */
  readonly asked: boolean
}

export class Replay {
  readonly #context: OutboxContext
  readonly #events: ReplayEvents
  readonly #signal: AbortSignal
  readonly #asked = new Ranges()
  readonly #offered = new Ranges()
  #buffer: Flying[] = []
  readonly #inFlight = new Map<number, Flying>()
  readonly #attempts = new Attempts()
  readonly #suspects = new Suspects()
  #connection = 0
  #fetching = false
  #paused = false
  /** The broker answered to one of ours on this connection. */
  #answered = false
  #pauses = pauses(REFUSAL_PAUSES)
  #refusals = 0

  constructor(context: OutboxContext, events: ReplayEvents, signal: AbortSignal) {
    this.#context = context
    this.#events = events
    this.#signal = signal
  }

  /** There is something to send, or on its way. */
  get busy(): boolean {
    return this.size > 0
  }

  /** Records that still are to be sent again. */
  get size(): number {
    return this.#asked.size + this.#offered.size + this.#buffer.length + this.#inFlight.size
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  get pieces(): number {
    return this.#asked.pieces
  }

  /** Sent again whatever became of them. */
  ask(from: number, to: number): void {
    this.#asked.add(from, to)
    this.#offered.remove(from, to)
  }

  /** Sent again unless a receipt comes first. */
  offer(from: number, to: number): void {
    this.#offered.add(from, to)
    for (const [first, last] of this.#asked.all()) this.#offered.remove(first, last)
  }

  /** A receipt came: what was only offered up to here is no longer due. */
  settled(seq: number): void {
    this.#offered.remove(1, seq)
    this.#buffer = this.#buffer.filter(({ asked, record }) => asked || record.seq > seq)
  }

  /** The connection ended. Returns the record that is to blame, when it is known. */
  offline(deaf: boolean): number | undefined {
    const culprit = this.#suspects.connectionEnded(new Set(this.#inFlight.keys()), deaf || this.#answered)
    this.#restart()
    return culprit
  }

  /** Sends what fits into `slots`; `alone`: nothing else is in flight or waits. */
  pump(slots: number, alone: boolean): void {
    if (this.#paused || this.#signal.aborted) return
    if (this.#suspects.travelAlone(0)) slots = alone && this.#inFlight.size === 0 ? 1 : 0
    while (slots-- > 0) {
      const next = this.#buffer.shift()
      if (!next) break
      this.#send(next)
    }
    if (this.#buffer.length < FETCH / 2) void this.#fetch()
  }

  #restart(): void {
    this.#connection += 1
    this.#answered = false
    for (const { record, asked } of [...this.#inFlight.values(), ...this.#buffer])
      (asked ? this.#asked : this.#offered).add(record.seq, record.seq)
    this.#inFlight.clear()
    this.#buffer = []
  }

  /** What was asked for comes first. */
  #next(): { range: Range; asked: boolean } | undefined {
    const asked = this.#asked.first
    if (asked) return { range: asked, asked: true }
    const offered = this.#offered.first
    return offered && { range: offered, asked: false }
  }

  async #fetch(): Promise<void> {
    const next = this.#next()
    if (this.#fetching || !next || !this.#context.publisher.online) return
    this.#fetching = true
    const { asked } = next
    const [from, to] = next.range
    const connection = this.#connection
    try {
      const limit = Math.min(FETCH, to - from + 1)
      const { records, through } = await this.#context.journal.tail(from - 1, limit)
      if (connection === this.#connection) this.#take(records, from, Math.min(through, to), asked)
    } catch (error) {
      this.#context.log.error('Journal cannot be read for sending again', {
        event: 'outbox-stalled',
        reason: messageOf(error),
      })
      return
    } finally {
      this.#fetching = false
    }
    this.#events.ready()
  }

  #take(records: readonly OutboundRecord[], from: number, through: number, asked: boolean): void {
    const queue = asked ? this.#asked : this.#offered
    let next = from
    for (const record of records) {
      if (record.seq > through) break
      if (asked && record.seq > next) this.#events.gap(next, record.seq - 1)
      next = record.seq + 1
      // A receipt may have come meanwhile.
      if (queue.has(record.seq)) this.#buffer.push({ record, asked })
    }
    if (asked && next <= through) this.#events.gap(next, through)
    queue.remove(from, through)
  }

  #send(flying: Flying): void {
    const { record } = flying
    const connection = this.#connection
    this.#inFlight.set(record.seq, flying)
    // point: replay.before-publish
    const payload = payloadOf(record, this.#attempts.next(record.seq), true)
    this.#context.publisher.publish(record, payload).then(
      () => this.#taken(record.seq, connection),
      (error: unknown) => this.#refused(flying, connection, error),
    )
  }

  #taken(seq: number, connection: number): void {
    if (connection !== this.#connection) return
    // point: replay.delivered
    this.#answered = true
    this.#pauses = pauses(REFUSAL_PAUSES)
    this.#refusals = 0
    this.#inFlight.delete(seq)
    this.#events.ready()
  }

  #refused(flying: Flying, connection: number, error: unknown): void {
    if (connection !== this.#connection || this.#signal.aborted) return
    if (!(error instanceof PublishError)) throw error
    // offline() follows and puts everything in flight back.
    if (error.code === 'publish-offline') return
    this.#answered = true
    const { seq } = flying.record
    this.#inFlight.delete(seq)
    const again = error.disposal === 'retry' && ++this.#refusals < MAX_REFUSALS
    if (!again) this.#refusals = 0
    const reason = error.message
    this.#context.log.warn('Broker refused a record that was sent again', { event: 'replay-refused', seq, reason })
    // Refused for good it is left out: it was taken once, and is offered or asked for again.
    if (again) (flying.asked ? this.#asked : this.#offered).add(seq, seq)
    if (again) void this.#pause()
    else this.#events.ready()
  }

  async #pause(): Promise<void> {
    if (this.#paused) return
    this.#paused = true
    await this.#context.clock.sleep(this.#pauses.next().value, this.#signal)
    this.#paused = false
    this.#restart()
    this.#events.ready()
  }
}
