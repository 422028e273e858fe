/** The first conversation with a terminal: a session, its key, and who it is. [ZK4370 §3] */
import { DeviceError, ProtocolError, TransportError, type DeviceIdentity } from '../../src/driver.js'
import { COMMAND, REPLY, scrambledKey, textOf, words, type Packet } from './codec.js'
import type { Session } from './config.js'
import type { Link } from './link.js'

const MOST_KEY = 0xffff_ffff
const ATTENDANCE_EVENTS = 1
const BUSY_HINT = 'many models serve one program at a time: close others that talk to it, or wait a minute'

export async function open(session: Session, link: Link): Promise<DeviceIdentity> {
  const key = keyOf(session.config.password)
  const answer = await connected(link)
  if (answer.command === REPLY.unauthorised) await authorise(link, key)
  else if (answer.command !== REPLY.ok) {
    throw new ProtocolError('protocol-broken', `the terminal refuses a session (code ${answer.command})`, {
      hint: BUSY_HINT,
    })
  }
  return identify(link)
}

async function connected(link: Link): Promise<Packet> {
  try {
    return await link.connect()
  } catch (cause) {
    if (!(cause instanceof TransportError)) throw cause
    const message = 'the terminal ended the connection before it answered'
    throw new TransportError(cause.code, message, { hint: BUSY_HINT, cause })
  }
}

async function authorise(link: Link, key: number | undefined): Promise<void> {
  if (key === undefined) {
    throw new DeviceError('device-refused', 'the terminal asks for its comm key', {
      hint: 'set options.password to the key that is set in its menu under Comm., PC connection',
    })
  }
  const { frame } = await link.ask(COMMAND.auth, scrambledKey(key, link.sessionId))
  if (frame.command === REPLY.ok) return
  throw new DeviceError('device-refused', 'the terminal refuses the comm key', {
    hint: 'correct options.password: the key is set in its menu under Comm., PC connection',
  })
}

/** The key as a number; undefined when there is none. It is a secret: no message repeats it. */
function keyOf(password: string): number | undefined {
  if (password === '') return undefined
  const key = /^\d{1,10}$/.test(password) ? Number(password) : Infinity
  if (key <= MOST_KEY) return key
  throw new DeviceError('device-refused', 'options.password is no comm key', {
    hint: 'it is a number, usually of 1 to 6 digits',
  })
}

async function identify(link: Link): Promise<DeviceIdentity> {
  const { frame } = await link.ask(COMMAND.version)
  const firmware = frame.command === REPLY.ok ? textOf(frame.data).trim() : ''
  const serial = await option(link, '~SerialNumber')
  const name = await option(link, '~DeviceName')
  const platform = await option(link, '~Platform')
  return {
    model: [name, platform].filter((part) => part !== '').join(', ') || 'ZK terminal',
    ...(firmware !== '' && { firmware }),
    ...(serial !== '' && { serial }),
  }
}

/** '' when the terminal does not know this option. */
async function option(link: Link, key: string): Promise<string> {
  const { frame } = await link.ask(COMMAND.option, Uint8Array.from(Buffer.from(`${key}\0`, 'latin1')))
  const [told, value = ''] = textOf(frame.data).split('=', 2)
  return frame.command === REPLY.ok && told === key ? value.trim() : ''
}

/** True when it will tell of punches as they are made. */
export async function registered(link: Link): Promise<boolean> {
  const { frame } = await link.ask(COMMAND.registerEvents, words(ATTENDANCE_EVENTS))
  return frame.command === REPLY.ok
}
