/** Reading what is stored: opened, checked, ready to be sent. */
import { JournalError } from '../errors.js'
import { RECORD_KINDS } from '../model.js'
import { damagesIn, type Damage } from './check.js'
import { translating } from './database.js'
import { openBytes, uuidText } from './outgoing.js'
import type { OutboundRecord } from './records.js'
import type { Sealing } from './sealing.js'
import type { Times } from './times.js'
import { TAIL_HEAD, type ParkedRecord, type Row, type Statements, type TailRow } from './statements.js'

export interface StoredParts {
  readonly file: string
  readonly statements: Statements
  readonly sealing: Sealing
  readonly timeOf: (wall: number) => string
  readonly times: Times
}

export class Stored {
  readonly #file: string
  readonly #statements: Statements
  readonly #sealing: Sealing

  readonly timeOf: (wall: number) => string
  /** What is known of time now; the journal keeps it true. */
  times: Times

  constructor(parts: StoredParts) {
    const { file, statements, sealing, timeOf, times } = parts
    this.times = times
    this.#file = file
    this.#statements = statements
    this.#sealing = sealing
    this.timeOf = timeOf
  }

  /** Unparked records after `seq`, oldest first, and how far was looked. */
  tail(seq: number, limit: number, lastSeq: number): { records: OutboundRecord[]; through: number } {
    const { tail, parkedAfter } = this.#statements
    const piece = translating(this.#file, () => tail.get(seq, limit))
    const rows = piece ? rowsOf(...piece) : []
    const through = rows.length < limit ? lastSeq : (rows.at(-1)?.seq ?? seq)
    const parked = new Set(translating(this.#file, () => parkedAfter.all(seq, through)))
    const pending = parked.size === 0 ? rows : rows.filter((row) => !parked.has(row.seq))
    return { records: pending.flatMap((row) => this.#outbound(row) ?? []), through }
  }

  /** One record, parked or not. */
  get(seq: number): OutboundRecord | undefined {
    const row = translating(this.#file, () => this.#statements.get.get(seq))
    return row && this.#outbound(row)
  }

  /** Undefined for what cannot be sent: it was erased, or damaged, which sets it aside. */
  #outbound(row: Row): OutboundRecord | undefined {
    const { seq, kind, channel, wall, body } = row
    if (!body) return undefined
    try {
      return { seq, kind, channel, wall, body: openBytes(row, this.#sealing.openBytes(seq, body), this) }
    } catch (error) {
      if (!(error instanceof JournalError)) throw error
      this.#statements.park.run(seq, error.code, error.message, wall)
      return undefined
    }
  }

  /** Evidence of the newest punches, newest first, until `enough` says stop. For rebuilding windows after a start. */
  newestPunches(visit: (evidence: string) => 'more' | 'enough'): void {
    translating(this.#file, () => {
      for (const { seq, body } of this.#statements.newestPunches.iterate()) {
        const evidence = body && this.#evidenceOf(seq, body)
        if (evidence !== undefined && evidence !== null && visit(evidence) === 'enough') return
      }
    })
  }

  parked(limit: number): ParkedRecord[] {
    const rows = translating(this.#file, () => this.#statements.parked.all(limit))
    return rows.map((row) => ({ ...row, id: uuidText(row.id) }))
  }

  /** Evidence of one record. */
  evidence(seq: number): string | undefined {
    const body = translating(this.#file, () => this.#statements.get.get(seq))?.body
    return body ? this.#evidenceOf(seq, body) : undefined
  }

  /** Undefined for what is damaged: the door must open all the same. */
  #evidenceOf(seq: number, body: Buffer): string | undefined {
    try {
      return this.#sealing.open(seq, body).evidence
    } catch (error) {
      if (error instanceof JournalError) return undefined
      throw error
    }
  }

  /** Checks the records behind `after`; `through` is the last one looked at, undefined when there are no more. */
  check(after: number, limit: number): { readonly damages: readonly Damage[]; readonly through: number | undefined } {
    const rows = translating(this.#file, () => this.#statements.stored.all(after, limit))
    const before = translating(this.#file, () => this.#statements.before.get(after))
    return { damages: damagesIn(rows, before, this.#sealing), through: rows.at(-1)?.seq }
  }
}

/** Takes the rows of a tail apart. */
function rowsOf(texts: string, bytes: Buffer | null): Row[] {
  let at = 0
  const take = (length: number): Buffer => (bytes ?? Buffer.alloc(0)).subarray(at, (at += length))
  // Parse boundary: our own query.
  return (JSON.parse(texts) as TailRow[]).map(([seq, kind, channel, wall, length]) => {
    const [prevHash, hash, sig] = [take(TAIL_HEAD.prevHash), take(TAIL_HEAD.hash), take(TAIL_HEAD.sig)]
    const body = length === null ? null : take(length)
    return { seq, kind: RECORD_KINDS[kind] ?? 'audit', channel, wall, body, prevHash, hash, sig }
  })
}
