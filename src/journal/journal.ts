/** The append-only record of everything that happened, its unsettled tail, and what was set aside. Synchronous. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { dirname } from 'node:path'
import { RECORD_KINDS, type Moment, type RecordKind } from '../model.js'
import { canonical, type Json } from './canonical.js'
import { openDatabase, translating, type SqliteDatabase } from './database.js'
import { openKeys } from './keys.js'
import { policyTables, type PolicyTables } from './policy-table.js'
import { prepare, type ParkedRecord, type Row, type RowValues, type Statements } from './statements.js'
import { Vault } from './vault.js'
import { zoneFormatter, type ZoneOffsets } from './time.js'

/** What every record of this journal says about its maker. */
export interface Identity {
  readonly site: string
  readonly gateway: string
  readonly offsets: ZoneOffsets
}

/** The part of a record that its writer knows; the journal adds id, journal, seq and prev. */
export interface Draft {
  readonly kind: RecordKind
  /** Last level of the topic: the reader, or the type of an audit record. */
  readonly channel: string
  readonly moment: Moment
  readonly fields: { readonly [key: string]: Json | undefined }
  /** Names what may be stored once only: see `hasOnce`. */
  readonly once?: string | undefined
  /** Runs within the commit, with the number of the record. */
  readonly inCommit?: ((seq: number) => void) | undefined
  /** Kept in the same commit: see `recall`. */
  readonly memory?: Memory
}

export type { ParkedRecord } from './statements.js'

/** Something that is found again after a restart. */
export interface Memory {
  readonly reader: string
  readonly key: string
  readonly value: string
}

/** A record on its way out. `body` lacks only the closing brace of its JSON, so that `delivery` can be added. */
export interface OutboundRecord {
  readonly seq: number
  readonly kind: RecordKind
  readonly channel: string
  readonly wall: number
  readonly body: string
}

export interface JournalState {
  readonly journal: string
  readonly lastSeq: number
  readonly settled: number
  readonly parked: number
}

/** Schema names in records. */
const SCHEMA_OF: Readonly<Record<RecordKind, string>> = {
  punch: 'punch/1',
  audit: 'audit/1',
  presence: 'presence/1',
  correction: 'correction/1',
}

export class Journal {
  readonly id: string
  /** The people list, and what rules remember. */
  readonly tables: PolicyTables
  readonly #file: string
  readonly #db: SqliteDatabase
  readonly #identity: Identity
  readonly #statements: Statements
  readonly #timeOf: (wall: number) => string
  #lastSeq: number
  #settled: number
  #lastOfKind: Map<RecordKind, number>

  constructor(file: string, identity: Identity) {
    this.#file = file
    this.#identity = identity
    this.#timeOf = zoneFormatter(identity.offsets)
    this.#db = openDatabase(file, randomBytes(8).toString('hex'))
    this.#statements = prepare(this.#db)
    this.tables = policyTables(file, this.#db, new Vault(openKeys(dirname(file), true).vault))
    const meta = translating(file, () => this.#statements.meta.get())
    if (!meta) throw new TypeError('the journal has no meta row')
    this.id = meta.journal
    this.#settled = meta.settled
    this.#lastSeq = translating(file, () => this.#statements.last.get()?.seq ?? 0)
    this.#lastOfKind = new Map(
      translating(file, () => this.#statements.lastOfKind.all()).map(({ kind, seq }) => [kind, seq]),
    )
  }

  /** Newest record; 0 in an empty journal. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  get state(): JournalState {
    const parked = translating(this.#file, () => this.#statements.parkedCount.get()?.count ?? 0)
    return { journal: this.id, lastSeq: this.#lastSeq, settled: this.#settled, parked }
  }

  /**
   * Appends all drafts in one durable commit and returns their ids, or throws JournalError and keeps none.
   * Numbers never return: a failed commit has not used them, and the newest row is never deleted.
   */
  append(drafts: readonly (Draft & { readonly id?: string })[]): string[] {
    const lastOfKind = new Map(this.#lastOfKind)
    const ids: string[] = []
    let seq = this.#lastSeq
    translating(this.#file, () => {
      this.#db.transaction(() => {
        for (const draft of drafts) {
          const id = draft.id ?? randomUUID()
          seq += 1
          const body = this.#body(draft, id, seq, lastOfKind.get(draft.kind) ?? null)
          this.#statements.insert.run(seq, draft.kind, draft.channel, draft.moment.wall, body)
          if (draft.once !== undefined) this.#statements.addOnce.run(onceKey(draft.once))
          if (draft.memory) this.#remember(draft.memory)
          draft.inCommit?.(seq)
          lastOfKind.set(draft.kind, seq)
          ids.push(id)
        }
      })()
    })
    this.#lastSeq = seq
    this.#lastOfKind = lastOfKind
    return ids
  }

  /** True when a record with this `once` was stored, ever: also when the record itself is long deleted. */
  hasOnce(once: string): boolean {
    return translating(this.#file, () => this.#statements.hasOnce.get(onceKey(once))) !== undefined
  }

  /** What a reader's driver wished to find again after a restart. */
  recall(reader: string, key: string): string | undefined {
    return translating(this.#file, () => this.#statements.recall.get(reader, key))
  }

  remember(memory: Memory): void {
    translating(this.#file, () => this.#remember(memory))
  }

  #remember({ reader, key, value }: Memory): void {
    this.#statements.remember.run(reader, key, value)
  }

  /** An instant in the site's zone. */
  timeOf(wall: number): string {
    return this.#timeOf(wall)
  }

  #body(draft: Draft, id: string, seq: number, prev: number | null): string {
    return canonical({
      ...draft.fields,
      schema: SCHEMA_OF[draft.kind],
      id,
      journal: this.id,
      seq,
      prev,
      site: this.#identity.site,
      gateway: this.#identity.gateway,
      clock: { ...draft.moment },
    })
  }

  /** Unparked records after `seq`, oldest first, and how far was looked. */
  tail(seq: number, limit: number): { records: OutboundRecord[]; through: number } {
    const { tail, parkedAfter } = this.#statements
    const rows = translating(this.#file, () => tail.all(seq, limit))
    const through = rows.length < limit ? this.#lastSeq : (rows.at(-1)?.[0] ?? seq)
    const parked = new Set(translating(this.#file, () => parkedAfter.all(seq, through)))
    const pending = parked.size === 0 ? rows : rows.filter(([number]) => !parked.has(number))
    return { records: pending.map((values) => this.#outbound(rowOf(values))), through }
  }

  /** One record, parked or not. */
  get(seq: number): OutboundRecord | undefined {
    const row = translating(this.#file, () => this.#statements.get.get(seq))
    return row && this.#outbound(row)
  }

  #outbound(row: Row): OutboundRecord {
    const { seq, kind, channel, wall } = row
    return { seq, kind, channel, wall, body: openBody(row, this.#timeOf) }
  }

  /** Moves the watermark: every record up to `seq` is delivered or parked. Never moves back. */
  settle(seq: number): void {
    if (seq <= this.#settled) return
    translating(this.#file, () => this.#statements.settle.run(seq))
    this.#settled = seq
  }

  /** Sets a record aside with its reason; parking it again replaces the reason. */
  park(seq: number, code: string, reason: string, wall: number): void {
    translating(this.#file, () => this.#statements.park.run(seq, code, reason, wall))
  }

  /** A parked record was delivered after all. */
  unpark(seq: number): void {
    translating(this.#file, () => this.#statements.unpark.run(seq))
  }

  /** Parked records, oldest first. */
  parked(limit: number): ParkedRecord[] {
    return translating(this.#file, () => this.#statements.parked.all(limit))
  }

  /** Bodies of the newest punches, newest first, until `enough` says stop. For rebuilding windows after a start. */
  newestPunches(visit: (body: string) => 'more' | 'enough'): void {
    translating(this.#file, () => {
      for (const row of this.#statements.newestPunches.iterate()) if (visit(row.body) === 'enough') return
    })
  }

  /** Deletes at most `limit` delivered records older than `wall`; never the newest, never a parked or unsettled one. */
  forget(wall: number, limit: number): number {
    return translating(this.#file, () => this.#statements.forget.run(this.#settled, this.#lastSeq, wall, limit).changes)
  }

  close(): void {
    this.#db.close()
  }
}

/** Half a SHA-256: what is kept for ever is small, and two different texts never share it. */
function onceKey(once: string): Buffer {
  return createHash('sha256').update(once).digest().subarray(0, 16)
}

/** A stored body as it is sent: the best known time is added, the closing brace left open for `delivery`. */
export function openBody(row: Pick<Row, 'kind' | 'wall' | 'body'>, timeOf: (wall: number) => string): string {
  const open = row.body.slice(0, -1)
  return row.kind === 'punch' ? `${open},"time":"${timeOf(row.wall)}"` : open
}

function rowOf([seq, kind, channel, wall, body]: RowValues): Row {
  return { seq, kind: RECORD_KINDS[kind] ?? 'audit', channel, wall, body }
}
