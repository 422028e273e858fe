/** The append-only record of everything that happened, its unsettled tail, and what was set aside. Synchronous. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Statement } from 'better-sqlite3'
import { RECORD_KINDS, type Moment, type RecordKind } from '../model.js'
import { canonical, type Json } from './canonical.js'
import { openDatabase, translating, type SqliteDatabase } from './database.js'
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
}

/** A record on its way out. `body` lacks only the closing brace of its JSON, so that `delivery` can be added. */
export interface OutboundRecord {
  readonly seq: number
  readonly kind: RecordKind
  readonly channel: string
  readonly wall: number
  readonly body: string
}

export interface ParkedRecord {
  readonly seq: number
  readonly id: string
  readonly code: string
  readonly reason: string
  readonly wall: number
}

export interface JournalState {
  readonly journal: string
  readonly lastSeq: number
  readonly settled: number
  readonly parked: number
}

/** A row as better-sqlite3 gives it raw. */
type RowValues = [seq: number, kind: number, channel: string, wall: number, body: string]

interface Row {
  readonly seq: number
  readonly kind: RecordKind
  readonly channel: string
  readonly wall: number
  readonly body: string
}

/** Schema names in records. */
const SCHEMA_OF: Readonly<Record<RecordKind, string>> = { punch: 'punch/1', audit: 'audit/1' }

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
          lastOfKind.set(draft.kind, seq)
          ids.push(id)
        }
      })()
    })
    this.#lastSeq = seq
    this.#lastOfKind = lastOfKind
    return ids
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

/** A stored body as it is sent: the best known time is added, the closing brace left open for `delivery`. */
export function openBody(row: Pick<Row, 'kind' | 'wall' | 'body'>, timeOf: (wall: number) => string): string {
  const open = row.body.slice(0, -1)
  return row.kind === 'punch' ? `${open},"time":"${timeOf(row.wall)}"` : open
}

function rowOf([seq, kind, channel, wall, body]: RowValues): Row {
  return { seq, kind: RECORD_KINDS[kind] ?? 'audit', channel, wall, body }
}

type Statements = ReturnType<typeof prepare>

/** The kind as its place in RECORD_KINDS: that spares a text for each row. */
const KIND = `CASE kind ${RECORD_KINDS.map((kind, place) => `WHEN '${kind}' THEN ${place}`).join(' ')} END`
const TAIL = `SELECT seq, ${KIND}, channel, wall, body FROM record WHERE seq > ? ORDER BY seq LIMIT ?`
const FORGET = `DELETE FROM record WHERE seq IN (
  SELECT seq FROM record WHERE seq <= ? AND seq < ? AND wall < ? AND seq NOT IN (SELECT seq FROM parked) ORDER BY seq LIMIT ?)`

function prepare(db: SqliteDatabase) {
  const statement = <Bound extends unknown[], Result = unknown>(sql: string): Statement<Bound, Result> =>
    db.prepare<Bound, Result>(sql)
  return {
    meta: statement<[], { journal: string; settled: number }>('SELECT journal, settled FROM meta'),
    last: statement<[], { seq: number | null }>('SELECT max(seq) AS seq FROM record'),
    lastOfKind: statement<[], { kind: RecordKind; seq: number }>(
      `SELECT kind, max(seq) AS seq FROM record WHERE kind IN ('punch', 'audit') GROUP BY kind`,
    ),
    insert: statement<[number, string, string, number, string]>(
      'INSERT INTO record(seq, kind, channel, wall, body) VALUES (?, ?, ?, ?, ?)',
    ),
    // As arrays: this one is asked for millions of rows, and their objects would be half its cost.
    tail: statement<[number, number], RowValues>(TAIL).raw(),
    // Asked beside it and not as a condition of each row: there is hardly ever one.
    parkedAfter: statement<[number, number], number>('SELECT seq FROM parked WHERE seq > ? AND seq <= ?').pluck(),
    get: statement<[number], Row>('SELECT seq, kind, channel, wall, body FROM record WHERE seq = ?'),
    settle: statement<[number]>('UPDATE meta SET settled = ? WHERE only = 1'),
    park: statement<[number, string, string, number]>(
      'INSERT OR REPLACE INTO parked(seq, code, reason, wall) VALUES (?, ?, ?, ?)',
    ),
    unpark: statement<[number]>('DELETE FROM parked WHERE seq = ?'),
    parked: statement<[number], ParkedRecord>(
      `SELECT seq, json_extract(record.body, '$.id') AS id, code, reason, parked.wall AS wall
       FROM parked JOIN record USING (seq) ORDER BY seq LIMIT ?`,
    ),
    parkedCount: statement<[], { count: number }>('SELECT count(*) AS count FROM parked'),
    newestPunches: statement<[], { body: string }>(`SELECT body FROM record WHERE kind = 'punch' ORDER BY seq DESC`),
    forget: statement<[number, number, number, number]>(FORGET),
  }
}
