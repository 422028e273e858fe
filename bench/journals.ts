/** Journals with many records in them, made once per run: each is a second's work for seven thousand records. */
import Database from 'better-sqlite3'
import { closeSync, copyFileSync, cpSync, existsSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { SystemClock } from '../src/clock.js'
import { journalFile } from '../src/config/paths.js'
import { cardReport, openAttendance } from './fixture.js'

const BATCH = 500
const SAY_EVERY = 100_000
const PAYLOADS_MOST = 20_000

/** What a journal is made of besides its database: keys, and the anchor. */
const BESIDE = ['keys', 'anchor']

export class Journals {
  readonly #folder: string
  readonly #say: (progress: string) => void
  readonly #made = new Map<number, string>()

  constructor(folder: string, say: (progress: string) => void) {
    this.#folder = folder
    this.#say = say
  }

  /** A new data folder at `to` with a journal of `count` punches; the newest `waiting` of them are not settled. Returns the file. */
  async copy(count: number, to: string, waiting = count): Promise<string> {
    const from = await this.#filled(count)
    mkdirSync(to, { recursive: true })
    const file = journalFile({ data: { path: to } })
    copyFileSync(journalFile({ data: { path: from } }), file)
    for (const name of BESIDE) if (existsSync(join(from, name))) cpSync(join(from, name), join(to, name), { recursive: true }) // prettier-ignore
    if (waiting < count) settle(file, count - waiting)
    // A gigabyte on its way to the disk would be in the way of what is measured.
    sync(file)
    return file
  }

  /** Punches of such a journal as they are sent after an outage, 20,000 at most. */
  async payloads(count: number): Promise<string[]> {
    const { journal } = openAttendance(journalFile({ data: { path: await this.#filled(count) } }))
    const { records } = journal.tail(0, Math.min(count, PAYLOADS_MOST))
    journal.close()
    return records.map(({ body }) => `${body.toString()},"delivery":{"attempt":1,"delayed":true}}`)
  }

  async #filled(count: number): Promise<string> {
    const known = this.#made.get(count)
    if (known !== undefined) return known
    const path = join(this.#folder, String(count))
    mkdirSync(path, { recursive: true })
    await fill(journalFile({ data: { path } }), count, this.#say)
    this.#made.set(count, path)
    return path
  }
}

async function fill(file: string, count: number, say: (progress: string) => void): Promise<void> {
  const clock = new SystemClock()
  const { journal, attendance } = openAttendance(file)
  for (let from = 0; from < count; from += BATCH) {
    const length = Math.min(BATCH, count - from)
    attendance.record(Array.from({ length }, (_, index) => cardReport(from + index, clock)))
    if ((from + length) % SAY_EVERY === 0) say(`a journal of ${count} records: ${from + length}`)
    // A signal must be heard.
    await turn()
  }
  journal.head.anchor()
  journal.close()
}

function settle(file: string, seq: number): void {
  const db = new Database(file)
  db.prepare('UPDATE meta SET settled = ? WHERE only = 1').run(seq)
  db.close()
}

function sync(file: string): void {
  const fd = openSync(file, 'r+')
  fsyncSync(fd)
  closeSync(fd)
}
