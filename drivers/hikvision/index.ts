/** Hikvision face terminals over ISAPI: they push to us, and are asked for what did not come. */
import { addressList, DeviceError, type Driver } from '../../src/driver.js'
import { codesOf } from './codes.js'
import { fields, pointFields, type PointOptions, type Session } from './config.js'
import { partsOf } from './isapi.js'
import { PushDoor } from './push.js'
import { followStream } from './stream.js'
import { Terminal } from './terminal.js'

export const driver: Driver<typeof fields, 'http'> = {
  name: 'hikvision',
  title: 'Hikvision face terminals (ISAPI)',
  transport: 'http',
  options: fields,
  points: pointFields,

  async run(session) {
    const over = new AbortController()
    const terminals = terminalsOf(session, over.signal)
    const door = new PushDoor(session, terminals, checked('allow', addressList(session.config.allow)))
    const end = (): void => {
      over.abort()
      for (const terminal of terminals) terminal.ring()
    }
    session.signal.addEventListener('abort', end, { once: true })
    // It listens; whether terminals are there, each point says for itself.
    session.ready({ model: `${terminals.length} terminals at ${session.transport.url}` })
    const work = terminals.flatMap((terminal, index) => [
      terminal.watch(),
      ...(session.points[index]?.options['stream'] === true ? [followStream(session, terminal, over.signal)] : []),
    ])
    try {
      if (session.signal.aborted) end()
      await Promise.race([session.transport.serve((request) => door.answer(request)), failureOf(work)])
    } finally {
      end()
      session.signal.removeEventListener('abort', end)
      await Promise.allSettled(work)
    }
  },
}

function terminalsOf(session: Session, over: AbortSignal): Terminal[] {
  const { callback, pathSecret, successCodes } = session.config
  if (callback !== '') partsOf('callback', callback)
  if (!/^([\w-]{8,48})?$/.test(pathSecret)) throw wrong('pathSecret is not of 8 to 48 letters, digits, - and _')
  const codes = checked('successCodes', codesOf(successCodes))
  return session.points.map((point) => {
    // Parse boundary: the configuration was checked against the declaration of these options.
    const options = point.options as PointOptions
    const { serial } = point.match
    if (typeof serial !== 'string' || !/^[\w-]{4,64}$/.test(serial)) throw wrong(`point ${point.id} has no serial`)
    if (options.url !== '') partsOf(`url of ${point.id}`, options.url)
    const path = ['', 'hik', ...(pathSecret === '' ? [] : [pathSecret]), serial].join('/')
    return new Terminal({ session, point, options, serial, codes, path, over })
  })
}

/** Rejects as soon as one of them does. */
function failureOf(work: readonly Promise<void>[]): Promise<never> {
  return new Promise((_, reject) => void Promise.all(work).catch(reject))
}

function checked<Value extends object>(option: string, value: Value | { readonly problem: string }): Value {
  if ('problem' in value) throw wrong(`${option}: ${value.problem}`)
  return value
}

function wrong(what: string): DeviceError {
  return new DeviceError('device-refused', what, { hint: 'correct it in the configuration' })
}
