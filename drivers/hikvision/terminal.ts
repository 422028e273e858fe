/** One terminal: takes what comes from it, looks after it, and asks for what did not come. */
import {
  DeviceError,
  ProtocolError,
  TransportError,
  type Moment,
  type Point,
  type PointTrouble,
} from '../../src/driver.js'
import { Bell } from './bell.js'
import { Care } from './care.js'
import { Client, hostOf, LoginRefused } from './client.js'
import type { Codes } from './codes.js'
import type { PointOptions, Session } from './config.js'
import type { Message } from './event.js'
import { HEARTBEAT_S, type About } from './isapi.js'
import { Ledger } from './ledger.js'
import { Schedule } from './schedule.js'
import { Taking } from './taking.js'
import { instantOf } from './time.js'

/** [FACE A2] */
const SILENCE_MS = 3 * HEARTBEAT_S * 1_000
const NOTHING = { found: 0, isWhole: true } as const

export interface TerminalParts {
  readonly session: Session
  readonly point: Point
  readonly options: PointOptions
  readonly serial: string
  readonly codes: Codes
  /** The path to which it is told to push. */
  readonly path: string
  readonly over: AbortSignal
}

export class Terminal {
  readonly serial: string
  readonly host: string
  /** Undefined for one that only pushes. */
  readonly client: Client | undefined
  /** Learnt from the terminal itself. */
  mac = ''
  readonly #parts: TerminalParts
  readonly #bell: Bell
  readonly #ledger: Ledger
  readonly #taking: Taking
  readonly #care: Care | undefined
  readonly #schedule: Schedule
  #state: 'new' | 'up' | 'lost' = 'new'
  #trouble = ''
  #hasBeats = false
  readonly #refused = new Set<string>()

  constructor(parts: TerminalParts) {
    const { session, point, options, serial, codes, over } = parts
    this.#parts = parts
    this.serial = serial
    this.host = hostOf(options.url)
    this.client = options.url === '' ? undefined : new Client(session, options, over)
    this.#bell = new Bell(session.clock)
    this.#ledger = new Ledger(session, serial)
    this.#taking = new Taking(session, point, codes, this.#ledger)
    const { client } = this
    this.#care = client && new Care({ ...parts, client, ledger: this.#ledger, taking: this.#taking })
    this.#schedule = new Schedule(session.clock, session.config.poll, client !== undefined)
  }

  get isUp(): boolean {
    return this.#state === 'up'
  }

  ring(): void {
    this.#bell.ring()
  }

  /** Something is missing: a text that could not be read, a stream that broke. */
  askSoon(): void {
    this.#schedule.gap()
    this.ring()
  }

  /** Until the session is over. Rejects only for a bug. */
  async watch(): Promise<void> {
    const { over } = this.#parts
    await this.#ledger.load()
    while (!over.aborted) {
      const due = this.#schedule.due()
      if (due === 'silence') await this.#isSilent()
      else if (due !== 'nothing' && this.#care) await this.#visit(this.#care, due === 'visit' || !this.isUp)
      await this.#ledger.save('sometimes')
      if (!over.aborted) await this.#bell.wait(this.#schedule.restMs())
    }
    await this.#ledger.save('now')
  }

  /** Something came from it. False when it must come again. */
  async take(message: Message, arrived: Moment): Promise<boolean> {
    this.#heard(message, arrived)
    const { record } = message
    if (!record) return true
    const taken = await this.#taking.take(record, arrived, 'live')
    if (taken === 'refused') return false
    const wall = this.#taking.wallOf(record)
    if (record.serialNo === undefined || wall === undefined) return true
    if (this.#ledger.note(record.serialNo, wall) === 'gap') {
      if (this.client) this.askSoon()
      // Nobody can be asked: what is missing stays missing.
      else this.#ledger.complete({ serialNo: record.serialNo, wall })
    }
    await this.#ledger.save('sometimes')
    return true
  }

  #heard(message: Message, arrived: Moment): void {
    const { session } = this.#parts
    if (message.kind === 'beat') this.#hasBeats = true
    const isWatched = this.#hasBeats || (this.client !== undefined && session.config.callback !== '')
    this.#schedule.heard(isWatched ? SILENCE_MS : Infinity)
    if (!this.client && message.kind === 'beat') this.#compare(message, arrived)
    if (isWatched) this.ring()
    if (this.isUp) return
    // One that can be asked is up when it answers.
    if (this.client) this.#schedule.visitNow()
    else this.#up({ model: 'Hikvision terminal', serial: this.serial })
  }

  /** A terminal that cannot be asked tells its time by its heartbeats, in whole seconds. */
  #compare({ time }: Message, arrived: Moment): void {
    const { session, point } = this.#parts
    const theirs = instantOf(time, session.zone)
    if (theirs === undefined) return
    this.#taking.aheadMs = theirs + 500 - arrived.wall
    session.measure({ clockAheadMs: this.#taking.aheadMs }, point.id)
  }

  /** Three intervals without a heartbeat: after a reboot some push only when they are told again. [FACE A2, corrections] */
  async #isSilent(): Promise<void> {
    this.#schedule.silent()
    if (!this.#care) {
      const hint = 'check power and network of the terminal, and the address to which it pushes'
      return this.#lose({ code: 'point-silent', reason: 'no heartbeat for 90 s', hint })
    }
    this.#care.disarm()
    this.#schedule.visitNow()
    if (this.#schedule.silences !== 2) return
    const hint = 'the terminal cannot reach callback: check that address, and firewalls between'
    this.#parts.session.log.warn('Terminal does not push', { point: this.#parts.point.id, hint })
    await this.#parts.session.event('push-missing', { hint }, this.#parts.point.id)
  }

  async #visit(care: Care, isFull: boolean): Promise<void> {
    const { session, point, over } = this.#parts
    this.#schedule.visiting()
    try {
      if (isFull) await this.#look(care)
      const { found, isWhole } = (await this.#unlessRefused('history', () => care.reconcile())) ?? NOTHING
      this.#schedule.visited(isFull, found, isWhole)
      if (found > 0) session.log.info('Records fetched from a terminal', { point: point.id, found })
    } catch (error) {
      if (!over.aborted) this.#failed(error, care)
    }
  }

  async #look(care: Care): Promise<void> {
    const about = await care.about()
    if (!isSame(about.serial ?? '', this.serial)) {
      const hint = `the terminal at this url is ${about.serial ?? ''}: correct url or serial of the point`
      throw new DeviceError('device-refused', `${this.host} is another terminal`, { hint })
    }
    this.mac = about.mac
    this.#up(about)
    await this.#unlessRefused('clock', () => care.compareClocks())
    const isTold = await this.#unlessRefused('listener', () => care.arm())
    if (isTold) this.#schedule.expect(SILENCE_MS)
  }

  /** What a terminal cannot do does not keep it from the rest. Told once. */
  async #unlessRefused<Result>(what: string, ask: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof DeviceError) || error instanceof LoginRefused) throw error
      if (this.#refused.has(what)) return undefined
      this.#refused.add(what)
      const { session, point } = this.#parts
      const facts = { what, reason: error.message, ...(error.hint !== undefined && { hint: error.hint }) }
      session.log.warn('Terminal refuses', { point: point.id, ...facts })
      await session.event('terminal-refuses', facts, point.id)
      return undefined
    }
  }

  #failed(error: unknown, care: Care): void {
    const isLoss = error instanceof TransportError || error instanceof ProtocolError
    if (!isLoss && !(error instanceof DeviceError)) throw error
    // Whoever was away may have forgotten what it was told.
    if (isLoss) care.disarm()
    this.#schedule.failed(error instanceof LoginRefused ? 'later' : 'soon')
    const code = isLoss ? 'point-silent' : 'device-refused'
    this.#lose({ code, reason: error.message, ...(error.hint !== undefined && { hint: error.hint }) })
  }

  #up({ model, firmware, serial }: Omit<About, 'mac' | 'arrived'>): void {
    if (this.isUp) return
    this.#state = 'up'
    this.#trouble = ''
    const { session, point } = this.#parts
    session.pointReady(point.id, { model, ...(firmware && { firmware }), ...(serial !== undefined && { serial }) })
  }

  #lose(trouble: PointTrouble): void {
    const { session, point } = this.#parts
    this.#state = 'lost'
    if (this.#trouble === `${trouble.code} ${trouble.reason}`) return
    this.#trouble = `${trouble.code} ${trouble.reason}`
    session.pointLost(point.id, trouble)
  }
}

/** Pushes name a terminal by the end of its serial number. [FACE A2] */
export function isSame(one: string, other: string): boolean {
  const [short = '', long = ''] = [one.toUpperCase(), other.toUpperCase()].sort((a, b) => a.length - b.length)
  return short === long || (short.length >= 6 && long.endsWith(short))
}
