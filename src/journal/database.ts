/** Opens the SQLite file so that a commit means "on disk", or says why not. The only place that knows its pragmas. */
import Database from 'better-sqlite3'
import { closeSync, existsSync, mkdirSync, openSync, readSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { EXIT, JournalError, messageOf, VerbError, type ErrorCode } from '../errors.js'
import { PEOPLE_TABLES } from './people-tables.js'

export type SqliteDatabase = Database.Database

/** "PNCH": marks the file as ours, so that another program's database is never written to. */
const APPLICATION_ID = 0x504e4348
const FORMAT = 3
/** Below this, a second connection can lose committed rows (the WAL-reset bug). */
const OLDEST_SQLITE = [3, 51, 3] as const
/** Up to this size the whole file is checked at start; it takes about a tenth of a second. */
const CHECKED_BYTES = 64 * 1024 * 1024

/**
 * `record`: `body` is sealed, null once it was erased; then `commitment` keeps the chain whole. `once`: 16 bytes for each thing that
 * may be stored once only; kept when the record is deleted, as a terminal may offer its whole log again after years.
 * `memory`: what drivers wish to find again after a restart, sealed.
 */
const TABLES = `
  CREATE TABLE meta(
    only INTEGER PRIMARY KEY CHECK (only = 1),
    journal TEXT NOT NULL,
    settled INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE record(
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    channel TEXT NOT NULL,
    wall INTEGER NOT NULL,
    id BLOB NOT NULL,
    body BLOB,
    prev_hash BLOB NOT NULL,
    hash BLOB NOT NULL,
    sig BLOB NOT NULL,
    commitment BLOB
  ) STRICT;
  CREATE TABLE parked(
    seq INTEGER PRIMARY KEY,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    wall INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE once(key BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE memory(
    reader TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (reader, key)
  ) STRICT, WITHOUT ROWID;
`

/** Opens the journal file for the daemon, making it when there is none. `journalId` names a new journal. */
export function openDatabase(file: string, journalId: string): SqliteDatabase {
  return translating(file, () => {
    const fresh = isUnmade(file)
    if (fresh) mkdirSync(dirname(file), { recursive: true, mode: 0o750 })
    else inspect(file)
    // point: start.folder-made
    const db = new Database(file)
    try {
      requireSqlite(db)
      setPragmas(db)
      // point: start.pragmas-set
      if (fresh) create(db, journalId)
      // point: start.before-durability
      requireDurability(db)
      return db
    } catch (error) {
      db.close()
      throw error
    }
  })
}

/** True when there is no journal yet, also when a first start was cut short before its tables were there. */
export function isUnmade(file: string): boolean {
  if (!existsSync(file) || statSync(file).size === 0) return true
  return translating(file, () => {
    const db = new Database(file, { readonly: true })
    try {
      // WAL mode is set, and thereby a header written, before anything else.
      const tables = db.prepare<[], number>('SELECT count(*) FROM sqlite_schema').pluck().get()
      return tables === 0 && db.pragma('application_id', { simple: true }) === 0
    } finally {
      db.close()
    }
  })
}

/** For verbs: throws VerbError when there is no journal yet. */
export function requireJournal(file: string): void {
  if (existsSync(file)) return
  const hint = 'has the daemon run yet with this configuration? It makes the journal, and its keys'
  throw new VerbError(EXIT.unavailable, 'daemon-absent', `there is no journal at ${file}`, { hint })
}

/** Opens the journal for reading beside a running daemon. */
export function openForReading(file: string): SqliteDatabase {
  requireJournal(file)
  return translating(file, () => {
    inspect(file)
    return new Database(file, { readonly: true })
  })
}

/** Looks at an existing file without changing it: is it ours, and whole? */
function inspect(file: string): void {
  const db = new Database(file, { readonly: true })
  try {
    const application = db.pragma('application_id', { simple: true })
    const format = Number(db.pragma('user_version', { simple: true }))
    if (application !== APPLICATION_ID) throw foreign(file, 'is a database of another program')
    if (format > FORMAT)
      throw foreign(file, `was written by a newer punchd (format ${format}, this one knows ${FORMAT})`)
    // Before the first release: no proofs, nothing sealed.
    if (format < FORMAT) throw foreign(file, `was written by a trial version (format ${format}) that left no proofs`)
    if (statSync(file).size > CHECKED_BYTES) return
    const verdict = String(db.pragma('quick_check(1)', { simple: true }))
    if (verdict !== 'ok') throw corrupt(file, verdict)
  } finally {
    db.close()
  }
}

function foreign(file: string, why: string): JournalError {
  return new JournalError('journal-foreign', `${file} ${why}; it was left as it is`, {
    hint: 'set data.path to another directory, or move the file away',
  })
}

function corrupt(file: string, detail: string, cause?: unknown): JournalError {
  return new JournalError('journal-corrupt', `${file} is damaged (${detail.split('\n')[0]}); it was left as it is`, {
    hint: 'keep a copy of the whole directory; move it away to start a new journal, or restore a backup',
    cause,
  })
}

function requireSqlite(db: SqliteDatabase): void {
  const version = String(db.prepare('SELECT sqlite_version()').pluck().get())
  const parts = version.split('.').map(Number)
  for (const [index, least] of OLDEST_SQLITE.entries()) {
    const part = parts[index] ?? 0
    if (part > least) return
    if (part < least) {
      throw new JournalError(
        'journal-unsafe',
        `SQLite ${version} can lose committed rows; ${OLDEST_SQLITE.join('.')} or newer is needed`,
      )
    }
  }
}

function setPragmas(db: SqliteDatabase): void {
  db.pragma('journal_mode = WAL')
  // better-sqlite3's build drops to NORMAL after the first write in WAL mode, and NORMAL loses rows at a power cut.
  db.pragma('synchronous = FULL')
  db.pragma('busy_timeout = 5000')
  db.pragma('mmap_size = 0')
  db.pragma('cell_size_check = ON')
  db.pragma('trusted_schema = OFF')
  db.pragma('temp_store = MEMORY')
  // What was erased, or sealed with an old key, must not stand in pages that were given free.
  db.pragma('secure_delete = ON')
}

function create(db: SqliteDatabase, journalId: string): void {
  db.transaction(() => {
    db.exec(TABLES)
    // point: start.tables-made
    db.exec(PEOPLE_TABLES)
    db.pragma(`application_id = ${APPLICATION_ID}`)
    db.pragma(`user_version = ${FORMAT}`)
    db.prepare('INSERT INTO meta(only, journal, settled) VALUES (1, ?, 0)').run(journalId)
  })()
}

/** Writes once, then reads back what SQLite really does: before the first write the pragma tells nothing. */
function requireDurability(db: SqliteDatabase): void {
  db.exec('UPDATE meta SET settled = settled WHERE only = 1')
  const mode = String(db.pragma('journal_mode', { simple: true }))
  const synchronous = Number(db.pragma('synchronous', { simple: true }))
  if (mode !== 'wal' || synchronous < 2) {
    throw new JournalError(
      'journal-unsafe',
      `SQLite runs with journal_mode=${mode}, synchronous=${synchronous}; wal and 2 are needed`,
      {
        hint: 'is data.path on a network or FUSE file system? Use a local disk',
      },
    )
  }
}

const CODES: readonly (readonly [RegExp, ErrorCode])[] = [
  [/^SQLITE_FULL/, 'journal-full'],
  [/^SQLITE_NOTADB/, 'journal-foreign'],
  [/^SQLITE_CORRUPT/, 'journal-corrupt'],
]

/** Runs `work`; what SQLite or the file system throws becomes a JournalError. */
export function translating<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw translated(file, error)
  }
}

export function translated(file: string, error: unknown): unknown {
  if (error instanceof JournalError || !(error instanceof Error)) return error
  const code = 'code' in error ? String(error.code) : ''
  const known = CODES.find(([pattern]) => pattern.test(code))?.[1]
  if (known === 'journal-foreign')
    return beginsLikeSqlite(file) ? corrupt(file, 'its header', error) : foreign(file, 'is not a SQLite database')
  if (known === 'journal-corrupt') return corrupt(file, messageOf(error), error)
  if (known)
    return new JournalError(known, `${file}: ${messageOf(error)}`, {
      hint: 'free some space on this disk',
      cause: error,
    })
  if (code === 'ENOSPC') return new JournalError('journal-full', messageOf(error), { cause: error })
  if (!/^(SQLITE_|E[A-Z]+$)/.test(code)) return error
  const hint = /READONLY|CANTOPEN|EACCES|EPERM|EROFS/.test(code)
    ? `may this user write ${dirname(file)}?`
    : 'look at the kernel log for disk errors'
  return new JournalError('journal-io', `${file}: ${messageOf(error)}`, { hint, cause: error })
}

/** SQLite says "not a database" of a damaged header, too. */
function beginsLikeSqlite(file: string): boolean {
  const magic = Buffer.alloc(16)
  const fd = openSync(file, 'r')
  readSync(fd, magic)
  closeSync(fd)
  return magic.toString('latin1') === 'SQLite format 3\0'
}
