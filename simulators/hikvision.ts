/**
 * A simulated Hikvision face terminal: answers ISAPI, pushes to the listener it was told, and keeps a log. Written from
 * the fact sheet; knows nothing of the driver. `hikvision-http.ts` puts it on real sockets.
 */
import { capabilities, deviceInfo, done, failure, json, listenerIn, time } from './hikvision-answers.js'
import { eventBody, heartbeatBody, streamPart, type Body, type Shape } from './hikvision-bodies.js'
import { DigestGate } from './hikvision-digest.js'
import type { Answered, Asked, Person, StreamSink, TwinOptions } from './hikvision-kinds.js'
import { EventLog, timeText, type Condition, type LogEntry } from './hikvision-log.js'
import { PushQueue } from './hikvision-queue.js'

export class Hikvision {
  readonly serial: string
  readonly log: EventLog
  readonly gate: DigestGate
  shape: Shape
  tellsSerial: boolean
  offsetMinutes: number
  /** Its clock against that of everybody else. */
  aheadMs = 0
  /** Where it pushes to; undefined when it was told nothing, or forgot. */
  listener: string | undefined
  heartbeatS = 30
  /** Nothing goes out and nobody is answered. */
  isDead = false
  /** Answers, but pushes and streams nothing. */
  isMute = false
  /** So many of the next records are only kept in its log. */
  loseNext = 0
  /** What becomes of the bytes of a body before they go out. */
  spoil: (bytes: Buffer) => Buffer = (bytes) => bytes
  /** Paths that this model does not know. */
  refuses: RegExp | undefined
  /** Each push is sent twice although it was answered. */
  repeats = false
  boundary = 'boundary'
  quotesBoundary = false
  partsHaveLength = true
  /** What it was asked, newest last. */
  readonly asked: string[] = []
  serialNo = 0
  readonly #options: TwinOptions
  readonly #queue: PushQueue
  readonly #sinks = new Set<StreamSink>()

  constructor(options: TwinOptions) {
    const { clock, serial = 'K12345678', username = 'admin', password = 'Secret-12', nonceUses } = options
    this.#options = options
    this.serial = serial
    this.shape = options.shape ?? 'json'
    this.tellsSerial = options.tellsSerial ?? true
    this.offsetMinutes = options.offsetMinutes ?? 480
    this.log = new EventLog(options.capacity)
    this.gate = new DigestGate({ clock, username, password, ...(nonceUses !== undefined && { nonceUses }) })
    this.listener = options.listener
    this.#queue = new PushQueue({
      ...options,
      push: (entry, isCurrent) => this.#post(eventBody(this.#sender(), entry, isCurrent)),
      hasListener: () => this.listener !== undefined,
    })
    void this.#beat()
  }

  /** Records not pushed yet. */
  get waiting(): number {
    return this.#queue.length
  }
  get streams(): number {
    return this.#sinks.size
  }

  /** Somebody stood before it: two records, who it was and that the door opened. */
  punch(person: Person = {}): LogEntry {
    const entry = this.record(person)
    if (person.unlocks ?? true) this.record({ minor: 0x15 })
    return entry
  }

  record(person: Person): LogEntry {
    const entry = this.#entryOf(person)
    this.log.add(entry)
    if (this.loseNext > 0) this.loseNext -= 1
    else {
      if (this.listener !== undefined) this.#queue.add(entry)
      if (!this.isMute) this.#send(eventBody(this.#sender('json'), entry, true))
    }
    return entry
  }

  /** It forgets the listener, as the DS-K1T502 did, and who was logged in; its log stays. */
  reboot(): void {
    this.listener = undefined
    this.#queue.clear()
    this.gate.forget()
    this.breakStreams()
  }

  breakStreams(): void {
    for (const sink of this.#sinks) sink.end()
    this.#sinks.clear()
  }

  /** Back to its beginnings: numbers start again. */
  resetFactory(): void {
    this.reboot()
    this.serialNo = 0
    this.log.entries.length = 0
  }

  /** Everything in its log goes out again, as firmware does when a listener is set for the first time. */
  pushBacklog(): void {
    for (const entry of this.log.entries) this.#queue.add(entry, true)
  }

  /** One heartbeat, now. */
  async beat(): Promise<void> {
    const shown = timeText(this.#wall(), this.offsetMinutes)
    if (this.listener !== undefined) await this.#post(heartbeatBody(this.#sender(), shown))
    if (!this.isMute) this.#send(heartbeatBody(this.#sender('xml'), shown))
  }

  answer(asked: Asked): Answered {
    this.asked.push(`${asked.method} ${asked.uri}`)
    if (this.asked.length > 1_000) this.asked.shift()
    const refusal = this.gate.check(asked.method, asked.uri, asked.headers['authorization'])
    if (refusal) {
      const headers = { 'WWW-Authenticate': refusal.challenge, 'Content-Type': 'application/xml' }
      return { status: 401, headers, body: refusal.body }
    }
    const [path = ''] = asked.uri.split('?')
    if (this.refuses?.test(path)) return failure(4, 'notSupport')
    switch (`${asked.method} ${path}`) {
      case 'GET /ISAPI/System/deviceInfo':
        return deviceInfo(this.serial)
      case 'GET /ISAPI/System/time':
        return time(this.#wall(), this.offsetMinutes)
      case 'GET /ISAPI/AccessControl/AcsEvent/capabilities':
        return capabilities(this.log.knowsSerials)
      case 'POST /ISAPI/AccessControl/AcsEvent':
        return this.#search(asked.body)
      case 'PUT /ISAPI/Event/notification/httpHosts/1':
        return this.#setListener(asked.body)
      case 'GET /ISAPI/Event/notification/alertStream':
        return this.#stream()
      default:
        return failure(4, 'notSupport')
    }
  }

  #search(body: string): Answered {
    const { AcsEventCond } = JSON.parse(body) as { AcsEventCond?: Condition } // Parse boundary.
    const page = AcsEventCond && this.log.page(AcsEventCond)
    return page === undefined ? failure(6, 'MessageParametersLack') : json(page)
  }

  #setListener(body: string): Answered {
    const told = listenerIn(body)
    if (!told) return failure(6, 'badXmlFormat')
    this.heartbeatS = told.heartbeatS
    this.listener = told.url
    this.#queue.go()
    return done()
  }

  #stream(): Answered {
    const name = this.quotesBoundary ? `"${this.boundary}"` : this.boundary
    return {
      status: 200,
      headers: { 'Content-Type': `multipart/mixed; boundary=${name}` },
      body: '',
      stream: (sink) => {
        this.#sinks.add(sink)
        return () => this.#sinks.delete(sink)
      },
    }
  }

  #entryOf({ employee = '', name = '', card = '', minor = 0x4b, major = 5, ...more }: Person): LogEntry {
    const wall = this.#wall()
    this.serialNo += 1
    const shown = timeText(wall, this.offsetMinutes)
    const { status = 'checkIn', cardType } = more
    const about = { major, minor, wall, employee, name, card, status, mode: 'cardOrFace' }
    return { ...about, serialNo: this.serialNo, time: shown, ...(cardType !== undefined && { cardType }) }
  }

  #sender(shape: Shape = this.shape) {
    return { serial: this.serial, tellsSerial: this.tellsSerial, shape }
  }

  #wall(): number {
    return this.#options.clock.now().wall + this.aheadMs
  }

  #send(body: Body): void {
    for (const sink of this.#sinks) sink.send(streamPart(body, this.boundary, this.partsHaveLength))
  }

  async #post(body: Body): Promise<boolean> {
    if (this.listener === undefined || this.isDead || this.isMute) return false
    const sent = { type: body.type, bytes: this.spoil(body.bytes) }
    try {
      const status = await this.#options.post(this.listener, sent)
      if (this.repeats && status === 200) await this.#options.post(this.listener, sent)
      return status === 200
    } catch {
      return false
    }
  }

  async #beat(): Promise<void> {
    const { clock, signal } = this.#options
    while (!signal.aborted) {
      await clock.sleep(this.heartbeatS * 1_000, signal)
      if (!signal.aborted && !this.isDead && !this.isMute) await this.beat()
    }
  }
}
