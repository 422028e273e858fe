/** Asks the running daemon over its control socket. */
import { createConnection, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Config } from '../config/config.js'
import { controlSocket } from '../config/paths.js'
import type { ControlAnswer, ControlVerb, ControlVerbs, Step } from '../control.js'
import { EXIT, messageOf, VerbError } from '../errors.js'

const TIMEOUT_MS = 15_000

/** For requests that take as long as people do. */
export interface Patience {
  readonly onProgress: (step: Step) => void
  /** Asks the daemon to give up; its answer says how it ended. */
  readonly cancel: AbortSignal
}

/** The daemon's answer; VerbError 69 when none runs, 77 when this user may not ask. */
export async function ask<V extends ControlVerb>(
  config: Config,
  verb: V,
  args: ControlVerbs[V]['args'],
  patience?: Patience,
): Promise<ControlVerbs[V]['answer']> {
  const answer = await exchange(controlSocket(config), JSON.stringify({ verb, args }), patience)
  if (answer.status === 'ok') return answer.data as ControlVerbs[V]['answer']
  const { message, hint, code } = answer.error
  const exit = code === 'usage' ? EXIT.data : code === 'request-failed' ? EXIT.failed : EXIT.unavailable
  throw new VerbError(exit, 'input-invalid', message, hint === undefined ? {} : { hint })
}

type FinalAnswer = Exclude<ControlAnswer, { status: 'progress' }>

function exchange(path: string, request: string, patience: Patience | undefined): Promise<FinalAnswer> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path)
    const cancel = (): void => void socket.write('{"verb":"cancel"}\n')
    const over = (): void => {
      patience?.cancel.removeEventListener('abort', cancel)
      socket.destroy()
    }
    if (!patience) socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('the daemon does not answer')))
    socket.on('connect', () => {
      socket.write(`${request}\n`)
      if (patience?.cancel.aborted) cancel()
      else patience?.cancel.addEventListener('abort', cancel, { once: true })
    })
    socket.on('error', (error) => reject(unreachable(path, error)))
    socket.on('close', () => reject(unreachable(path, new Error('the daemon closed the connection'))))
    onAnswer(socket, (answer) => {
      if (answer.status === 'progress') return patience?.onProgress(answer)
      resolve(answer)
      over()
    })
  })
}

function onAnswer(socket: Socket, take: (answer: ControlAnswer) => void): void {
  createInterface({ input: socket })
    .on('line', (line) => take(JSON.parse(line) as ControlAnswer))
    // Without this it throws what the socket has said already.
    .on('error', () => undefined)
}

function unreachable(path: string, error: Error): VerbError {
  const code = 'code' in error ? error.code : undefined
  if (code === 'EACCES' || code === 'EPERM') {
    return new VerbError(EXIT.permission, 'daemon-absent', `this user may not talk to the daemon at ${path}`, {
      hint: 'use sudo',
    })
  }
  const absent = code === 'ENOENT' || code === 'ECONNREFUSED'
  const message = absent ? `no daemon runs with this configuration (${path})` : messageOf(error)
  return new VerbError(EXIT.unavailable, 'daemon-absent', message, {
    hint: 'start it: punchd run, or systemctl start punchd',
  })
}
