/** OSDP v2: we are the control panel of a bus of readers. */
import type { Driver } from '../../src/driver.js'
import { fields, pointFields } from './config.js'
import { Device } from './device.js'
import { BusLine, type Session } from './line.js'

const FIGURES_MS = 10_000
/** Two characters of silence at 9600 baud, so that a device notices the end of one packet and the start of the next. [OSDP §1] */
const GAP_MS = 3

export const driver: Driver<typeof fields, 'bytes'> = {
  name: 'osdp',
  title: 'OSDP v2 readers on an RS-485 bus',
  transport: 'bytes',
  options: fields,
  points: pointFields,
  requests: ['identify', 'set-key'],

  async run(session) {
    const line = new BusLine(session)
    const devices = new Map(session.points.map((point) => [point.id, new Device(session, line, point)]))
    // The bus is there; whether anybody is on it, each point says for itself.
    session.ready({ model: `OSDP bus of ${devices.size}` })
    try {
      await poll(session, line, devices)
    } catch (error) {
      if (!session.signal.aborted) throw error
    }
    await line.ended()
  },
}

async function poll(session: Session, line: BusLine, devices: ReadonlyMap<string, Device>): Promise<void> {
  const { clock, config, signal, requests } = session
  let measured = clock.uptime()
  while (!signal.aborted) {
    const from = clock.uptime()
    const request = requests.take()
    if (request) void devices.get(request.point ?? '')?.serve(request)
    for (const device of devices.values()) {
      if (signal.aborted) return
      await device.turn()
      await line.pause(GAP_MS)
    }
    if (clock.uptime() - measured >= FIGURES_MS) {
      const busLoadPercent = Math.round((100 * line.takeBusyMs()) / (clock.uptime() - measured))
      session.measure({ busLoadPercent })
      measured = clock.uptime()
    }
    await line.pause(Math.max(0, config.poll - (clock.uptime() - from)))
  }
}
