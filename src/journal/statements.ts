/** The SQL of the journal, prepared once. */
import type { Statement } from 'better-sqlite3'
import { RECORD_KINDS, type RecordKind } from '../model.js'
import type { SqliteDatabase } from './database.js'

/** A record that was set aside. */
export interface ParkedRecord {
  readonly seq: number
  readonly id: string
  readonly code: string
  readonly reason: string
  readonly wall: number
}

/** A row as better-sqlite3 gives it raw. */
export type RowValues = [seq: number, kind: number, channel: string, wall: number, body: string]

export interface Row {
  readonly seq: number
  readonly kind: RecordKind
  readonly channel: string
  readonly wall: number
  readonly body: string
}

export type Statements = ReturnType<typeof prepare>

/** The kind as its place in RECORD_KINDS: that spares a text for each row. */
const KIND = `CASE kind ${RECORD_KINDS.map((kind, place) => `WHEN '${kind}' THEN ${place}`).join(' ')} END`
const TAIL = `SELECT seq, ${KIND}, channel, wall, body FROM record WHERE seq > ? ORDER BY seq LIMIT ?`
const LAST_OF_KIND = `SELECT kind, max(seq) AS seq FROM record WHERE kind IN (${RECORD_KINDS.map((kind) => `'${kind}'`).join(', ')}) GROUP BY kind`
/** Not beyond the first that is certainly younger: a wall of 1970 does not make a record old, nor one of 2038 young. */
const FORGET = `DELETE FROM record WHERE seq IN (
  SELECT seq FROM record WHERE seq <= ? AND seq < ? AND wall < ? AND seq NOT IN (SELECT seq FROM parked)
  AND seq < (SELECT coalesce((SELECT seq FROM record WHERE wall >= ? AND wall <= ? ORDER BY seq LIMIT 1), 9e15))
  ORDER BY seq LIMIT ?)`

export function prepare(db: SqliteDatabase) {
  return { ...records(db), ...parked(db), ...memories(db) }
}

function preparer(db: SqliteDatabase) {
  return <Bound extends unknown[], Result = unknown>(sql: string): Statement<Bound, Result> =>
    db.prepare<Bound, Result>(sql)
}

function records(db: SqliteDatabase) {
  const statement = preparer(db)
  return {
    meta: statement<[], { journal: string; settled: number }>('SELECT journal, settled FROM meta'),
    last: statement<[], { seq: number | null }>('SELECT max(seq) AS seq FROM record'),
    lastOfKind: statement<[], { kind: RecordKind; seq: number }>(LAST_OF_KIND),
    insert: statement<[number, string, string, number, string]>(
      'INSERT INTO record(seq, kind, channel, wall, body) VALUES (?, ?, ?, ?, ?)',
    ),
    // As arrays: this one is asked for millions of rows, and their objects would be half its cost.
    tail: statement<[number, number], RowValues>(TAIL).raw(),
    get: statement<[number], Row>('SELECT seq, kind, channel, wall, body FROM record WHERE seq = ?'),
    settle: statement<[number]>('UPDATE meta SET settled = ? WHERE only = 1'),
    newestPunches: statement<[], { body: string }>(`SELECT body FROM record WHERE kind = 'punch' ORDER BY seq DESC`),
    forget: statement<[number, number, number, number, number, number]>(FORGET),
  }
}

function parked(db: SqliteDatabase) {
  const statement = preparer(db)
  return {
    park: statement<[number, string, string, number]>(
      'INSERT OR REPLACE INTO parked(seq, code, reason, wall) VALUES (?, ?, ?, ?)',
    ),
    unpark: statement<[number]>('DELETE FROM parked WHERE seq = ?'),
    parked: statement<[number], ParkedRecord>(
      `SELECT seq, json_extract(record.body, '$.id') AS id, code, reason, parked.wall AS wall
       FROM parked JOIN record USING (seq) ORDER BY seq LIMIT ?`,
    ),
    parkedCount: statement<[], { count: number }>('SELECT count(*) AS count FROM parked'),
    // Asked beside it and not as a condition of each row: there is hardly ever one.
    parkedAfter: statement<[number, number], number>('SELECT seq FROM parked WHERE seq > ? AND seq <= ?').pluck(),
  }
}

function memories(db: SqliteDatabase) {
  const statement = preparer(db)
  return {
    addOnce: statement<[Buffer]>('INSERT INTO once(key) VALUES (?)'),
    hasOnce: statement<[Buffer], number>('SELECT 1 FROM once WHERE key = ?').pluck(),
    recall: statement<[string, string], string>('SELECT value FROM memory WHERE reader = ? AND key = ?').pluck(),
    remember: statement<[string, string, string]>('INSERT OR REPLACE INTO memory(reader, key, value) VALUES (?, ?, ?)'),
  }
}
