/** The log of the terminal: what of it was read already, and what is new. */
import { createHash } from 'node:crypto'
import { ProtocolError } from '../../src/driver.js'
import type { ClockWatch } from './clock-watch.js'
import { COMMAND, REPLY } from './codec.js'
import type { Session } from './config.js'
import type { Link } from './link.js'
import { Punches, type Rows } from './punches.js'
import { countsOf, isRowSize, usersOf } from './records.js'
import { parseProgress, type Progress } from './progress.js'
import { prepare, refused, TABLE, type Table } from './transfer.js'

const REMEMBERED = 'log'
/** By these last rows a log is known again. */
const KNOWN_ROWS = 16
const MOST_AT_ONCE = 500
/** The count may change while the log is read. [ZK4370 §7] */
const ROUNDS = 6
/** Punches made between the count and the read. */
const MOST_MEANWHILE = 50
const HEARD_MS = 120_000
/** Rows that a full log may have forgotten since it was read: in a look at its end, and when all of it is read. */
const FEW_FORGOTTEN = 100
const MANY_FORGOTTEN = 5_000
const NO_ROWS = new Uint8Array()

/** `new`: rows were reported. `same`: none were there. `refused`: some could not be stored. */
export type Outcome = 'new' | 'same' | 'refused'

type Counts = NonNullable<ReturnType<typeof countsOf>>

export class AttendanceLog {
  readonly #session: Session
  readonly #link: Link
  readonly #clocks: ClockWatch
  readonly #punches: Punches
  readonly #serial: string
  #progress: Progress | undefined
  /** This firmware hands out its buffer from the start only. */
  #isWholeOnly = false

  constructor(session: Session, link: Link, clocks: ClockWatch, serial: string) {
    this.#session = session
    this.#link = link
    this.#clocks = clocks
    this.#serial = serial
    this.#punches = new Punches(session, clocks)
  }

  /** What earlier runs read. Another terminal in the same place has another log. */
  async recall(): Promise<void> {
    const progress = parseProgress(await this.#session.recall(REMEMBERED))
    this.#progress = progress?.serial === this.#serial ? progress : undefined
  }

  /** Reads and reports what is new. `hinted`: there must be something, even when the count is the same. */
  async reconcile(hinted: boolean): Promise<Outcome> {
    let outcome: Outcome = 'same'
    for (let [round, look] = [0, hinted]; round < ROUNDS; round++) {
      const counts = await this.#counts()
      if (this.#progress && counts.records < this.#progress.count) await this.#cleared(counts.records)
      if (counts.records === this.#progress?.count && !look) return outcome
      const rows = await this.#newRows(counts)
      if (rows === undefined) continue
      look = false
      if (rows.bytes.length > 0) outcome = 'new'
      if (!(await this.#report(rows, counts))) return 'refused'
    }
    // Somebody punches all the time, and all but the last are reported: the next look has them.
    if (outcome === 'new') return outcome
    throw new ProtocolError('protocol-broken', 'the log of the terminal is not as long as its count of records says', {
      hint: 'switch the terminal off and on; if that does not help, tell the makers of punchd its model and firmware',
    })
  }

  async #counts(): Promise<Counts> {
    const { frame } = await this.#link.ask(COMMAND.freeSizes)
    const counts = frame.command === REPLY.ok ? countsOf(frame.data) : undefined
    if (!counts) throw refused('to count its records', frame)
    return counts
  }

  /** Undefined when the count changed meanwhile, and what was read cannot be told apart. */
  async #newRows(counts: Counts): Promise<Rows | undefined> {
    const table = await prepare(this.#link, TABLE.attendance)
    const known = this.#progress?.size ?? 0
    const count = table.bytes / known
    const fits = Number.isInteger(count) && count >= counts.records && count <= counts.records + MOST_MEANWHILE
    const size = fits ? known : table.bytes / counts.records
    const isEmpty = table.bytes === 0 && counts.records === 0
    const isLog = isEmpty || (isRowSize(size) && table.bytes / size >= (this.#progress?.count ?? 0))
    const rows = isLog ? await this.#rowsOf(table, isEmpty ? 0 : size) : undefined
    await table.free()
    // A size not known from before is right only when no row came between count and read. [ZK4370 §5]
    return fits || (await this.#counts()).records === counts.records ? rows : undefined
  }

  /** The rows behind those known from before; undefined when these are not in their place any more. */
  async #rowsOf(table: Table, size: number): Promise<Rows | undefined> {
    const { count = 0, digest = '', size: knownSize } = this.#progress ?? {}
    const known = knownSize === size ? Math.min(count, KNOWN_ROWS) : 0
    const arrangement = { count, size, known, digest }
    if (known === 0) return { before: NO_ROWS, size, first: 0, ...(await table.read(0)) }
    if (!this.#isWholeOnly) {
      const from = Math.max(0, count - known - FEW_FORGOTTEN)
      const tail = behind(await table.read(from * size), from, arrangement)
      if (tail) return tail
    }
    const again = await this.#anew(table)
    const rest = behind(await again.read(0), 0, arrangement)
    if (rest?.first === count) this.#isWholeOnly = true
    if (!rest) await this.#cleared(again.bytes / size)
    return rest
  }

  /** Firmware that does not jump in its buffer has given a part of it away. */
  async #anew(table: Table): Promise<Table> {
    await table.free()
    return prepare(this.#link, TABLE.attendance)
  }

  /** Reports them in portions; what is stored of them is remembered, so that it need not be read again. */
  async #report(rows: Rows, counts: Counts): Promise<boolean> {
    const { signal, clock } = this.#session
    if (rows.bytes.length > 0) await this.#clocks.compare()
    if (this.#punches.needsUsers(rows)) await this.#readUsers(counts)
    const now = clock.uptime()
    this.#link.heard = this.#link.heard.filter(({ arrived }) => now - arrived.uptime < HEARD_MS)
    const step = MOST_AT_ONCE * rows.size
    let isStored = true
    for (let at = 0; step > 0 && at < rows.bytes.length && isStored; at += step) {
      const bytes = rows.bytes.subarray(at, at + step)
      isStored = await this.#punches.report({ ...rows, bytes, first: rows.first + at / rows.size }, this.#link.heard)
      if (isStored) await this.#remember(rows, at + bytes.length)
      signal.throwIfAborted()
    }
    await this.#punches.closeLook()
    if (rows.bytes.length === 0 && !this.#progress) await this.#remember(rows, 0)
    return isStored
  }

  /** The first `end` bytes of these rows are stored. */
  async #remember({ before, bytes, size, first }: Rows, end: number): Promise<void> {
    const count = size === 0 ? 0 : first + end / size
    const last = Buffer.concat([before, bytes.subarray(0, end)]).subarray(-KNOWN_ROWS * size)
    this.#progress = { serial: this.#serial, count, size, digest: digestOf(last) }
    try {
      await this.#session.remember(REMEMBERED, JSON.stringify(this.#progress))
    } catch {
      // The next run reads more than it must, and the journal knows it again.
    }
  }

  async #readUsers({ users }: Counts): Promise<void> {
    const table = await prepare(this.#link, TABLE.users)
    const { bytes } = await table.read(0)
    await table.free()
    const known = usersOf(bytes, users)
    if (known) this.#punches.users = known
  }

  async #cleared(now: number): Promise<void> {
    const before = this.#progress?.count ?? 0
    this.#progress = undefined
    this.#session.log.warn('Log of the terminal was cleared', { event: 'terminal-log-cleared', before, now })
    await this.#session.event('terminal-log-cleared', { before, now })
  }
}

/** What is known of a log from before. */
interface Known {
  readonly count: number
  readonly size: number
  /** So many of its last rows. */
  readonly known: number
  readonly digest: string
}

/**
 * What is behind the known rows in a part of the log that begins with row `from`. A full log makes room by forgetting its
 * oldest rows: then the known ones have moved up. Undefined when they are not there.
 */
function behind(
  read: Awaited<ReturnType<Table['read']>>,
  from: number,
  { count, size, known, digest }: Known,
): Rows | undefined {
  const expected = (count - from) * size
  const least = Math.max(known * size, expected - MANY_FORGOTTEN * size)
  for (let end = expected; end >= least; end -= size) {
    const before = read.bytes.subarray(end - known * size, end)
    if (digestOf(before) === digest)
      return { before, bytes: read.bytes.subarray(end), size, first: from + end / size, arrived: read.arrived }
  }
  return undefined
}

function digestOf(rows: Uint8Array): string {
  return createHash('sha256').update(rows).digest('hex').slice(0, 32)
}
