/** Answers what terminals push. 200 means: it is on disk. Anything else and they send it again. [FACE A2] */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { AddressList, HttpReply, HttpRequest } from '../../src/driver.js'
import { boundaryIn, boundaryOf, PartDecoder } from './codec.js'
import type { Session } from './config.js'
import { messageIn, type Message } from './event.js'
import { isSame, type Terminal } from './terminal.js'

/** Whoever asks must not fill the memory or the journal. */
const MOST_UNKNOWN = 64
const MOST_SENDERS = 256
/** So often a body that cannot be read is asked for again; then later ones are let through. */
const MOST_TRIES = 3

const OK: HttpReply = { status: 200 }
const AGAIN: HttpReply = { status: 503 }
const FORBIDDEN: HttpReply = { status: 403 }

export class PushDoor {
  readonly #session: Session
  readonly #terminals: readonly Terminal[]
  readonly #allowed: AddressList
  readonly #unknown = new Set<string>()
  readonly #strangers = new Set<string>()
  /** Bodies in a row that could not be read, by sender. */
  readonly #unread = new Map<string, number>()

  constructor(session: Session, terminals: readonly Terminal[], allowed: AddressList) {
    this.#session = session
    this.#terminals = terminals
    this.#allowed = allowed
  }

  async answer(request: HttpRequest): Promise<HttpReply> {
    const { remote, path, method } = request
    if (!this.#allowed.has(remote)) return this.#turnAway(remote, 'its address is not in allow')
    if (!this.#knowsSecret(path)) return this.#turnAway(remote, 'the path lacks pathSecret')
    if (method !== 'POST' && method !== 'PUT') return { status: 405, headers: { Allow: 'POST, PUT' } }
    const messages = this.#read(request)
    if (messages === 'unreadable') return this.#unreadable(remote)
    this.#unread.delete(remote)
    let reply = OK
    for (const message of messages) {
      const terminal = this.#terminalOf(message, remote, path)
      if (!terminal) reply = await this.#stranger(message, remote)
      else if (!(await terminal.take(message, request.arrived))) reply = AGAIN
    }
    return reply
  }

  /** The type of the body is looked at, not believed: JSON, XML, or parts of them. */
  #read({ headers, body, complete }: HttpRequest): readonly Message[] | 'unreadable' {
    const boundary = boundaryIn(body) ?? boundaryOf(headers['content-type'] ?? '')
    const decoder = new PartDecoder(body[0] === OPEN || body[0] === LESS ? undefined : boundary)
    const { texts, discarded, ...counts } = decoder.push(body)
    const bad = counts.bad + decoder.end()
    const messages = texts.flatMap((text) => messageIn(text) ?? [])
    const badFrames = bad + texts.length - messages.length
    this.#session.count('goodFrames', messages.length)
    if (badFrames > 0) this.#session.count('badFrames', badFrames)
    if (discarded > 0) this.#session.count('discardedBytes', discarded)
    // Terminals test a listener with nothing.
    if (messages.length > 0 || (body.length === 0 && complete)) return messages
    return 'unreadable'
  }

  /** It may come better the next time; but it must not hold up what comes after it for ever. */
  #unreadable(remote: string): HttpReply {
    const tries = (this.#unread.get(remote) ?? 0) + 1
    this.#unread.delete(remote)
    for (const terminal of this.#terminals) if (terminal.host === remote) terminal.askSoon()
    if (tries < MOST_TRIES) {
      this.#unread.set(remote, tries)
      const [oldest] = this.#unread
      if (this.#unread.size > MOST_SENDERS && oldest) this.#unread.delete(oldest[0])
      return AGAIN
    }
    this.#session.log.warn('Push given up: it cannot be read', { address: remote, tries })
    return OK
  }

  /** By its serial number; where it does not tell it, by the path it was given, its MAC or its address. */
  #terminalOf({ serial, mac }: Message, remote: string, path: string): Terminal | undefined {
    const find = (fits: (terminal: Terminal) => boolean): Terminal | undefined => this.#terminals.find(fits)
    if (serial !== '') return find((terminal) => isSame(terminal.serial, serial))
    const last = path.split('/').at(-1) ?? ''
    return (
      find((terminal) => terminal.serial === last) ??
      find((terminal) => mac !== '' && terminal.mac === mac) ??
      find((terminal) => terminal.host === remote)
    )
  }

  async #stranger({ serial }: Message, address: string): Promise<HttpReply> {
    const name = serial === '' ? address : serial
    if (this.#unknown.has(name) || this.#unknown.size >= MOST_UNKNOWN) return FORBIDDEN
    this.#unknown.add(name)
    const id = `terminal-${
      serial
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .slice(-12) || 'new'
    }`
    const config = `- { id: ${id}, match: { serial: ${serial === '' ? '…' : serial} } }`
    this.#session.log.warn('Unknown terminal', { serial, address, hint: `add it to points: ${config}` })
    await this.#session.event('terminal-unknown', { serial, address, config })
    return FORBIDDEN
  }

  #turnAway(address: string, reason: string): HttpReply {
    if (!this.#strangers.has(address) && this.#strangers.size < MOST_UNKNOWN) {
      this.#strangers.add(address)
      this.#session.log.warn('Push turned away', { address, reason })
    }
    return FORBIDDEN
  }

  /** One part of the path is the secret; how much of it is right, nobody learns from the time it takes. */
  #knowsSecret(path: string): boolean {
    const secret = this.#session.config.pathSecret
    const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
    return secret === '' || path.split('/').some((part) => timingSafeEqual(hash(part), hash(secret)))
  }
}

const OPEN = 0x7b
const LESS = 0x3c
