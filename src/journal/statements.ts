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

/** Of each row of a tail: a list in JSON. `length`: bytes of the body, null when it was erased. */
export type TailRow = [seq: number, kind: number, channel: string, wall: number, length: number | null]
/** In front of the body of each row of a tail. */
export const TAIL_HEAD = { prevHash: 32, hash: 32, sig: 64 } as const

export interface Row {
  readonly seq: number
  readonly kind: RecordKind
  readonly channel: string
  readonly wall: number
  readonly body: Buffer | null
  readonly prevHash: Buffer
  readonly hash: Buffer
  readonly sig: Buffer
}

export type Statements = ReturnType<typeof prepare>

/** The kind as its place in RECORD_KINDS: that spares a text for each row. */
const KIND = `CASE kind ${RECORD_KINDS.map((kind, place) => `WHEN '${kind}' THEN ${place}`).join(' ')} END`
const COLUMNS_OF_TAIL = 'channel, wall, body, prev_hash, hash, sig'
const COLUMNS = 'channel, wall, body, prev_hash AS prevHash, hash, sig'
/**
 * All rows of a piece in one text and one run of bytes (TAIL_HEAD, body, the next): four buffers for each row cost five times
 * as much, and half of that when they are collected. The inner LIMIT makes the inner order that of both aggregates.
 */
const TAIL = `SELECT json_group_array(json_array(seq, ${KIND}, channel, wall, length(body))),
  CAST(group_concat(prev_hash || hash || sig || coalesce(body, ''), '') AS BLOB)
  FROM (SELECT seq, kind, ${COLUMNS_OF_TAIL} FROM record WHERE seq > ? ORDER BY seq LIMIT ?)`
const INSERT =
  'INSERT INTO record(seq, kind, channel, wall, id, body, prev_hash, hash, sig) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'
const LAST_OF_KIND = `SELECT kind, max(seq) AS seq FROM record WHERE seq > ? AND kind IN (${RECORD_KINDS.map((kind) => `'${kind}'`).join(', ')}) GROUP BY kind`
/** Before punchd was written: a clock that was never set. */
const OLDEST_WALL = Date.UTC(2020, 0)
/**
 * From the oldest on, up to the last that is certainly old: a wall of 1970 does not make a record old, nor one of 2038 young.
 * Not beyond the first that is certainly young, and no further than to one that is parked: the chain stays whole.
 */
const FORGET = `DELETE FROM record WHERE seq IN (SELECT seq FROM record WHERE seq <= @settled AND seq < @last
  AND seq <= (SELECT coalesce(max(seq), 0) FROM record WHERE wall >= ${OLDEST_WALL} AND wall < @cut AND seq <
    coalesce((SELECT seq FROM record WHERE wall >= @cut AND wall <= @now ORDER BY seq LIMIT 1), 9223372036854775807))
  AND seq < (SELECT coalesce(min(seq), 9223372036854775807) FROM parked) ORDER BY seq LIMIT @limit)`

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
    last: statement<[], { seq: number; hash: Buffer }>('SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1'),
    hashOf: statement<[number], Buffer>('SELECT hash FROM record WHERE seq = ?').pluck(),
    begin: statement<[string, number]>('UPDATE meta SET journal = ?, settled = ? WHERE only = 1'),
    lastOfKind: statement<[number], { kind: RecordKind; seq: number }>(LAST_OF_KIND),
    insert: statement<[number, string, string, number, Buffer, Buffer, Buffer, Buffer, Buffer]>(INSERT),
    tail: statement<[number, number], [rows: string, bytes: Buffer | null]>(TAIL).raw(),
    get: statement<[number], Row>(`SELECT seq, kind, ${COLUMNS} FROM record WHERE seq = ?`),
    stored: statement<[number, number], Row & { commitment: Buffer | null }>(
      `SELECT seq, kind, ${COLUMNS}, commitment FROM record WHERE seq > ? ORDER BY seq LIMIT ?`,
    ),
    before: statement<[number], { seq: number; hash: Buffer }>(
      'SELECT seq, hash FROM record WHERE seq <= ? ORDER BY seq DESC LIMIT 1',
    ),
    erase: statement<[Buffer, number]>('UPDATE record SET body = NULL, commitment = ? WHERE seq = ?'),
    reseal: statement<[Buffer, number]>('UPDATE record SET body = ? WHERE seq = ?'),
    sealed: statement<[number, number], { seq: number; body: Buffer }>(
      'SELECT seq, body FROM record WHERE seq > ? AND body IS NOT NULL ORDER BY seq LIMIT ?',
    ),
    settle: statement<[number]>('UPDATE meta SET settled = ? WHERE only = 1'),
    newestPunches: statement<[], { seq: number; body: Buffer | null }>(
      `SELECT seq, body FROM record WHERE kind = 'punch' ORDER BY seq DESC`,
    ),
    forget: statement<[Record<'settled' | 'last' | 'cut' | 'now' | 'limit', number>]>(FORGET),
  }
}

function parked(db: SqliteDatabase) {
  const statement = preparer(db)
  return {
    park: statement<[number, string, string, number]>(
      'INSERT OR REPLACE INTO parked(seq, code, reason, wall) VALUES (?, ?, ?, ?)',
    ),
    unpark: statement<[number]>('DELETE FROM parked WHERE seq = ?'),
    parked: statement<[number], Omit<ParkedRecord, 'id'> & { id: Buffer }>(
      `SELECT seq, record.id AS id, code, reason, parked.wall AS wall
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
    memories: statement<[], { reader: string; key: string; value: Buffer }>('SELECT reader, key, value FROM memory'),
    recall: statement<[string, string], Buffer>('SELECT value FROM memory WHERE reader = ? AND key = ?').pluck(),
    remember: statement<[string, string, Buffer]>('INSERT OR REPLACE INTO memory(reader, key, value) VALUES (?, ?, ?)'),
  }
}
