/** The append-only record of everything that happened, its unsettled tail, and what was set aside. Synchronous. */
import { randomBytes, randomUUID } from 'node:crypto'
import { RECORD_KINDS, type Moment, type RecordKind } from '../model.js'
import type { Dated } from '../policy/effective.js'
import { canonical, type Json } from './canonical.js'
import { openDatabase, translating, type SqliteDatabase } from './database.js'
import { onceKey } from './once.js'
import { SCHEMA_OF } from './schemas.js'
import { prepare, type ParkedRecord, type Row, type RowValues, type Statements } from './statements.js'
import { zoneFormatter, type ZoneOffsets } from './time.js'
import { TIMELINE, Times } from './times.js'

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
  /** Kept in the same commit: see `recall`. */
  readonly memory?: Memory
  /** The record says that the wall clock was right at that moment, and what its state is from now on. */
  readonly sync?: Dated['news']
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

export class Journal {
  readonly id: string
  readonly #file: string
  readonly #db: SqliteDatabase
  readonly #identity: Identity
  readonly #statements: Statements
  readonly #timeOf: (wall: number) => string
  #lastSeq: number
  #settled: number
  #lastOfKind: Map<RecordKind, number>
  #times: Times

  constructor(file: string, identity: Identity) {
    this.#file = file
    this.#identity = identity
    this.#timeOf = zoneFormatter(identity.offsets)
    this.#db = openDatabase(file, randomBytes(8).toString('hex'))
    this.#statements = prepare(this.#db)
    const meta = translating(file, () => this.#statements.meta.get())
    if (!meta) throw new TypeError('the journal has no meta row')
    this.id = meta.journal
    this.#settled = meta.settled
    this.#lastSeq = translating(file, () => this.#statements.last.get()?.seq ?? 0)
    this.#lastOfKind = new Map(
      translating(file, () => this.#statements.lastOfKind.all()).map(({ kind, seq }) => [kind, seq]),
    )
    const dated = Math.max(this.#lastOfKind.get('punch') ?? 0, this.#lastOfKind.get('audit') ?? 0)
    const newest = translating(file, () => this.#statements.get.get(dated))?.body
    this.#times = Times.from(this.recall(TIMELINE.reader, TIMELINE.key), newest)
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
   * `correctedThrough`: among the drafts are the corrections of all punches up to there.
   * Numbers never return: a failed commit has not used them, and the newest row is never deleted.
   */
  append(drafts: readonly (Draft & { readonly id?: string })[], correctedThrough?: number): string[] {
    const times = this.#times.after(drafts, this.#lastSeq, correctedThrough)
    const timeline = times.memory(this.#times)
    const lastOfKind = new Map(this.#lastOfKind)
    const ids: string[] = []
    let seq = this.#lastSeq
    translating(this.#file, () => {
      this.#db.transaction(() => {
        if (timeline) this.#remember(timeline)
        for (const draft of drafts) {
          const id = draft.id ?? randomUUID()
          seq += 1
          const body = this.#body(draft, id, seq, lastOfKind.get(draft.kind) ?? null)
          this.#statements.insert.run(seq, draft.kind, draft.channel, draft.moment.wall, body)
          if (draft.once !== undefined) this.#statements.addOnce.run(onceKey(draft.once))
          if (draft.memory) this.#remember(draft.memory)
          lastOfKind.set(draft.kind, seq)
          ids.push(id)
        }
      })()
    })
    this.#lastSeq = seq
    this.#lastOfKind = lastOfKind
    this.#times = times
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

  /** What the records say about time. */
  get times(): Times {
    return this.#times
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
    return { seq, kind, channel, wall, body: openBody(row, this.#timeOf, this.#times) }
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
  forget(wall: number, limit: number, now = Number.MAX_SAFE_INTEGER): number {
    const { forget } = this.#statements
    return translating(this.#file, () => forget.run(this.#settled, this.#lastSeq, wall, wall, now, limit).changes)
  }

  close(): void {
    this.#db.close()
  }
}

/** A stored body as it is sent: the best known time is added, the closing brace left open for `delivery`. */
export function openBody(row: Omit<Row, 'channel'>, timeOf: (wall: number) => string, times: Times): string {
  const open = row.body.slice(0, -1)
  return row.kind === 'punch' ? `${open},"time":"${timeOf(times.wallOf(row))}"` : open
}

function rowOf([seq, kind, channel, wall, body]: RowValues): Row {
  return { seq, kind: RECORD_KINDS[kind] ?? 'audit', channel, wall, body }
}
