/** Is pcscd there? Asked before nfc-pcsc is loaded, which spins in native code while it is not. */
import { connect } from 'node:net'
import { TransportError } from '../errors.js'
import { DENIED } from './host/pcsc-faults.js'

const DEFAULT_SOCKET = '/run/pcscd/pcscd.comm'
/** systemd may have to start pcscd first (socket activation), and pcscd to look for readers. */
const ANSWER_MS = 5_000
const START_HINT = 'sudo systemctl start pcscd'

/** First request of every client: header (size 12, command 0x11 version), then 4, 4, 0. [PCSC §7] */
const VERSION_REQUEST = Buffer.from(Uint32Array.of(12, 0x11, 4, 4, 0).buffer)

type Answer = 'alive' | 'refused' | 'mute' | 'denied' | 'absent'

/** Where libpcsclite of this process, and of every child of it, looks for pcscd. */
export function pcscdSocket(env: NodeJS.ProcessEnv = process.env): string {
  return env.PCSCLITE_CSOCK_NAME ?? DEFAULT_SOCKET
}

/** Resolves when pcscd talks to us; throws TransportError with what to do when it does not. */
export async function probePcscd(path: string, signal: AbortSignal, answerMs = ANSWER_MS): Promise<void> {
  const answer = await ask(path, signal, answerMs)
  if (answer === 'alive') return
  if (answer === 'denied') {
    throw new TransportError('transport-denied', `no permission to open ${path}`, { hint: DENIED.hint ?? '' })
  }
  if (answer === 'absent')
    throw new TransportError('transport-unavailable', 'pcscd is not running', { hint: START_HINT })
  if (answer === 'mute') {
    throw new TransportError('transport-unavailable', 'pcscd does not answer', { hint: 'sudo systemctl restart pcscd' })
  }
  // pcscd hangs up on a client that polkit refuses; so does one that is just stopping, and then nobody listens now.
  const again = await ask(path, signal, answerMs)
  if (again === 'alive') return
  if (again !== 'refused')
    throw new TransportError('transport-unavailable', 'pcscd is not running', { hint: START_HINT })
  throw new TransportError(DENIED.code, DENIED.message, { hint: DENIED.hint ?? '' })
}

function ask(path: string, signal: AbortSignal, answerMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const stop = (): void => settle('absent')
    const settle = (answer: Answer): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(() => settle('mute'), answerMs)
    signal.addEventListener('abort', stop)
    socket.once('connect', () => socket.write(VERSION_REQUEST))
    // What it answers does not matter: a pcscd of another version is alive too.
    socket.once('data', () => settle('alive'))
    socket.once('error', (error: NodeJS.ErrnoException) => settle(failure(error.code)))
    socket.once('close', () => settle('refused'))
  })
}

function failure(code: string | undefined): Answer {
  if (code === 'EACCES' || code === 'EPERM') return 'denied'
  return code === 'ECONNRESET' || code === 'EPIPE' ? 'refused' : 'absent'
}
