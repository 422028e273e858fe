/** Reading the journal beside a running daemon: for the verbs. */
import { dirname } from 'node:path'
import type { RecordKind } from '../model.js'
import { JournalError } from '../errors.js'
import type { Statement } from 'better-sqlite3'
import { openForReading, translating, type SqliteDatabase } from './database.js'
import type { ParkedRecord } from './journal.js'
import { openKeys } from './keys.js'
import { openBody, uuidText } from './outgoing.js'
import { proofOf, Sealing } from './sealing.js'
import type { Row } from './statements.js'
import { contextOf } from './memories.js'
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
  /** Up to this one. */
  readonly throughSeq?: number | undefined
  /** Erased records too, as `erased/1`: for whoever checks the chain. */
  readonly erased?: boolean
  /** What does not open too, as `damaged/1`: for whoever says what was changed. */
  readonly damaged?: boolean
}

export interface StoredRecord {
  readonly seq: number
  readonly kind: RecordKind
  /** Best known, of punches. */
  readonly wall: number
  /** The record as one JSON object, as `tail --json` prints it. */
  readonly json: string
  /** What it said cannot be read: it was changed. */
  readonly isDamaged?: boolean
}

export interface WaitingRecord {
  readonly seq: number
  readonly id: string
  readonly kind: RecordKind
}

type Stored = Omit<Row, 'channel'> & { readonly commitment: Buffer | null }

const PAGE = 1_000
/** A copy that was not delivered by a broker says so. */
const NOT_DELIVERED = ',"delivery":{"attempt":0,"delayed":false}}'

export class JournalReader {
  readonly #file: string
  readonly #db: SqliteDatabase
  readonly #timeOf: (wall: number) => string
  readonly #sealing: Sealing
  readonly #statements = new Map<string, Statement>()
  #remembered: Buffer | undefined
  #times = Times.from(undefined)
  /** Id of the journal. */
  readonly id: string

  constructor(file: string, offsets: ZoneOffsets) {
    this.#file = file
    this.#db = openForReading(file)
    this.#sealing = new Sealing(openKeys(dirname(file), false))
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

  /** The timeline as the daemon last kept it. */
  #readTimes(): Times {
    const { reader, key } = TIMELINE
    const remembered = this.#value('SELECT value FROM memory WHERE reader = ? AND key = ?', reader, key)
    if (remembered instanceof Buffer && this.#remembered?.equals(remembered) !== true) {
      this.#remembered = remembered
      this.#times = Times.from(this.#sealing.vault.open(remembered, contextOf(reader, key)))
    }
    return this.#times
  }

  /** Records in order. */
  *records(filter: Filter): Generator<StoredRecord> {
    const times = this.#readTimes()
    const { sql, values } = where(filter, times)
    const page = `SELECT seq, kind, wall, body, prev_hash AS prevHash, hash, sig, commitment FROM record ${sql} ORDER BY seq LIMIT ${PAGE}`
    // In pages: a long-running read would keep the daemon from reusing its write-ahead log.
    let after = filter.afterSeq ?? 0
    for (;;) {
      const rows = this.#rows<Stored>(page, ...values, after)
      for (const row of rows) {
        const stored = this.#stored(row, filter, times)
        if (stored) yield stored
      }
      const last = rows.at(-1)
      if (!last || rows.length < PAGE) return
      after = last.seq
    }
  }

  #stored(row: Stored, filter: Filter, times: Times): StoredRecord | undefined {
    try {
      return this.#opened(row, filter, times)
    } catch (error) {
      const isSealed = error instanceof JournalError && error.code === 'journal-sealed'
      if (!isSealed || filter.damaged !== true) throw error
      return { seq: row.seq, kind: row.kind, wall: row.wall, json: damagedText(row, this.id), isDamaged: true }
    }
  }

  #opened(row: Stored, filter: Filter, times: Times): StoredRecord | undefined {
    const { person, erased } = filter
    const { seq, kind, wall, body } = row
    if (!body) return erased === true ? { seq, kind, wall, json: erasedText(row, this.id) } : undefined
    const opened = this.#sealing.open(seq, body)
    if (person !== undefined && personOf(opened.evidence) !== person) return undefined
    if (!isWithin(row, opened.evidence, filter, times)) return undefined
    const best = kind === 'punch' ? times.wallOf(seq, wall, () => opened.evidence) : wall
    const json = openBody(row, opened, { timeOf: this.#timeOf, times }) + (kind === 'punch' ? NOT_DELIVERED : '}')
    return { seq, kind, wall: best, json }
  }

  /** At most so many: of punches whose clock was not set only the range is counted. */
  count(filter: Filter): number {
    if (filter.person !== undefined) return [...this.records(filter)].length
    const { sql, values } = where(filter, this.#readTimes())
    return Number(this.#value(`SELECT count(*) FROM record ${sql}`, ...values, filter.afterSeq ?? 0))
  }

  /** First and last number of the records between two instants; undefined when there are none. */
  span(filter: Pick<Filter, 'from' | 'to'>): { first: number; last: number } | undefined {
    const { sql, values } = where(filter, this.#readTimes())
    const first = Number(this.#value(`SELECT coalesce(min(seq), 0) FROM record ${sql}`, ...values, 0))
    const last = Number(this.#value(`SELECT coalesce(max(seq), 0) FROM record ${sql}`, ...values, 0))
    return first === 0 ? undefined : { first, last }
  }

  lastSeq(): number {
    return Number(this.#value('SELECT coalesce(max(seq), 0) FROM record'))
  }

  /** The watermark on disk; up to a second behind a running daemon. */
  settled(): number {
    return Number(this.#value('SELECT settled FROM meta'))
  }

  parked(): ParkedRecord[] {
    const sql = `SELECT seq, record.id AS id, code, reason, parked.wall AS wall FROM parked JOIN record USING (seq) ORDER BY seq`
    return this.#rows<Omit<ParkedRecord, 'id'> & { id: Buffer }>(sql).map((row) => ({ ...row, id: uuidText(row.id) }))
  }

  /** Records behind the watermark that are not parked, oldest first. */
  waiting(settled: number, limit: number): WaitingRecord[] {
    const sql = `SELECT seq, id, kind FROM record
      WHERE seq > ? AND seq NOT IN (SELECT seq FROM parked) ORDER BY seq LIMIT ?`
    return this.#rows<Omit<WaitingRecord, 'id'> & { id: Buffer }>(sql, settled, limit).map((row) => ({
      ...row,
      id: uuidText(row.id),
    }))
  }

  close(): void {
    this.#db.close()
  }
}

function isWithin(row: Stored, evidence: string, { from, to }: Filter, times: Times): boolean {
  if (from === undefined && to === undefined) return true
  const wall = row.kind === 'punch' ? times.wallOf(row.seq, row.wall, () => evidence) : row.wall
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
  add('channel = ?', filter.reader)
  add('seq <= ?', filter.throughSeq)
  return { sql: `WHERE ${[...conditions, 'seq > ?'].join(' AND ')}`, values }
}

/** What is left of an erased record: its place in the chain. */
function erasedText({ seq, prevHash, hash, sig, commitment }: Stored, journal: string): string {
  const { salt: _gone, ...proof } = proofOf({ prevHash, hash, sig }, '')
  return JSON.stringify({ schema: 'erased/1', journal, seq, proof: { ...proof, commit: commitment?.toString('hex') } })
}

/** Nor is there more of one that does not open: only that it was there. */
function damagedText({ seq, prevHash, hash, sig }: Stored, journal: string): string {
  const { salt: _unknown, ...proof } = proofOf({ prevHash, hash, sig }, '')
  return JSON.stringify({ schema: 'damaged/1', journal, seq, proof })
}

function personOf(evidence: string): string | undefined {
  // Parse boundary: our own record.
  return (JSON.parse(evidence) as { person?: { ref?: string } | null }).person?.ref
}
