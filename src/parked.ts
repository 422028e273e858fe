/** Records that were set aside: written down, reported, and offered again. */
import { messageOf, PublishError, type ErrorCode } from './errors.js'
import type { ParkedRecord } from './journal/journal.js'
import { idOf, payloadOf, type OutboxContext } from './outbound.js'

/** So many are offered again on one connection. */
const OFFERED = 1_000

export class Parked {
  readonly #context: OutboxContext
  /** On this connection they were offered already. */
  #offered = true
  /** Set aside on this connection: it has had its say about them. */
  readonly #fresh = new Set<number>()

  constructor(context: OutboxContext) {
    this.#context = context
  }

  /** Sets a record aside; rejects when the journal cannot write that down. */
  async add(seq: number, code: ErrorCode, reason: string): Promise<void> {
    const { journal, clock } = this.#context
    await journal.park({ seq, code, reason, wall: clock.now().wall })
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
    await journal.unpark(parked.seq)
    log.info('Parked record delivered', { event: 'record-delivered', record: parked.id })
  }

  /** A connection is there. */
  connected(): void {
    this.#offered = false
    this.#fresh.clear()
  }

  /** Once on every connection, when nothing else waits: all are offered again, one at a time. */
  async offer(): Promise<void> {
    if (this.#offered) return
    this.#offered = true
    const { journal, publisher, log } = this.#context
    try {
      for (const parked of await journal.parked(OFFERED)) {
        if (!publisher.online) return
        // It broke connections: only a person sends it again.
        if (this.#fresh.has(parked.seq) || parked.code === 'publish-unconfirmed') continue
        const failed = await this.retry(parked).then(() => undefined, messageOf)
        if (failed !== undefined) log.debug('Parked record refused again', { record: parked.id, reason: failed })
      }
    } catch (error) {
      log.error('Journal cannot be read for sending', { event: 'outbox-stalled', reason: messageOf(error) })
    }
  }
}
