/** Asks one terminal, logged in by digest. A wrong password is tried once: five times lock the gateway out. [FACE A1] */
import { randomBytes } from 'node:crypto'
import { DeviceError, TransportError, type HttpAnswer, type Moment } from '../../src/driver.js'
import type { PointOptions, Session } from './config.js'
import { authorization, challengeIn, type Challenge } from './digest.js'
import { fieldsIn, fieldsOf, textOf, wholeOf } from './event.js'

/** Far longer than the half hour for which a terminal locks an address: one try an hour never does. [FACE A1] */
const BARRED_MS = 3_600_000
const MOST_ANSWER = 4 * 1024 * 1024

export interface Answered {
  readonly text: string
  /** When its last byte came: what its records are stamped with. */
  readonly arrived: Moment | undefined
}

/** The terminal does not let us in. */
export class LoginRefused extends DeviceError {}

export interface Question {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** `/ISAPI/…` with its query. */
  readonly path: string
  readonly body?: string
  readonly type?: string
  readonly silentMs?: number
}

export class Client {
  readonly #session: Session
  readonly #options: PointOptions
  readonly #over: AbortSignal
  #challenge: Challenge | undefined
  #count = 0
  #barredUntil = 0
  #refusal: LoginRefused | undefined
  #turn: Promise<void> = Promise.resolve()

  constructor(session: Session, options: PointOptions, over: AbortSignal) {
    this.#session = session
    this.#options = options
    this.#over = over
  }

  /** The name or address of the terminal, for logs. */
  get host(): string {
    return hostOf(this.#options.url)
  }

  /** Throws TransportError when it does not answer, LoginRefused or DeviceError when it says no. */
  async ask(question: Question): Promise<Answered> {
    const answer = await this.open(question)
    return read(answer)
  }

  /** The same, its body not yet read. */
  async open(question: Question): Promise<HttpAnswer> {
    const answer = await this.#loggedIn(question)
    if (answer.status >= 200 && answer.status < 300) return answer
    const { text } = await read(answer)
    throw refused(question, answer.status, text)
  }

  /** One after the other: terminals want the counts of a nonce to rise. */
  async #loggedIn(question: Question): Promise<HttpAnswer> {
    const before = this.#turn
    let done: () => void = () => undefined
    this.#turn = new Promise((resolve) => (done = resolve))
    await before
    try {
      return await this.#login(question)
    } finally {
      done()
    }
  }

  async #login(question: Question): Promise<HttpAnswer> {
    if (this.#refusal && this.#session.clock.uptime() < this.#barredUntil) throw this.#refusal
    const first = await this.#send(question)
    if (first.status !== 401) return first
    await read(first)
    const challenge = challengeIn(first.headers['www-authenticate'] ?? '')
    if (!challenge) throw this.#bar('it offers no digest login', 'switch its web authentication to digest')
    if (this.#options.password === '') throw this.#bar('it asks for a password', 'set username and password of this point') // prettier-ignore
    this.#challenge = challenge
    this.#count = 0
    const second = await this.#send(question)
    if (second.status !== 401) return second
    const { text } = await read(second)
    this.#challenge = undefined
    if (challengeIn(second.headers['www-authenticate'] ?? '')?.isStale === true)
      throw new TransportError('transport-lost', `${this.host} forgets its own login challenge`)
    const seconds = wholeOf(status(text), 'unlockTime')
    const locked = seconds === undefined || seconds === 0 ? '' : `; it is locked for ${seconds} s more`
    throw this.#bar(`it refuses the login${locked}`, 'check username and password; punchd tries again in an hour, or when it is restarted') // prettier-ignore
  }

  #bar(reason: string, hint: string): LoginRefused {
    this.#barredUntil = this.#session.clock.uptime() + BARRED_MS
    this.#refusal = new LoginRefused('device-refused', `${this.host}: ${reason}`, { hint })
    return this.#refusal
  }

  #send({ method, path, body, type = 'application/xml', silentMs }: Question): Promise<HttpAnswer> {
    const { username, password } = this.#options
    const base = this.#options.url.replace(/\/+$/, '')
    const challenge = this.#challenge
    const cnonce = randomBytes(8).toString('hex')
    const login = challenge && { method, uri: path, username, password, challenge, count: (this.#count += 1), cnonce }
    return this.#session.transport.ask({
      method,
      url: base + path,
      headers: {
        ...(login && { Authorization: authorization(login) }),
        ...(body !== undefined && { 'Content-Type': type }),
      },
      ...(body !== undefined && { body }),
      ...(silentMs !== undefined && { silentMs }),
      signal: this.#over,
    })
  }
}

export function hostOf(url: string): string {
  return /^[a-z]+:\/\/(\[[^\]]+\]|[^/:]+)/i.exec(url)?.[1]?.replace(/^\[|\]$/g, '') ?? ''
}

async function read(answer: HttpAnswer): Promise<Answered> {
  const decoder = new TextDecoder()
  const pieces: string[] = []
  let length = 0
  let last: Moment | undefined
  for await (const { bytes, arrived } of answer.chunks) {
    length += bytes.length
    if (length > MOST_ANSWER) throw new TransportError('transport-lost', `an answer of more than ${MOST_ANSWER} bytes`)
    pieces.push(decoder.decode(bytes, { stream: true }))
    last = arrived
  }
  return { text: pieces.join(''), arrived: last }
}

function status(text: string): ReturnType<typeof fieldsIn> {
  const fields = fieldsIn(text.trim())
  return fieldsOf(fields?.['ResponseStatus']) ?? fieldsOf(fields?.['userCheck']) ?? fields
}

/** Of an answer that came with 200: a failure all the same when it says so. [FACE A1] */
export function checkDone(question: Question, text: string): void {
  const code = wholeOf(status(text), 'statusCode')
  if (code !== undefined && code !== 1) throw refused(question, 200, text)
}

function refused({ method, path }: Question, http: number, text: string): DeviceError {
  const sub = textOf(status(text), 'subStatusCode')
  const word = /^\w{1,60}$/.test(sub) ? sub : `HTTP ${http}`
  const hint = HINTS[word] ?? (http === 403 ? HINTS['lowPrivilege'] : undefined)
  return new DeviceError('device-refused', `${method} ${path.split('?')[0]}: ${word}`, hint === undefined ? {} : { hint }) // prettier-ignore
}

const HINTS: Readonly<Record<string, string>> = {
  lowPrivilege: 'the login of this point needs the rights of an operator or administrator',
  deviceBusy: 'the terminal is busy; it is asked again',
}
