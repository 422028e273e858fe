/**
 * The real daemon with one reader whose light can be seen from outside: `child-punchd run FOLDER PORT`. The next person
 * comes when the last one has seen the light, and a punch is accepted when the light is green.
 */
import { releaseStart } from '../../src/start.js'

const { SystemClock } = await import('../../src/clock.js')
const { runDaemon } = await import('../../src/daemon.js')
const { options } = await import('../../src/driver.js')
const { createLogger } = await import('../../src/log.js')
const { memoryWire } = await import('../../src/transport/memory.js')
const { cardValue, GATEWAY, mqttConfig, READER, SITE } = await import('../fixture.js')
const { say, takeOrders } = await import('./orders.js')

import type { ReaderConfig } from '../../src/config/config.js'
import type { Driver, Verdict } from '../../src/driver.js'
import type { DeviceEnd } from '../../src/transport/memory.js'
import type { OpenTransport } from '../../src/transport/url.js'

const [folder = '', port = ''] = process.argv.slice(3)
/** The default of the configuration. */
const REPEAT_WINDOW_MS = 300_000
const FOR_EVER_MS = 400 * 86_400_000

let light: (verdict: Verdict) => void = () => undefined
const fields = options({})
const driver: Driver<typeof fields, 'bytes'> = {
  name: 'peers',
  title: 'A reader whose light can be seen from outside',
  transport: 'bytes',
  options: fields,

  async run(session) {
    session.ready({ model: 'peers' })
    for await (const { bytes, arrived } of session.transport) {
      const value = Buffer.from(bytes).toString('latin1')
      light(await session.report({ credential: { type: 'card', value, scope: 'global' }, method: 'card', arrived }))
    }
  },
}

let plugIn: (device: DeviceEnd) => void = () => undefined
const plugged = new Promise<DeviceEnd>((resolve) => (plugIn = resolve))
const open: OpenTransport = async (_url, { clock, signal }) => {
  const { transport, device } = memoryWire(clock, signal)
  plugIn(device)
  return { kind: 'bytes', transport, close: () => Promise.resolve(device.unplug()) }
}

const reader: ReaderConfig = {
  id: READER,
  name: 'North gate',
  driver: driver.name,
  transport: { scheme: 'tcp', host: 'nowhere', port: 1 },
  direction: 'in',
  place: 'gate',
  options: {},
  sim: true,
  enabled: true,
  points: [],
}
const config = {
  site: SITE,
  gateway: { id: GATEWAY },
  data: { path: folder, keepSettledMs: FOR_EVER_MS },
  mqtt: mqttConfig(Number(port)),
  readers: [reader],
  policy: {
    repeatWindowMs: REPEAT_WINDOW_MS,
    verify: [],
    unknown: 'publish' as const,
    autoDirection: { dayStartMs: null, maxStayMs: 57_600_000 },
  },
  log: { level: 'error' as const },
}
const context = { config, drivers: [driver], open, clock: new SystemClock(), log: createLogger('error') }
const running = runDaemon({ ...context, version: 'peers', onBusy: releaseStart }, new AbortController().signal)
const device = await plugged

await Promise.race([
  running,
  takeOrders(async ({ from, count }) => {
    for (let number = from; number < from + count; number++) {
      const verdict = await new Promise<Verdict>((resolve) => {
        light = resolve
        device.send(Buffer.from(cardValue(number), 'latin1'))
      })
      if (verdict === 'accepted') say(number)
    }
  }),
])
