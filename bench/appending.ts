/** Who makes what durable, one after the other, as fast as it goes: punchd, and those that it is measured by. */
import Database from 'better-sqlite3'
import type { ChildProcess } from 'node:child_process'
import { closeSync, fdatasyncSync, openSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { SystemClock } from '../src/clock.js'
import { outputOf, start } from './child.js'
import { compile } from './compile.js'
import { cardReport, openAttendance, READER } from './fixture.js'

/** Microseconds of each append, for `ms` milliseconds. */
export interface Appending {
  readonly append: (ms: number) => Promise<readonly number[]>
  /** Grows until it is reused: a growing file costs more. */
  readonly wal?: string
  /** Who does it, where there are several ways. */
  readonly by?: string
  readonly close: () => void
}

const LOOP_BYTES = 350
const WARM_UP_STEP = 500
const WARM_UP_MOST = 20_000
const STEP_MS = 20

/** The real decision and commit of one report at a time. */
export function punches(folder: string): Appending {
  const file = join(folder, 'journal.db')
  const { journal, attendance } = openAttendance(file)
  const clock = new SystemClock()
  let next = 0
  const one = (): void => {
    const [verdict] = attendance.record([cardReport(next++, clock)])
    if (verdict !== 'accepted') throw new Error(`store: a punch was ${verdict ?? 'lost'}`)
  }
  return { append: async (ms) => timed(ms, one), wal: `${file}-wal`, close: () => journal.close() }
}

/** Bytes of evidence in a row, as a punch leaves them. */
export function bodyBytes(folder: string): number {
  const db = new Database(join(folder, 'journal.db'), { readonly: true })
  const bytes = db.prepare<[], number>('SELECT length(body) FROM record ORDER BY seq DESC LIMIT 1').pluck().get()
  db.close()
  return bytes ?? 0
}

/** The loop in C where it can be compiled: in JavaScript it is a little slower, which would flatter us. */
export function fdatasyncLoop(folder: string): Appending {
  const file = join(folder, 'appended')
  const program = compile('append-loop', folder)
  if (program === undefined) return { append: async (ms) => scriptedLoop(file, ms), by: 'JavaScript', close: () => {} }
  const append = async (ms: number): Promise<number[]> => {
    const child = start(program, [file, String(LOOP_BYTES), String(ms)], { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = (await outputOf(child, 'append-loop')).trimEnd().split('\n')
    return lines.map((nanoseconds) => Number(nanoseconds) / 1_000)
  }
  return { append, by: 'C', close: () => {} }
}

function scriptedLoop(file: string, ms: number): number[] {
  const record = Buffer.alloc(LOOP_BYTES, 'x')
  const fd = openSync(file, 'a')
  const took = timed(ms, () => {
    writeSync(fd, record)
    fdatasyncSync(fd)
  })
  closeSync(fd)
  return took
}

/** The same rows through the same binding, and nothing of ours. */
export function rawBetterSqlite3(folder: string, bytes: number): Appending {
  const file = join(folder, 'raw.db')
  const db = new Database(file)
  for (const pragma of ['journal_mode = WAL', 'synchronous = FULL', 'mmap_size = 0', 'cell_size_check = ON'])
    db.pragma(pragma)
  db.exec(`CREATE TABLE record(seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, channel TEXT NOT NULL, wall INTEGER NOT NULL,
    id BLOB NOT NULL, body BLOB, prev_hash BLOB NOT NULL, hash BLOB NOT NULL, sig BLOB NOT NULL, commitment BLOB) STRICT`)
  // This build drops to NORMAL after the first write in WAL mode.
  db.pragma('synchronous = FULL')
  const insert = db.prepare(
    'INSERT INTO record(seq, kind, channel, wall, id, body, prev_hash, hash, sig) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const [id, hash, sig, body] = [16, 32, 64, bytes].map((length) => Buffer.alloc(length, 'x'))
  let seq = 0
  const one = (): void => void insert.run(++seq, 'punch', READER, Date.now(), id, body, hash, hash, sig)
  one()
  if (db.pragma('synchronous', { simple: true }) !== 2) throw new Error('store: raw better-sqlite3 is not durable')
  return { append: async (ms) => timed(ms, one), wal: `${file}-wal`, close: () => db.close() }
}

/** The same rows in C; undefined without compiler or library. */
export function rawSqlite(folder: string, bytes: number): Appending | undefined {
  const program = compile('sqlite-append', folder, [], { header: 'sqlite3.h', name: 'sqlite3' })
  if (program === undefined) return undefined
  const file = join(folder, 'raw-c.db')
  const child = start(program, [file, String(bytes)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = answersOf(child)
  const append = async (ms: number): Promise<number[]> => {
    child.stdin?.write(`${ms}\n`)
    const { value } = await answers.next()
    if (value === undefined) throw new Error('store: sqlite-append ended')
    return value
  }
  return { append, wal: `${file}-wal`, close: () => child.stdin?.end() }
}

/** Lines up to the next empty one. */
async function* answersOf({ stdout }: ChildProcess): AsyncGenerator<number[], undefined> {
  if (!stdout) return
  let took: number[] = []
  for await (const line of createInterface({ input: stdout })) {
    if (line !== '') {
      took.push(Number(line) / 1_000)
      continue
    }
    yield took
    took = []
  }
}

function timed(ms: number, append: () => void): number[] {
  const took: number[] = []
  const last = performance.now() + ms
  for (let before = performance.now(); before < last;) {
    append()
    const after = performance.now()
    took.push((after - before) * 1_000)
    before = after
  }
  return took
}

/** Until the write-ahead log is reused instead of growing. */
export async function warmUp({ wal, append }: Appending): Promise<void> {
  let same = 0
  let size = 0
  for (let done = 0; wal !== undefined && done < WARM_UP_MOST && same < 3;) {
    for (let step = 0; step < WARM_UP_STEP;) step += (await append(STEP_MS)).length
    done += WARM_UP_STEP
    const now = statSync(wal).size
    same = now === size ? same + 1 : 0
    size = now
  }
}
