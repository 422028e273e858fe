/** Receipts that are not believed: counted, and said once for each reason. */
import { messageOf } from '../errors.js'
import type { OutboxContext } from '../outbound.js'
import type { Refusal } from './text.js'

/** A consumer that is wrong is wrong with every message: after this it is said anew. */
const SAID_FOR_MS = 3_600_000

export class Refusals {
  readonly #context: OutboxContext
  readonly #journalId: string
  readonly #saidAt = new Map<string, number>()
  count = 0

  constructor(context: OutboxContext, journalId: string) {
    this.#context = context
    this.#journalId = journalId
  }

  /** `clamped`: only a part of it was refused. */
  say(refusal: Refusal | 'clamped', reason: string): void {
    const { clock, log } = this.#context
    this.count += 1
    if (clock.uptime() < (this.#saidAt.get(refusal) ?? -Infinity) + SAID_FOR_MS) return
    this.#saidAt.set(refusal, clock.uptime())
    log.warn('Receipt refused', { event: 'receipt-refused', refusal, reason })
    void this.#record(refusal, reason)
  }

  async #record(refusal: string, reason: string): Promise<void> {
    const { clock, journal, log } = this.#context
    const detail = { refusal, reason }
    const fields = { reader: null, place: null, type: 'receipt-refused', subject: this.#journalId, detail }
    try {
      await journal.append({ kind: 'audit', channel: 'receipt-refused', moment: clock.now(), fields })
    } catch (error) {
      log.error('Refused receipt not reported', { event: 'audit-failed', reason: messageOf(error) })
    }
  }
}
