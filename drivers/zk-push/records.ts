/** What one terminal sends becomes records: stored before it is thanked for. */
import type { HttpReply, HttpRequest, ReaderId, ReaderSession, Sighting } from '../../src/driver.js'
import * as codec from './codec.js'
import type { Config, PointOptions } from './config.js'
import { Lag } from './lag.js'

export type Session = ReaderSession<Config, 'http'>

export const OK: HttpReply = { status: 200, body: 'OK' }
/** The terminal keeps what it sent and sends it again. [ZKPUSH §1] */
const AGAIN: HttpReply = { status: 503, body: 'ERROR: not stored, send again' }
const MALFORMED: HttpReply = { status: 400, body: 'ERROR: incomplete' }

/** Reports under way at a time: a commit takes so many. */
const BATCH = 500
/** A clock this far off makes records wrong by minutes. [ZKPUSH §6] */
const CLOCK_OFF_MS = 120_000
const MOST_ROW = 256

/** What is kept across restarts. */
interface Kept {
  readonly stamps: Readonly<Record<string, string>>
  readonly aheadMs?: number | undefined
}

/** A row that became a claim. */
interface Punch {
  readonly user: string
  readonly verify: string
  readonly wall: number
  readonly key: string
  readonly raw: Readonly<Record<string, string | number>>
}

export class Records {
  readonly #session: Session
  readonly #point: ReaderId
  readonly #codes: PointOptions['verifyCodes']
  #stamps: Record<string, string> = {}
  #lag = new Lag()
  #kept = ''
  #saidOff = false

  constructor(session: Session, point: ReaderId, codes: PointOptions['verifyCodes']) {
    this.#session = session
    this.#point = point
    this.#codes = codes
  }

  /** The last stamps that came with what is stored, by table. */
  get stamps(): Readonly<Record<string, string>> {
    return this.#stamps
  }

  /** Reads what earlier runs knew. */
  async restore(): Promise<void> {
    const text = await this.#session.recall(this.#point)
    if (text === undefined) return
    const { stamps, aheadMs } = JSON.parse(text) as Kept // Written by #keep.
    this.#stamps = { ...stamps }
    this.#lag = new Lag(aheadMs)
    this.#kept = text
  }

  /** The terminal said something. */
  heard(uptime: number): void {
    this.#lag.heard(uptime)
  }

  /** `table=ATTLOG`: OK only after the records are on disk. */
  async takeAttendance(request: HttpRequest): Promise<HttpReply> {
    if (!request.complete) return MALFORMED
    const lines = codec.linesOf(request.body)
    const punches: Punch[] = []
    for (const line of lines) {
      const row = codec.attendanceRow(line)
      const wall = row && this.#wallOf(row.local, row.offsetSeconds)
      if (row && wall !== undefined) punches.push(punchOf(row, wall))
      else await this.#unread('ATTLOG', line)
    }
    if (!(await this.#store(punches, request))) return AGAIN
    await this.#remember('ATTLOG', request.query['stamp'])
    return { status: 200, body: `OK:${lines.length}` }
  }

  /** `table=rtlog` of access control. */
  async takeDoorEvents(request: HttpRequest): Promise<HttpReply> {
    if (!request.complete) return MALFORMED
    const punches: Punch[] = []
    for (const line of codec.linesOf(request.body)) {
      const found = codec.doorEvent(line)
      const wall = found && this.#wallOf(found.local, undefined)
      if (!found || wall === undefined) await this.#unread('rtlog', line)
      else if (codec.isPassage(found)) punches.push(passageOf(found, wall))
      else await this.#door(found, line)
    }
    return (await this.#store(punches, request)) ? OK : AGAIN
  }

  /** `table=OPERLOG`: who changed what at the terminal. Names and templates among it are not read. */
  async takeOperations(request: HttpRequest): Promise<HttpReply> {
    if (!request.complete) return MALFORMED
    const lines = codec.linesOf(request.body)
    for (const line of lines) {
      const found = codec.operationIn(line)
      if (!found) continue
      const detail = { what: found.what, operator: found.operator, terminalTime: found.local }
      await this.#session.event('terminal-operation', detail, this.#point, line)
    }
    await this.#remember('OPERLOG', request.query['opstamp'] ?? request.query['stamp'])
    return { status: 200, body: `OK:${lines.length}` }
  }

  #wallOf(local: string, offsetSeconds: number | undefined): number | undefined {
    const wall = this.#session.zone.wallOf(local)
    if (wall === undefined || offsetSeconds === undefined) return wall
    return Date.parse(`${local.replace(' ', 'T')}Z`) - offsetSeconds * 1_000
  }

  /** True when all are on disk. */
  async #store(punches: readonly Punch[], request: HttpRequest): Promise<boolean> {
    if (punches.length === 0) return true
    const { arrived } = request
    const { wall: now, uptime, state } = arrived
    const late = this.#lag.late({
      wall: now,
      uptime,
      isSynced: state === 'synced',
      rows: punches.map(({ wall }) => wall),
    })
    this.#session.count('goodFrames', punches.length)
    this.#tellClock()
    for (let from = 0; from < punches.length; from += BATCH) {
      const sightings = punches.slice(from, from + BATCH).map((punch, at) => this.#sighting(punch, request, late[from + at] === true)) // prettier-ignore
      const verdicts = await Promise.all(sightings.map((sighting) => this.#session.report(sighting)))
      if (verdicts.includes('refused')) return false
    }
    return true
  }

  #sighting({ user, verify, wall, key, raw }: Punch, { arrived }: HttpRequest, late: boolean): Sighting {
    const { aheadMs } = this.#lag
    const scope = this.#session.config.users === 'site' ? 'global' : this.#point
    return {
      credential: { type: 'user', value: user, scope },
      method: codec.methodOf(verify, this.#codes),
      arrived,
      point: this.#point,
      raw,
      claim: { wall, key, late, ...(aheadMs !== undefined && { aheadMs }) },
    }
  }

  #tellClock(): void {
    const { aheadMs } = this.#lag
    if (aheadMs === undefined) return
    this.#session.measure({ clockAheadMs: aheadMs }, this.#point)
    const isOff = Math.abs(aheadMs) > CLOCK_OFF_MS
    if (isOff && !this.#saidOff) void this.#session.event('terminal-clock-off', { aheadMs }, this.#point)
    this.#saidOff = isOff
  }

  /** What cannot be read is kept as it came and answered for: refused, it would be sent for ever. */
  async #unread(table: string, line: string): Promise<void> {
    this.#session.count('badFrames')
    const detail = { table, row: line.slice(0, MOST_ROW) }
    await this.#session.event('terminal-row-unread', detail, this.#point, line)
  }

  async #door({ event, local, user }: codec.DoorEvent, line: string): Promise<void> {
    // Doors that open and close by themselves say nothing to anybody.
    if (event < 20 || (event >= 200 && event < 4_000)) return
    const detail = { event, terminalTime: local, known: user !== '' && user !== '0' }
    await this.#session.event('terminal-door', detail, this.#point, line)
  }

  async #remember(table: string, stamp: string | undefined): Promise<void> {
    if (stamp !== undefined && /^[\w:-]{1,32}$/.test(stamp)) this.#stamps[table] = stamp
    const text = JSON.stringify({ stamps: this.#stamps, aheadMs: this.#lag.aheadMs } satisfies Kept)
    if (text === this.#kept) return
    this.#kept = text
    // Behind by an upload after a crash is harmless: what comes again is known.
    await this.#session.remember(this.#point, text).catch(() => (this.#kept = ''))
  }
}

function punchOf({ user, local, status, verify }: codec.AttendanceRow, wall: number): Punch {
  const raw = { status, verify, terminalTime: local }
  return { user, verify, wall, raw, key: `${user}|${local}|${status}|${verify}` }
}

function passageOf({ user, local, verify, index, event, inOut }: codec.DoorEvent, wall: number): Punch {
  const raw = { event, verify, inOut, index, terminalTime: local }
  return { user, verify, wall, raw, key: `${index}|${local}|${user}` }
}
