/** Records that a consumer asks for and that the journal cannot give: said as events, so that it need not wait for ever. */
import { messageOf } from '../errors.js'
import type { ParkedRecord } from '../journal/journal.js'
import type { OutboxContext } from '../outbound.js'
import { waitsForPeople } from '../parked.js'
import { Ranges, type Range } from './ranges.js'

/** The event is a record and arrives for certain: the same is not said again sooner. */
const SAID_FOR_MS = 3_600_000
/** A request with holes everywhere makes no more events than this; the next request makes others. */
const MOST_AT_ONCE = 100
const MOST_PARKED = 100_000

export interface GapSources {
  readonly context: OutboxContext
  readonly journalId: string
  /** Sends a parked record once more; rejects when it is refused again. */
  readonly retry: (parked: ParkedRecord) => Promise<void>
}

export class Gaps {
  readonly #sources: GapSources
  readonly #said = new Ranges()
  /** Waiting for their answer. */
  readonly #open = new Ranges()
  #forgetAt = 0
  #answering = false

  constructor(sources: GapSources) {
    this.#sources = sources
  }

  /** The journal has nothing to send for these. */
  found(from: number, to: number): void {
    this.#open.add(from, to)
    void this.#answer()
  }

  async #answer(): Promise<void> {
    if (this.#answering) return
    this.#answering = true
    const { log, clock } = this.#sources.context
    if (clock.uptime() >= this.#forgetAt) {
      this.#said.clear()
      this.#forgetAt = clock.uptime() + SAID_FOR_MS
    }
    try {
      for (const [from, to] of this.#said.all()) this.#open.remove(from, to)
      await this.#parked()
      const gaps = this.#open.all().slice(0, MOST_AT_ONCE)
      this.#open.clear()
      for (const gap of gaps) await this.#say(gap, 'deleted after its retention, or erased')
    } catch (error) {
      this.#open.clear()
      log.error('Gap not reported', { event: 'audit-failed', reason: messageOf(error) })
    } finally {
      this.#answering = false
    }
    if (this.#open.size > 0) void this.#answer()
  }

  /** Some are there, only set aside: the consumer's wish is a reason to try again. */
  async #parked(): Promise<void> {
    const { context, retry } = this.#sources
    if (this.#open.size === 0) return
    const all = await context.journal.parked(MOST_PARKED)
    let tried = 0
    for (const parked of all.filter(({ seq }) => this.#open.has(seq))) {
      this.#open.remove(parked.seq, parked.seq)
      if (++tried > MOST_AT_ONCE) continue
      const taken = !waitsForPeople(parked) && (await retry(parked).then(() => true, () => false)) // prettier-ignore
      if (!taken) await this.#say([parked.seq, parked.seq], `parked: ${parked.reason}`)
    }
  }

  async #say([from, to]: Range, reason: string): Promise<void> {
    const { context, journalId } = this.#sources
    const { clock, journal, log } = context
    this.#said.add(from, to)
    log.warn('Records asked for cannot be sent again', { event: 'replay-gap', from, to, reason })
    const fields = {
      reader: null,
      place: null,
      type: 'replay-gap',
      subject: journalId,
      detail: { from, to, reason },
    }
    await journal.append({ kind: 'audit', channel: 'replay-gap', moment: clock.now(), fields })
  }
}
