/** Asks the running daemon over its control socket. */
import { createConnection } from 'node:net'
import type { Config } from '../config/config.js'
import { controlSocket } from '../config/paths.js'
import type { ControlAnswer, ControlVerb, ControlVerbs } from '../control.js'
import { EXIT, messageOf, VerbError } from '../errors.js'

const TIMEOUT_MS = 15_000

/** The daemon's answer; VerbError 69 when none runs, 77 when this user may not ask. */
export async function ask<V extends ControlVerb>(
  config: Config,
  verb: V,
  args: ControlVerbs[V]['args'],
): Promise<ControlVerbs[V]['answer']> {
  const path = controlSocket(config)
  const line = await exchange(path, JSON.stringify({ verb, args }))
  const answer = JSON.parse(line) as ControlAnswer
  if (answer.status === 'ok') return answer.data as ControlVerbs[V]['answer']
  const { message, hint } = answer.error
  const exit = answer.error.code === 'usage' ? EXIT.data : EXIT.unavailable
  throw new VerbError(exit, 'input-invalid', message, hint === undefined ? {} : { hint })
}

function exchange(path: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path)
    let received = ''
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('the daemon does not answer')))
    socket.on('connect', () => socket.write(`${request}\n`))
    socket.on('error', (error) => reject(unreachable(path, error)))
    socket.on('close', () => reject(unreachable(path, new Error('the daemon closed the connection'))))
    socket.on('data', (chunk) => {
      received += chunk.toString('utf8')
      const end = received.indexOf('\n')
      if (end === -1) return
      resolve(received.slice(0, end))
      socket.destroy()
    })
  })
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
