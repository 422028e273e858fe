/** One terminal that pushes to us: what it sent becomes records, what it wants to know is answered. */
import type { HttpReply, HttpRequest, Point } from '../../src/driver.js'
import * as codec from './codec.js'
import type { PointOptions } from './config.js'
import { Orders } from './orders.js'
import { OK, Records, type Session } from './records.js'

export class Terminal {
  readonly point: Point
  readonly orders: Orders
  readonly records: Records
  readonly #session: Session
  readonly #options: PointOptions
  #lastHeard = Number.NEGATIVE_INFINITY
  #isUp = false
  #identity: { model: string; firmware?: string } = { model: 'push terminal' }
  /** The zone it was told last; another one since then means that the clocks changed. */
  #toldZone: number | undefined
  /** Requests of one terminal are answered one after the other: its order is ours. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(session: Session, point: Point, prefix: string) {
    this.#session = session
    this.point = point
    this.#options = point.options as PointOptions // The loader has checked them against pointFields.
    this.orders = new Orders(session.clock, prefix)
    this.records = new Records(session, point.id, this.#options.verifyCodes)
  }

  get serial(): string {
    const { serial } = this.point.match
    return typeof serial === 'string' ? serial : ''
  }

  /** Minutes the site is east of Greenwich now. */
  get zoneMinutes(): number {
    const { zone, clock } = this.#session
    return zone.offsetMinutes(clock.now().wall)
  }

  /** Seconds between two questions of the terminal. */
  get delayS(): number {
    return Math.max(2, Math.round(this.#session.config.delay / 1_000))
  }

  /** Reads what earlier runs knew. */
  restore(): Promise<void> {
    return this.records.restore()
  }

  /** Marks the terminal lost when it was silent for too long. */
  look(): void {
    this.orders.prune()
    const { clock, config } = this.#session
    if (!this.#isUp || clock.uptime() - this.#lastHeard < config.silence) return
    this.#isUp = false
    this.#session.pointLost(this.point.id, {
      code: 'point-silent',
      reason: `nothing was heard for ${config.silence / 1_000} s`,
      hint: 'check power and network of the terminal, and the server address in its menu',
    })
  }

  /** The answer to a request, after those before it. */
  answer(request: HttpRequest, act: (terminal: Terminal) => Promise<HttpReply>): Promise<HttpReply> {
    const reply = this.#turn.then(async () => {
      const answered = await act(this)
      this.#heard(request)
      return answered
    })
    this.#turn = reply.catch(() => undefined)
    return reply
  }

  /** The key that the terminal must send with its greeting. */
  isTrusted({ query }: HttpRequest): boolean {
    const { pushPassword } = this.#options
    return pushPassword === '' || query['pushcommkey'] === pushPassword
  }

  greet(): HttpReply {
    const { serial, zoneMinutes, delayS } = this
    this.#toldZone = zoneMinutes
    return { status: 200, body: codec.greeting({ serial, stamps: this.records.stamps, delayS, zoneMinutes }) }
  }

  /** The terminal asks for commands. */
  fetch(): HttpReply {
    const lines = this.orders.fetch()
    // A terminal told a zone, not its summer time: it learns of the change by greeting again.
    if (this.#toldZone !== undefined && this.zoneMinutes !== this.#toldZone) {
      this.#toldZone = undefined
      lines.push('C:zone:RELOAD OPTIONS')
    }
    return lines.length === 0 ? OK : { status: 200, body: lines.join('\n') }
  }

  /** A table that holds nothing for us: taken, so that it is not sent for ever. */
  takeOther(table: string, request: HttpRequest): HttpReply {
    const { tablename = '', count } = request.query
    if (table === 'options') this.#learn(request)
    if (table !== 'tabledata' || !this.#options.countsTables) return OK
    return { status: 200, body: `${tablename}=${count ?? codec.linesOf(request.body).length}` }
  }

  takeResults({ body }: HttpRequest): HttpReply {
    for (const { id, code } of codec.resultsIn(body)) this.orders.ended(id, code)
    return OK
  }

  #heard({ query, arrived }: HttpRequest): void {
    const session = this.#session
    this.#lastHeard = session.clock.uptime()
    this.records.heard(arrived.uptime)
    const firmware = query['info']?.split(',')[0]
    if (firmware !== undefined && firmware !== '') this.#identity = { ...this.#identity, firmware }
    if (this.#isUp) return
    this.#isUp = true
    session.pointReady(this.point.id, { ...this.#identity, serial: this.serial })
  }

  /** It tells its own options: `~DeviceName=SpeedFace,FWVersion=…`. */
  #learn({ body }: HttpRequest): void {
    const told = codec.fieldsOf(codec.linesOf(body).join(','), ',')
    const model = told['~devicename'] ?? told['devicename']
    const firmware = told['fwversion'] ?? told['firmver']
    if (model !== undefined && model !== '') this.#identity = { ...this.#identity, model: model.slice(0, 40) }
    if (firmware !== undefined && firmware !== '')
      this.#identity = { ...this.#identity, firmware: firmware.slice(0, 40) }
  }
}
