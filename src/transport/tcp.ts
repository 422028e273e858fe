/** `tcp://`: serial-to-Ethernet converters and simulators. Bytes as on the wire, no telnet, no RFC 2217. */
import { once } from 'node:events'
import { Socket } from 'node:net'
import { messageOf, TransportError } from '../errors.js'
import { StreamTransport } from './stream.js'
import type { Opened, OpenContext, TransportUrl } from './url.js'

type TcpUrl = Extract<TransportUrl, { scheme: 'tcp' }>

const CONNECT_TIMEOUT_MS = 5_000
/** Silence before the far end is asked whether it lives. Ten unanswered probes a second apart end the connection. */
const KEEP_ALIVE_MS = 10_000

export async function openTcp({ host, port }: TcpUrl, context: OpenContext): Promise<Opened> {
  const name = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const socket = new Socket()
  // A converter that lost its power sends no FIN: without probes a dead reader would look idle for ever.
  socket.setKeepAlive(true, KEEP_ALIVE_MS)
  socket.setNoDelay(true)
  try {
    await connect(socket, { host, port }, context)
  } catch (cause) {
    socket.destroy()
    throw whyNot(name, cause)
  }
  const transport = new StreamTransport(socket, name, context)
  let cause: Error | undefined
  socket.on('error', (error) => (cause = error))
  socket.on('end', () => socket.destroy())
  socket.once('close', () => transport.lose(cause))
  const close = async (): Promise<void> => {
    transport.end()
    if (socket.closed) return
    const closed = once(socket, 'close')
    socket.destroy()
    await closed
  }
  return { kind: 'bytes', transport, close }
}

async function connect(socket: Socket, to: { host: string; port: number }, context: OpenContext): Promise<void> {
  const { clock, signal } = context
  const over = new AbortController()
  const stop = (): void => over.abort()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    const patience = clock.sleep(CONNECT_TIMEOUT_MS, over.signal).then(() => {
      throw new Error(signal.aborted ? 'stopped while connecting' : `no answer for ${CONNECT_TIMEOUT_MS / 1_000} s`)
    })
    await Promise.race([once(socket.connect(to), 'connect', { signal: over.signal }), patience])
  } finally {
    signal.removeEventListener('abort', stop)
    over.abort()
  }
}

function whyNot(name: string, cause: unknown): TransportError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (code === 'EACCES' || code === 'EPERM') {
    return new TransportError('transport-denied', `the system refuses connections to ${name}`, {
      hint: 'look for a firewall rule on this machine',
      cause,
    })
  }
  const hint = HINTS[code] ?? `check power and cable of the converter, and its address (${messageOf(cause)})`
  return new TransportError('transport-absent', `no connection to ${name}`, { hint, cause })
}

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the host is up but nothing listens on this port; check the port and TCP server mode of the converter',
  ECONNRESET: 'the host closed the connection at once; many converters serve one client at a time',
  ENOTFOUND: 'the name is unknown; check its spelling and DNS, or write the IP address',
  EAI_AGAIN: 'the name server does not answer; check DNS, or write the IP address',
  ENETUNREACH: 'there is no route to this network; check cable, address and gateway of this machine',
  EHOSTUNREACH: 'the host does not answer; check power and cable of the converter',
}
