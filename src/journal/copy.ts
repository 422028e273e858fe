/** A copy of the journal while the daemon writes, checked before it is called one. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { JournalError } from '../errors.js'
import { damagesIn } from './check.js'
import { openForReading, translating, type SqliteDatabase } from './database.js'
import { openKeys, type JournalKeys } from './keys.js'
import { Sealing } from './sealing.js'
import type { Row } from './statements.js'

export interface Copied {
  readonly journal: string
  readonly records: number
  readonly lastSeq: number
  /** Lower-case hex; empty when there are no records. */
  readonly head: string
}

type Stored = Row & { readonly commitment: Buffer | null }

const PAGE = 1_000
const ROWS =
  'SELECT seq, kind, channel, wall, body, prev_hash AS prevHash, hash, sig, commitment FROM record WHERE seq > ? ORDER BY seq LIMIT ?'

/**
 * Copies the journal `from` to `to`, which must not exist. One read transaction: what is stored meanwhile is not in it.
 * Throws JournalError; then there is no file `to`.
 */
export function copyJournal(from: string, to: string, onRecord: (count: number) => void): Copied {
  const half = `${to}.half`
  rmSync(half, { force: true })
  try {
    const source = openForReading(from)
    try {
      translating(from, () => source.prepare('VACUUM INTO ?').run(half))
    } finally {
      source.close()
    }
    // point: copy.made
    const copied = checkCopy(half, openKeys(dirname(from), false), onRecord)
    flush(half)
    // point: copy.checked
    renameSync(half, to)
    // point: copy.renamed
    flush(dirname(to))
    return copied
  } finally {
    rmSync(half, { force: true })
  }
}

/** Reads all of a copy; throws JournalError at the first record that is not what was stored. */
export function checkCopy(file: string, keys: JournalKeys, onRecord: (count: number) => void): Copied {
  if (!existsSync(file)) throw new JournalError('journal-foreign', `there is no file ${file}`)
  const db = openForReading(file)
  try {
    return translating(file, () => check(db, file, new Sealing(keys), onRecord))
  } finally {
    db.close()
    for (const end of ['-shm', '-wal']) rmSync(`${file}${end}`, { force: true })
  }
}

function check(db: SqliteDatabase, file: string, sealing: Sealing, onRecord: (count: number) => void): Copied {
  const page = db.prepare<[number, number], Stored>(ROWS)
  let previous: Stored | undefined
  let records = 0
  for (;;) {
    const rows = page.all(previous?.seq ?? 0, PAGE)
    const [damage] = damagesIn(rows, previous, sealing)
    if (damage) {
      throw new JournalError(
        'journal-corrupt',
        `record ${damage.seq} of ${file} is not what was stored (${damage.what})`,
        {
          hint: 'punchd verify tells more; no copy was made of it',
        },
      )
    }
    records += rows.length
    onRecord(records)
    previous = rows.at(-1) ?? previous
    if (rows.length < PAGE) break
  }
  const { journal } = db.prepare<[], { journal: string }>('SELECT journal FROM meta').get() ?? { journal: '' }
  return { journal, records, lastSeq: previous?.seq ?? 0, head: previous?.hash.toString('hex') ?? '' }
}

function flush(path: string): void {
  const fd = openSync(path, 'r')
  fsyncSync(fd)
  closeSync(fd)
}
