/** Terminals that push their log to us (ZKTeco ADMS, "iclock", and the many that speak it): we are their server. */
import { randomBytes } from 'node:crypto'
import {
  addressList,
  DeviceError,
  type AddressList,
  type Driver,
  type HttpReply,
  type HttpRequest,
} from '../../src/driver.js'
import { fields, pointFields } from './config.js'
import { route } from './routes.js'
import { Strangers } from './strangers.js'
import type { Session } from './records.js'
import { Terminal } from './terminal.js'

const LOOK_MS = 1_000

export const driver: Driver<typeof fields, 'http'> = {
  name: 'zk-push',
  title: 'Terminals that push their log (ZKTeco ADMS and alike)',
  transport: 'http',
  options: fields,
  points: pointFields,
  requests: ['set-time', 'reboot', 'add-user', 'remove-user', 'enroll'],

  async run(session) {
    const allowed = addressList(session.config.allow)
    if ('problem' in allowed) {
      throw new DeviceError('device-refused', `options.allow: ${allowed.problem}`, {
        hint: 'write 192.168.1.0/24, 10.0.0.5',
      })
    }
    const prefix = randomBytes(4).toString('hex')
    const terminals = session.points.map((point) => new Terminal(session, point, prefix))
    for (const terminal of terminals) await terminal.restore()
    const strangers = new Strangers(session)
    session.ready({ model: `listener of ${terminals.length} terminals` })
    const over = new AbortController()
    const watching = watch(session, terminals, over.signal)
    try {
      await session.transport.serve((request) => answer(request, terminals, allowed, strangers))
    } finally {
      over.abort()
      await watching
    }
  },
}

async function answer(
  request: HttpRequest,
  terminals: readonly Terminal[],
  allowed: AddressList,
  strangers: Strangers,
): Promise<HttpReply> {
  if (!request.path.toLowerCase().startsWith('/iclock/')) return { status: 404 }
  if (!allowed.has(request.remote)) return strangers.refuse(request, 'address')
  const serial = request.query['sn'] ?? ''
  const terminal = terminals.find((candidate) => candidate.serial === serial)
  if (!terminal) return strangers.refuse(request, 'serial')
  return terminal.answer(request, () => route(request, terminal, strangers))
}

/** Hands out requests and notices who has gone silent. */
async function watch(session: Session, terminals: readonly Terminal[], over: AbortSignal): Promise<void> {
  const { clock, requests, signal } = session
  while (!over.aborted && !signal.aborted) {
    for (let request = requests.take(); request; request = requests.take()) {
      const { point } = request
      terminals.find((terminal) => terminal.point.id === point)?.orders.add(request)
    }
    for (const terminal of terminals) terminal.look()
    await clock.sleep(LOOK_MS, over)
  }
}
