/** Reading the journal beside a running daemon: for the verbs. */
import { existsSync } from 'node:fs'
import type { RecordKind } from '../model.js'
import { EXIT, VerbError } from '../errors.js'
import type { Statement } from 'better-sqlite3'
import { openForReading, translating, type SqliteDatabase } from './database.js'
import { openBody, type ParkedRecord } from './journal.js'
import { zoneFormatter, type ZoneOffsets } from './time.js'
import { TIMELINE, Times } from './times.js'

export interface Filter {
  readonly kind?: RecordKind | undefined
  /** Milliseconds since 1970, included. */
  readonly from?: number | undefined
  /** Milliseconds since 1970, excluded. */
  readonly to?: number | undefined
  readonly reader?: string | undefined
  readonly person?: string | undefined
  readonly afterSeq?: number | undefined
}

export interface StoredRecord {
  readonly seq: number
  readonly kind: RecordKind
  /** Best known, of punches. */
  readonly wall: number
  /** The record as one JSON object, as `tail --json` prints it. */
  readonly json: string
}

export interface WaitingRecord {
  readonly seq: number
  readonly id: string
  readonly kind: RecordKind
}

interface Row {
  readonly seq: number
  readonly kind: RecordKind
  readonly wall: number
  readonly body: string
}

const PAGE = 1_000
/** A copy that was not delivered by a broker says so. */
const NOT_DELIVERED = ',"delivery":{"attempt":0,"delayed":false}}'

export class JournalReader {
  readonly #file: string
  readonly #db: SqliteDatabase
  readonly #timeOf: (wall: number) => string
  readonly #statements = new Map<string, Statement>()
  #remembered: string | undefined
  #times = Times.from(undefined)
  /** Id of the journal. */
  readonly id: string

  constructor(file: string, offsets: ZoneOffsets) {
    if (!existsSync(file)) {
      throw new VerbError(EXIT.unavailable, 'daemon-absent', `there is no journal at ${file}`, {
        hint: 'has the daemon run yet with this configuration?',
      })
    }
    this.#file = file
    this.#db = openForReading(file)
    this.#timeOf = zoneFormatter(offsets)
    this.id = String(this.#value('SELECT journal FROM meta'))
  }

  /** Each statement once: `tail` asks ten times a second. */
  #statement(sql: string): Statement {
    const known = this.#statements.get(sql)
    if (known) return known
    const statement = this.#db.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }

  #rows<T>(sql: string, ...values: unknown[]): T[] {
    // Parse boundary: the columns are those of our own tables.
    return translating(this.#file, () => this.#statement(sql).all(...values)) as T[]
  }

  /** The only column of the only row. */
  #value(sql: string, ...values: unknown[]): unknown {
    return translating(this.#file, () =>
      this.#statement(sql)
        .pluck()
        .get(...values),
    )
  }

  /** The timeline as the daemon last kept it. Journals of the first format have none. */
  #readTimes(): Times {
    if (this.#value(`SELECT 1 FROM sqlite_master WHERE name = 'memory'`) === undefined) return this.#times
    const sql = 'SELECT value FROM memory WHERE reader = ? AND key = ?'
    const remembered = this.#value(sql, TIMELINE.reader, TIMELINE.key)
    if (typeof remembered === 'string' && remembered !== this.#remembered) {
      this.#remembered = remembered
      this.#times = Times.from(remembered)
    }
    return this.#times
  }

  /** Records in order. */
  *records(filter: Filter): Generator<StoredRecord> {
    const times = this.#readTimes()
    const { sql, values } = where(filter, times)
    const page = `SELECT seq, kind, wall, body FROM record ${sql} ORDER BY seq LIMIT ${PAGE}`
    // In pages: a long-running read would keep the daemon from reusing its write-ahead log.
    let after = filter.afterSeq ?? 0
    for (;;) {
      const rows = this.#rows<Row>(page, ...values, after)
      for (const row of rows) if (isWithin(row, filter, times)) yield this.#stored(row, times)
      const last = rows.at(-1)
      if (!last || rows.length < PAGE) return
      after = last.seq
    }
  }

  #stored(row: Row, times: Times): StoredRecord {
    const { seq, kind } = row
    const wall = kind === 'punch' ? times.wallOf(row) : row.wall
    return { seq, kind, wall, json: openBody(row, this.#timeOf, times) + (kind === 'punch' ? NOT_DELIVERED : '}') }
  }

  /** At most so many: of punches whose clock was not set only the range is counted. */
  count(filter: Filter): number {
    const { sql, values } = where(filter, this.#readTimes())
    return Number(this.#value(`SELECT count(*) FROM record ${sql}`, ...values, filter.afterSeq ?? 0))
  }

  lastSeq(): number {
    return Number(this.#value('SELECT coalesce(max(seq), 0) FROM record'))
  }

  /** The watermark on disk; up to a second behind a running daemon. */
  settled(): number {
    return Number(this.#value('SELECT settled FROM meta'))
  }

  parked(): ParkedRecord[] {
    const sql = `SELECT seq, json_extract(record.body, '$.id') AS id, code, reason, parked.wall AS wall
      FROM parked JOIN record USING (seq) ORDER BY seq`
    return this.#rows<ParkedRecord>(sql)
  }

  /** Records behind the watermark that are not parked, oldest first. */
  waiting(settled: number, limit: number): WaitingRecord[] {
    const sql = `SELECT seq, json_extract(body, '$.id') AS id, kind FROM record
      WHERE seq > ? AND seq NOT IN (SELECT seq FROM parked) ORDER BY seq LIMIT ?`
    return this.#rows<WaitingRecord>(sql, settled, limit)
  }

  close(): void {
    this.#db.close()
  }
}

function isWithin(row: Row, { from, to }: Filter, times: Times): boolean {
  if (from === undefined && to === undefined) return true
  const wall = row.kind === 'punch' ? times.wallOf(row) : row.wall
  return wall >= (from ?? Number.NEGATIVE_INFINITY) && wall < (to ?? Infinity)
}

/** Conditions for `seq > ?` last, so that pages can move it. */
function where(filter: Filter, times: Times): { sql: string; values: unknown[] } {
  const conditions: string[] = []
  const values: unknown[] = []
  const add = (condition: string, value: unknown): void => {
    if (value === undefined) return
    conditions.push(condition)
    values.push(value)
  }
  add('kind = ?', filter.kind)
  const { from = Number.MIN_SAFE_INTEGER, to = Number.MAX_SAFE_INTEGER } = filter
  if (filter.from !== undefined || filter.to !== undefined) {
    // What is dated by the timeline may have any wall.
    const dated = times.within(from, to).flatMap(({ first, last }) => [first, last])
    conditions.push(`((wall >= ? AND wall < ?)${' OR seq BETWEEN ? AND ?'.repeat(dated.length / 2)})`)
    values.push(from, to, ...dated)
  }
  add(`json_extract(body, '$.reader') = ?`, filter.reader)
  add(`json_extract(body, '$.person.ref') = ?`, filter.person)
  return { sql: `WHERE ${[...conditions, 'seq > ?'].join(' AND ')}`, values }
}
