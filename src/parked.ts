/** Records that were set aside: written down, reported, and offered again. */
import { messageOf, PublishError, type ErrorCode } from './errors.js'
import type { ParkedRecord } from './journal/journal.js'
import { idOf, payloadOf, type OutboxContext } from './outbound.js'
import { HELD } from './people.js'
import { pauses } from './retry.js'

/** Not again sooner: some brokers (Mosquitto 2.0.11) close the connection after a refusal, and the next would follow. */
const OFFER_PAUSES = { firstMs: 60_000, maxMs: 3_600_000 }
/** So many are offered again on one connection. */
const OFFERED = 1_000

export class Parked {
  readonly #context: OutboxContext
  /** On this connection they were offered already. */
  #offered = true
  /** Uptime before which they are not offered again. */
  #nextOffer = 0
  #pauses = pauses(OFFER_PAUSES)
  /** Set aside on this connection: it has had its say about them. */
  readonly #fresh = new Set<number>()
  /** Refused again when they were offered: next time the others come first. */
  readonly #stubborn = new Set<number>()
  #waiting = false
  readonly #signal: AbortSignal
  readonly #onDelivered: (seq: number) => void

  constructor(context: OutboxContext, signal: AbortSignal, onDelivered: (seq: number) => void) {
    this.#context = context
    this.#signal = signal
    this.#onDelivered = onDelivered
  }

  /** Sets a record aside; rejects when the journal cannot write that down. */
  async add(seq: number, code: ErrorCode, reason: string): Promise<void> {
    const { journal, clock } = this.#context
    // point: parked.before-park
    await journal.park({ seq, code, reason, wall: clock.now().wall })
    // point: parked.parked
    this.#fresh.add(seq)
  }

  /** Tells operators, in the log and by a record of its own. */
  async report(seq: number, code: ErrorCode, reason: string): Promise<void> {
    const { journal, clock, log } = this.#context
    try {
      const record = await journal.get(seq)
      const id = record && idOf(record)
      log.error('Record parked', { event: 'record-parked', record: id, code, reason, hint: 'punchd backlog' })
      // A parked report of a parked record would breed for ever.
      if (!record || record.channel === 'record-parked') return
      const fields = { reader: null, place: null, type: 'record-parked', subject: id, detail: { code, reason } }
      await journal.append({ kind: 'audit', channel: 'record-parked', moment: clock.now(), fields })
    } catch (error) {
      log.error('Parked record not reported', { event: 'audit-failed', seq, reason: messageOf(error) })
    }
  }

  /** Sends one now. Resolves when it was taken; rejects with PublishError when it was refused again. */
  async retry(parked: ParkedRecord): Promise<void> {
    const { journal, publisher, log } = this.#context
    const record = await journal.get(parked.seq)
    if (!record) return
    if (!publisher.online) throw new PublishError('retry', 'publish-offline', 'not connected to the broker')
    await publisher.publish(record, payloadOf(record, 2, true))
    // point: parked.before-unpark
    await journal.unpark(parked.seq)
    // point: parked.unparked
    this.#onDelivered(parked.seq)
    log.info('Parked record delivered', { event: 'record-delivered', record: parked.id })
  }

  /** A connection is there. */
  connected(): void {
    this.#offered = false
    this.#fresh.clear()
  }

  /** Once on every connection, when nothing else waits: all are offered again, one at a time. */
  async offer(): Promise<void> {
    const { clock, log } = this.#context
    if (this.#offered || this.#signal.aborted) return
    if (clock.uptime() < this.#nextOffer) return this.#offerLater()
    this.#offered = true
    try {
      const failed = await this.#offerAll()
      if (failed) this.#nextOffer = clock.uptime() + this.#pauses.next().value
      else this.#pauses = pauses(OFFER_PAUSES)
    } catch (error) {
      log.error('Journal cannot be read for sending', { event: 'outbox-stalled', reason: messageOf(error) })
    }
  }

  async #offerLater(): Promise<void> {
    if (this.#waiting) return
    this.#waiting = true
    await this.#context.clock.sleep(this.#nextOffer - this.#context.clock.uptime(), this.#signal)
    this.#waiting = false
    if (this.#context.publisher.online) await this.offer()
  }

  /** True when one was not taken. */
  async #offerAll(): Promise<boolean> {
    const { journal, publisher, log } = this.#context
    let failed = false
    const all = await journal.parked(OFFERED)
    const last = (parked: ParkedRecord): number => Number(this.#stubborn.has(parked.seq))
    for (const parked of all.sort((a, b) => last(a) - last(b))) {
      if (this.#fresh.has(parked.seq) || waitsForPeople(parked)) continue
      if (!publisher.online) return true
      const reason = await this.retry(parked).then(() => undefined, messageOf)
      this.#stubborn.delete(parked.seq)
      if (reason === undefined) continue
      this.#stubborn.add(parked.seq)
      failed = true
      log.debug('Parked record refused again', { record: parked.id, reason })
    }
    return failed
  }
}

/** It broke connections, or is held: only a person sends it again, neither a new connection nor a consumer's wish. */
export function waitsForPeople({ code }: ParkedRecord): boolean {
  return code === 'publish-unconfirmed' || code === HELD
}
