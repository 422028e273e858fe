/** The control socket: how verbs talk to the running daemon. One JSON request a line, one JSON answer a line. */
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { DaemonError, messageOf } from './errors.js'
import type { Erased, Erasing } from './journal/erasure.js'
import type { ReaderId } from './model.js'
import { REQUEST_KINDS, type RequestFacts, type RequestKind } from './requests.js'

/** Something asked of a reader or point. */
export interface AskedReader {
  readonly reader: string
  readonly kind: RequestKind
  readonly args: RequestFacts
}

/** What verbs put on record. */
export const DEEDS = ['person-viewed', 'people-imported', 'person-erased', 'keys-rotated'] as const

export interface Deed {
  readonly type: (typeof DEEDS)[number]
  readonly subject: string
  readonly detail: RequestFacts
}

/** Everything a verb may ask, with its answer. */
export interface ControlVerbs {
  readonly readers: { readonly args: undefined; readonly answer: readonly ReaderLine[] }
  readonly status: { readonly args: undefined; readonly answer: StatusLine }
  readonly retry: { readonly args: { readonly id: string }; readonly answer: { readonly delivered: true } }
  readonly request: { readonly args: AskedReader; readonly answer: RequestFacts }
  /** Erases what records say about a person: a part of them; ask again with `through` until there is none. */
  readonly erase: { readonly args: Erasing; readonly answer: Erased }
  /** Some steps of a change of keys; ask until there is no more to do. */
  readonly rotate: { readonly args: undefined; readonly answer: { readonly more: boolean } }
  /** Puts on record what a verb did or showed. */
  readonly record: { readonly args: Deed; readonly answer: { readonly recorded: true } }
}
export type ControlVerb = keyof ControlVerbs

export interface ReaderLine {
  readonly id: string
  readonly name: string
  readonly driver: string
  readonly state: string
  readonly since: string
  readonly code?: string | undefined
  readonly hint?: string | undefined
  readonly lastGoodRead: string | null
  readonly model?: string | undefined
  /** The reader behind which it is a point. */
  readonly of?: ReaderId | undefined
  /** What it can be asked. */
  readonly can: readonly RequestKind[]
}

export interface StatusLine {
  readonly pid: number
  readonly journal: string
  readonly lastSeq: number
  readonly settled: number
  readonly backlog: number
  readonly parked: number
  /** Where receipts settle: taken by the broker, and without a receipt. */
  readonly unreceipted?: number | undefined
  readonly broker: {
    readonly online: boolean
    readonly trouble?: string | undefined
    readonly hint?: string | undefined
  }
}

export type ControlRequest = { readonly verb: string; readonly args?: unknown }
/** `progress` lines may come before the answer. A line `{"verb":"cancel"}` gives up what this connection asked for. */
export type ControlAnswer =
  | ({ readonly status: 'progress' } & Step)
  | { readonly status: 'ok'; readonly data: unknown }
  | {
      readonly status: 'error'
      readonly error: { readonly code: string; readonly message: string; readonly hint?: string | undefined }
    }

export interface Step {
  readonly step: string
  readonly text: string
  readonly facts: RequestFacts
}

/** How whoever asked is reached meanwhile. */
export interface Call {
  /** Aborts when they give up, or are gone. */
  readonly signal: AbortSignal
  readonly progress: (step: Step) => void
}

export type ControlActions = {
  readonly [Verb in ControlVerb]: (
    args: ControlVerbs[Verb]['args'],
    call: Call,
  ) => Promise<ControlVerbs[Verb]['answer']>
}

/** A request longer than this is no request of ours. */
const MAX_LINE = 16 * 1024

/** One connection. What it asked for ends with it. */
class Conversation {
  readonly #socket: Socket
  readonly #actions: ControlActions
  readonly #under = new Set<AbortController>()

  constructor(socket: Socket, actions: ControlActions) {
    this.#socket = socket
    this.#actions = actions
  }

  async take(line: string): Promise<void> {
    const giveUp = new AbortController()
    const progress = (step: Step): void => this.#say({ status: 'progress', ...step })
    try {
      const { verb, args } = JSON.parse(line) as ControlRequest
      if (verb === 'cancel') return this.over()
      this.#under.add(giveUp)
      this.#say({ status: 'ok', data: await perform(verb, args, this.#actions, { signal: giveUp.signal, progress }) })
    } catch (error) {
      this.#say(shown(error))
    } finally {
      this.#under.delete(giveUp)
    }
  }

  /** Gives up what is under way; each is still answered. */
  over(): void {
    for (const giveUp of this.#under) giveUp.abort()
  }

  #say(answer: ControlAnswer): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(answer)}\n`)
  }
}

export class ControlServer {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  /** Listens on `path`; whoever may write to the socket file (its group) may ask. The directory lock is held. */
  static async listen(path: string, actions: ControlActions): Promise<ControlServer> {
    rmSync(path, { force: true })
    const server = createServer()
    const control = new ControlServer(server)
    server.on('connection', (socket) => control.#serve(socket, actions))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
    chmodSync(path, 0o660)
    return control
  }

  #serve(socket: Socket, actions: ControlActions): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    let unread = 0
    socket.on('data', (chunk) => {
      unread = chunk.includes(10) ? 0 : unread + chunk.length
      if (unread > MAX_LINE) socket.destroy()
    })
    const conversation = new Conversation(socket, actions)
    createInterface({ input: socket }).on('line', (line) => void conversation.take(line))
    socket.on('close', () => conversation.over())
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

function shown(error: unknown): ControlAnswer {
  const { code, hint } = error instanceof DaemonError ? error : { code: 'usage', hint: undefined }
  return { status: 'error', error: { code, message: messageOf(error), hint } }
}

function perform(verb: string, args: unknown, actions: ControlActions, call: Call): Promise<unknown> {
  switch (verb) {
    case 'readers':
      return actions.readers(undefined, call)
    case 'status':
      return actions.status(undefined, call)
    case 'retry':
      return actions.retry({ id: textIn(args, 'id', 'retry needs the id of a parked record') }, call)
    case 'request':
      return actions.request(requestIn(args), call)
    case 'erase':
      return actions.erase(erasingIn(args), call)
    case 'rotate':
      return actions.rotate(undefined, call)
    case 'record':
      return actions.record(deedIn(args), call)
    default:
      throw new DaemonError('usage', `the daemon knows no request "${verb}"`)
  }
}

/** Not from config/: that would bring the YAML parser into the daemon's memory. */
function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function textIn(args: unknown, key: string, problem: string): string {
  const value = isRecord(args) ? args[key] : undefined
  if (typeof value !== 'string') throw new DaemonError('usage', problem)
  return value
}

function erasingIn(args: unknown): Erasing {
  const { before, after, credentials } = isRecord(args) ? args : {}
  const person = textIn(args, 'person', 'an erasure needs the reference of a person')
  if (typeof before !== 'number' || typeof after !== 'number' || !Array.isArray(credentials))
    throw new DaemonError('usage', 'an erasure needs before, after and credentials')
  return { person, before, after, credentials: credentials.map(String) }
}

function requestIn(args: unknown): AskedReader {
  const reader = textIn(args, 'reader', 'a request needs the id of a reader')
  const kind = REQUEST_KINDS.find((known) => known === textIn(args, 'kind', 'a request needs its kind'))
  if (!kind) throw new DaemonError('usage', `requests are ${REQUEST_KINDS.join(', ')}`)
  return { reader, kind, args: factsIn(args, 'args') }
}

function deedIn(args: unknown): Deed {
  const type = DEEDS.find((known) => known === textIn(args, 'type', 'a deed needs its type'))
  if (!type) throw new DaemonError('usage', `what verbs put on record is ${DEEDS.join(', ')}`)
  return { type, subject: textIn(args, 'subject', 'a deed needs its subject'), detail: factsIn(args, 'detail') }
}

function factsIn(args: unknown, key: string): RequestFacts {
  const facts = isRecord(args) ? args[key] : undefined
  const plain = Object.entries(isRecord(facts) ? facts : {})
  return Object.fromEntries(plain.filter(isFact)) as RequestFacts // Parse boundary: filtered here.
}

function isFact([, value]: readonly [string, unknown]): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value)
}
