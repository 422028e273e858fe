/**
 * The disk under the real SQLite: what is written to the journal's database passes here, by whichever connection. It fails when it
 * is told to, and knows what a cut in the midst of a commit leaves behind. Between the calls below the database is the real one.
 */
import Database from 'better-sqlite3'
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs' // prettier-ignore
import { dirname, join } from 'node:path'

/** A cut at a commit: nothing of it was written, some of it, or all of it and nobody was told. */
export type CutAt = 'before' | 'torn' | 'after'

/** Goes up through whatever was running when the process was killed. Nobody hears what it does with it. */
export class Killed extends Error {}

export interface DiskEvents {
  /** The armed cut: the process is gone when this returns. */
  readonly onCut: (at: CutAt) => void
  /** A write that failed; `written`: and yet is there. */
  readonly onFailure: (code: string, written: boolean) => void
  /** What a commit costs, in milliseconds. */
  readonly syncMs: () => number
}

/** Where the file that SQLite keeps beside its log says how many frames that has, and by which salt it goes. */
const FRAMES_AT = 16
const SALT_AT = 32
const SALT_END = 40
const WAL_HEADER = 32
const WAL_FRAME = 24 + 4_096
const WRITES = /^\s*(INSERT|UPDATE|DELETE)/i

export class Disk {
  readonly #file: string
  readonly #events: DiskEvents
  readonly #connections = new Set<Database.Database>()
  #armed: { readonly at: CutAt; readonly share: number } | undefined
  #dead = false
  /** Frames of the log that a power cut leaves; undefined: all. */
  #durable: number | undefined
  full = false
  /** The next write fails so. */
  failing: 'before' | 'after-write' | undefined
  /** Of a control: whatever is stored is not synced. */
  lax = false
  #calm = false
  /** Milliseconds that the commits since the last look took. */
  spentMs = 0

  constructor(file: string, events: DiskEvents) {
    this.#file = file
    this.#events = events
    DISKS.set(file, this)
    interpose()
  }

  get folder(): string {
    return dirname(this.#file)
  }

  /** The next commit is cut; `share`: how much of a torn one was written. */
  arm(at: CutAt, share: number): void {
    this.#armed = { at, share }
  }

  disarm(): void {
    this.#armed = undefined
  }

  /** What a person does at the console is no part of what is tested: it does not fail. */
  calmly<T>(act: () => T): T {
    this.#calm = true
    try {
      return act()
    } finally {
      this.#calm = false
    }
  }

  /** The process is gone: whatever still runs of it writes nothing. What it wrote is kept; see `swap`. */
  kill(power: 'on' | 'cut'): void {
    if (this.#dead) return
    this.#dead = true
    this.#armed = undefined
    this.#keep(power === 'cut' ? this.#durable : undefined)
  }

  /** Before the next start: what the last process left becomes what this one finds. */
  swap(): void {
    for (const connection of this.#connections) connection.close()
    this.#connections.clear()
    if (existsSync(this.#next)) {
      rmSync(this.folder, { recursive: true, force: true })
      renameSync(this.#next, this.folder)
    }
    this.#durable = undefined
    this.lax = false
    this.#dead = false
  }

  /** Nothing more is written here. */
  retire(): void {
    DISKS.delete(this.#file)
    for (const connection of this.#connections) connection.close()
    this.#connections.clear()
  }

  /** What the next process will find: the database of it. */
  get left(): string {
    return join(this.#next, 'journal.db')
  }

  get #next(): string {
    return `${this.folder}.next`
  }

  #keep(frames: number | undefined): void {
    rmSync(this.#next, { recursive: true, force: true })
    copyFolder(this.folder, this.#next)
    const log = `${this.left}-wal`
    if (frames !== undefined && existsSync(log)) truncateSync(log, Math.min(statSync(log).size, sizeOf(frames)))
  }

  seen(connection: Database.Database): void {
    if (!connection.readonly) this.#connections.add(connection)
  }

  /** A commit, or a write that is one. */
  write<T>(connection: Database.Database, work: () => T): T {
    if (this.#calm) return work()
    if (this.#dead) throw new Killed()
    if (this.lax) connection.pragma('synchronous = NORMAL')
    this.#failIf('before')
    const armed = this.#armed
    if (armed?.at === 'before') this.#cut('before')
    const isLax = Number(connection.pragma('synchronous', { simple: true })) < 2
    // A process that has read nothing yet has no index of the log either.
    if (armed || isLax) connection.pragma('user_version')
    const before = armed || isLax ? this.#log() : NO_LOG
    const result = work()
    this.spentMs += this.#events.syncMs()
    this.#durable = isLax ? Math.min(this.#durable ?? before.frames, this.#log().frames) : undefined
    if (armed) this.#cut(armed.at, before, armed.share)
    this.#failIf('after-write')
    return result
  }

  #failIf(when: 'before' | 'after-write'): void {
    if (this.full && when === 'before') this.#fail('SQLITE_FULL', false)
    if (this.failing !== when) return
    this.failing = undefined
    this.#fail(when === 'before' ? 'SQLITE_IOERR_WRITE' : 'SQLITE_IOERR_FSYNC', when === 'after-write')
  }

  #fail(code: string, written: boolean): never {
    this.#events.onFailure(code, written)
    throw new Database.SqliteError(code === 'SQLITE_FULL' ? 'database or disk is full' : 'disk I/O error', code)
  }

  /** The log as it is in the midst of the commit that went from `before` on. */
  #cut(at: CutAt, before = NO_LOG, share = 0): never {
    this.#armed = undefined
    this.#dead = true
    this.#keep(at === 'torn' ? tornAt(before, this.#log(), share) : undefined)
    this.#events.onCut(at)
    throw new Killed()
  }

  #log(): Log {
    const index = `${this.#file}-shm`
    if (!existsSync(index)) return NO_LOG
    const fd = openSync(index, 'r')
    const bytes = Buffer.alloc(SALT_END)
    readSync(fd, bytes, 0, SALT_END, 0)
    closeSync(fd)
    return { frames: bytes.readUInt32LE(FRAMES_AT), salt: bytes.toString('hex', SALT_AT) }
  }
}

/** How long the write-ahead log is, and which one it is. */
interface Log {
  readonly frames: number
  readonly salt: string
}

const NO_LOG: Log = { frames: 0, salt: '' }

/** So many frames of it are left, when the commit that made `after` of `before` came through by a share only. */
function tornAt(before: Log, after: Log, share: number): number {
  // A log that began anew holds nothing of before; one that did not grow holds nothing new.
  const begun = after.salt === before.salt ? before.frames : 0
  if (after.frames === begun) return begun
  return Math.min(begun + (after.frames - begun) * share, after.frames - 1 / WAL_FRAME)
}

function sizeOf(frames: number): number {
  return Math.floor(WAL_HEADER + frames * WAL_FRAME)
}

/** Not the index of the log: a process that begins makes it anew. */
function copyFolder(from: string, to: string): void {
  mkdirSync(to, { mode: 0o750 })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) copyFolder(source, target)
    else if (!entry.name.endsWith('-shm')) copyFileSync(source, target)
  }
}

const DISKS = new Map<string, Disk>()
let interposed = false

/** Once per process, below every connection: as LD_PRELOAD would, where the database is asked for a write. */
function interpose(): void {
  if (interposed) return
  interposed = true
  const { prototype } = Database
  // eslint-disable-next-line @typescript-eslint/unbound-method -- each is called with its connection below
  const { transaction, prepare, exec } = prototype
  prototype.transaction = function (this: Database.Database, work: never) {
    const real = transaction.call(this, work)
    const disk = diskOf(this)
    return disk ? throughDisk(disk, this, real) : real
  } as typeof transaction
  prototype.prepare = function (this: Database.Database, sql: string) {
    const statement = prepare.call(this, sql)
    const disk = diskOf(this)
    if (!disk || !WRITES.test(sql)) return statement
    const run = statement.run.bind(statement) as (...values: unknown[]) => Database.RunResult
    const guarded = (...values: unknown[]) => outside(disk, this, () => run(...values))
    return Object.defineProperty(statement, 'run', { value: guarded })
  } as typeof prepare
  prototype.exec = function (this: Database.Database, sql: string) {
    const disk = diskOf(this)
    return disk && WRITES.test(sql) ? outside(disk, this, () => exec.call(this, sql)) : exec.call(this, sql)
  }
}

function diskOf(connection: Database.Database): Disk | undefined {
  const disk = DISKS.get(connection.name)
  disk?.seen(connection)
  return disk
}

/** Within a transaction it is the commit that counts. */
function outside<T>(disk: Disk, connection: Database.Database, work: () => T): T {
  return connection.inTransaction ? work() : disk.write(connection, work)
}

type Transaction = ReturnType<Database.Database['transaction']>

function throughDisk(disk: Disk, connection: Database.Database, real: Transaction): Transaction {
  const guard = (run: (...values: unknown[]) => unknown) =>
    (...values: unknown[]): unknown => disk.write(connection, () => run(...values)) // prettier-ignore
  const kinds = {
    deferred: guard((...values) => real.deferred(...values)),
    immediate: guard((...values) => real.immediate(...values)),
    exclusive: guard((...values) => real.exclusive(...values)),
  }
  return Object.assign(guard(real), kinds) as Transaction
}
