/**
 * A simulated Hikvision face terminal: answers ISAPI, pushes to the listener it was told, and keeps a log. Written from
 * the fact sheet; knows nothing of the driver. `hikvision-http.ts` puts it on real sockets.
 */
import type { Clock } from '../src/driver.js'
import { eventBody, heartbeatBody, streamPart, type Body, type Shape } from './hikvision-bodies.js'
import { DigestGate } from './hikvision-digest.js'
import { EventLog, timeText, type Condition, type LogEntry } from './hikvision-log.js'

export interface Asked {
  readonly method: string
  /** Path and query. */
  readonly uri: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** For an answer that never ends: called with where to send, returns what to call when nobody listens any more. */
  readonly stream?: (sink: StreamSink) => () => void
}

export interface StreamSink {
  send(bytes: Buffer): void
  end(): void
}

/** Posts a body to a listener; resolves to the status, rejects when nobody is there. */
export type Post = (url: string, body: Body) => Promise<number>

export interface TwinOptions {
  readonly clock: Clock
  /** Ends all it does. */
  readonly signal: AbortSignal
  readonly post: Post
  readonly serial?: string
  readonly username?: string
  readonly password?: string
  readonly nonceUses?: number
  readonly shape?: Shape
  readonly tellsSerial?: boolean
  readonly offsetMinutes?: number
  readonly capacity?: number
  /** Where it was told to push, by hand. */
  readonly listener?: string
}

export interface Person {
  readonly employee?: string
  readonly name?: string
  readonly card?: string
  readonly cardType?: number
  readonly minor?: number
  readonly major?: number
  readonly status?: string
  /** False: the door is not opened, so no second event follows. */
  readonly unlocks?: boolean
}

interface Waiting {
  readonly entry: LogEntry
  readonly since: number
}

const RETRY_MS = 2_000
const STALE_MS = 10_000

export class Hikvision {
  readonly serial: string
  readonly log: EventLog
  readonly gate: DigestGate
  readonly #options: TwinOptions
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
  /** The next event is not pushed, only kept in its log. */
  loseNext = 0
  /** What becomes of the bytes of a body before they go out. */
  spoil: (bytes: Buffer) => Buffer = (bytes) => bytes
  /** Each push is sent twice although it was answered. */
  repeats = false
  boundary = 'boundary'
  quotesBoundary = false
  partsHaveLength = true
  /** Paths asked for, newest last. */
  readonly asked: string[] = []
  serialNo = 0
  readonly #queue: Waiting[] = []
  readonly #sinks = new Set<StreamSink>()
  #isPushing = false

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

  record({
    employee = '',
    name = '',
    card = '',
    minor = 0x4b,
    major = 5,
    status = 'checkIn',
    cardType,
  }: Person): LogEntry {
    const wall = this.#wall()
    this.serialNo += 1
    const time = timeText(wall, this.offsetMinutes)
    const about = {
      serialNo: this.serialNo,
      major,
      minor,
      time,
      wall,
      employee,
      name,
      card,
      mode: 'cardOrFace',
      status,
    }
    const entry: LogEntry = cardType === undefined ? about : { ...about, cardType }
    this.log.add(entry)
    if (this.loseNext > 0) {
      this.loseNext -= 1
      return entry
    }
    if (this.listener !== undefined) this.#queue.push({ entry, since: this.#options.clock.uptime() })
    void this.#push()
    if (!this.isMute) this.#send(eventBody(this.#sender('json'), entry, true))
    return entry
  }

  /** It forgets the listener, as the DS-K1T502 did, and who was logged in; its log stays. */
  reboot(): void {
    this.listener = undefined
    this.#queue.length = 0
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
    for (const entry of this.log.entries) this.#queue.push({ entry, since: Number.NEGATIVE_INFINITY })
    void this.#push()
  }

  answer(asked: Asked): Answered {
    this.asked.push(`${asked.method} ${asked.uri}`)
    if (this.asked.length > 1_000) this.asked.shift()
    const refusal = this.gate.check(asked.method, asked.uri, asked.headers['authorization'])
    if (refusal)
      return { status: 401, headers: { 'WWW-Authenticate': refusal.challenge, 'Content-Type': 'application/xml' }, body: refusal.body } // prettier-ignore
    const [path = ''] = asked.uri.split('?')
    switch (`${asked.method} ${path}`) {
      case 'GET /ISAPI/System/deviceInfo':
        return xml(this.#info())
      case 'GET /ISAPI/System/time':
        return xml(`<Time version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema"><timeMode>NTP</timeMode><localTime>${timeText(this.#wall(), this.offsetMinutes)}</localTime><timeZone>CST-8:00:00</timeZone></Time>`) // prettier-ignore
      case 'GET /ISAPI/AccessControl/AcsEvent/capabilities':
        return json({ AcsEvent: { AcsEventCond: { maxResults: { '@min': 1, '@max': 30 }, ...(this.log.knowsSerials && { beginSerialNo: { '@min': 1, '@max': 3e9 } }) } } }) // prettier-ignore
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

  #info(): string {
    return `<DeviceInfo version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema"><deviceName>Access Controller</deviceName><model>DS-K1T671M</model><serialNumber>DS-K1T671M20200101V030000EN${this.serial}</serialNumber><macAddress>aa:bb:cc:dd:ee:ff</macAddress><firmwareVersion>V3.2.2</firmwareVersion></DeviceInfo>`
  }

  #search(body: string): Answered {
    const { AcsEventCond } = JSON.parse(body) as { AcsEventCond?: Condition } // Parse boundary.
    const page = AcsEventCond && this.log.page(AcsEventCond)
    if (page === undefined) return failure(6, 'MessageParametersLack')
    return { status: 200, headers: { 'Content-Type': 'application/json' }, body: page }
  }

  #setListener(body: string): Answered {
    const field = (name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1] ?? ''
    const host = field('addressingFormatType') === 'hostname' ? field('hostName') : field('ipAddress')
    const beat = Number(field('heartbeat'))
    const isRight = body.startsWith('<?xml') && field('id') === '1' && host !== '' && field('url').length <= 128
    if (!isRight || !(beat >= 1 && beat <= 30)) return failure(6, 'badXmlFormat')
    this.heartbeatS = beat
    this.listener = `${field('protocolType').toLowerCase()}://${host}:${field('portNo')}${field('url')}`
    void this.#push()
    return xml('<ResponseStatus version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema"><statusCode>1</statusCode><statusString>OK</statusString><subStatusCode>ok</subStatusCode></ResponseStatus>') // prettier-ignore
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

  #sender(shape: Shape = this.shape) {
    return { serial: this.serial, tellsSerial: this.tellsSerial, shape }
  }

  #wall(): number {
    return this.#options.clock.now().wall + this.aheadMs
  }

  #send(body: Body): void {
    for (const sink of this.#sinks) sink.send(streamPart(body, this.boundary, this.partsHaveLength))
  }

  /** One after the other, each until somebody says 200: later ones wait. */
  async #push(): Promise<void> {
    if (this.#isPushing) return
    this.#isPushing = true
    const { clock, signal } = this.#options
    for (let next = this.#queue[0]; next && this.listener !== undefined && !signal.aborted; next = this.#queue[0]) {
      const isCurrent = clock.uptime() - next.since < STALE_MS
      const isDone = await this.#post(eventBody(this.#sender(), next.entry, isCurrent))
      if (isDone && this.#queue[0] === next) this.#queue.shift()
      else if (!isDone) await clock.sleep(RETRY_MS, signal)
    }
    this.#isPushing = false
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
      if (signal.aborted || this.isDead || this.isMute) continue
      const time = timeText(this.#wall(), this.offsetMinutes)
      if (this.listener !== undefined) await this.#post(heartbeatBody(this.#sender(), time))
      this.#send(heartbeatBody(this.#sender('xml'), time))
    }
  }
}

function xml(body: string): Answered {
  return { status: 200, headers: { 'Content-Type': 'application/xml' }, body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}` } // prettier-ignore
}

function json(value: unknown): Answered {
  return { status: 200, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) }
}

/** 200 and a failure, as several firmware versions have it. */
function failure(statusCode: number, subStatusCode: string): Answered {
  return json({ statusCode, statusString: 'Invalid Content', subStatusCode })
}
