/**
 * The child's half of a host: beats, answers requests, and never outlives its parent. The packages it serves can
 * spin, block or crash inside native code; here they take down nothing but this process.
 */
import { messageOf } from '../../errors.js'
import { parseRequest, type Fault, type Request, type ToParent } from './wire.js'

const BEAT_MS = 300
/** Ends the child when its last words are not taken. */
const FAREWELL_MS = 500

/** Answers the requests of the parent. */
export type Answer = (verb: string, body: unknown) => Promise<unknown>

/** Thrown by an Answer to refuse one request; anything else thrown is a bug and ends the child. */
export class Refusal extends Error {
  readonly fault: Fault
  constructor(fault: Fault) {
    super(fault.message)
    this.fault = fault
  }
}

/**
 * Call first, before the native package is loaded: binds the life of this process to its parent's.
 * Terminal and systemd signal the whole group; only the parent decides when this process ends, or each orderly
 * stop would first look like a lost reader.
 */
export function followParent(name: string): void {
  process.on('disconnect', () => process.exit(0))
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => undefined)
  const crash = (error: unknown): void =>
    endWith({ code: 'transport-lost', message: `the ${name} process failed: ${messageOf(error)}` })
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  if (!process.connected) process.exit(0)
}

/**
 * Call after the package is loaded. From the first beat on, silence means that native code has the thread;
 * `begin` may be what blocks it.
 */
export function serve(begin: () => Answer): void {
  setInterval(() => say({ kind: 'beat' }), BEAT_MS)
  process.send?.({ kind: 'beat' } satisfies ToParent, () => {
    const answer = begin()
    process.on('message', (message) => {
      const request = parseRequest(message)
      if (request) void reply(request, answer)
    })
    say({ kind: 'ready' })
  })
}

/** Tells the parent what happened. */
export function emit(body: unknown): void {
  say({ kind: 'event', body })
}

/** Tells the parent why there is no going on, and ends. */
export function endWith(fault: Fault): void {
  setTimeout(() => process.exit(1), FAREWELL_MS)
  if (process.connected) process.send?.({ kind: 'fatal', fault } satisfies ToParent, () => process.exit(1))
}

function say(message: ToParent): void {
  // A parent that is gone is noticed by 'disconnect'; the callback keeps a failed write from becoming an exception.
  if (process.connected) process.send?.(message, () => undefined)
}

async function reply(request: Request, answer: Answer): Promise<void> {
  const { id } = request
  try {
    say({ kind: 'reply', id, body: await answer(request.verb, request.body) })
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    say({ kind: 'refusal', id, fault: error.fault })
  }
}
