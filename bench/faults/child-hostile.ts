/**
 * The real daemon with four good readers and one whose driver is hostile. Lights go to descriptor 3; how long each took, in
 * microseconds from the moment the person came, to descriptor 4.
 */
import { writeSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { SystemClock } from '../../src/clock.js'
import type { Config, ReaderConfig } from '../../src/config/config.js'
import { runDaemon } from '../../src/daemon.js'
import { options, type AnyDriver, type Driver } from '../../src/driver.js'
import { createLogger } from '../../src/log.js'
import { memoryWire } from '../../src/transport/memory.js'
import type { OpenTransport } from '../../src/transport/url.js'
import { leave } from '../../src/verbs/run.js'
import { GATEWAY, mqttConfig, SITE } from '../fixture.js'
import { HOSTILE, type HostileSession } from './hostile-drivers.js'

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '' },
    port: { type: 'string', default: '' },
    round: { type: 'string', default: '0' },
    again: { type: 'string', multiple: true, default: [] },
    hostile: { type: 'string' },
    idle: { type: 'boolean', default: false },
    cheat: { type: 'boolean', default: false },
  },
})

const [SHOWN, TOOK] = [3, 4]
const GATES = 4
const PAUSE_MS = 5
/** How often somebody comes to the hostile reader. */
const HOSTILE_PAUSE_MS = 50
/** How much too early a daemon shows green that is to be found out. */
const CHEAT_MS = 20
const FOR_EVER_MS = 400 * 86_400_000

const fields = options({})
const good: Driver<typeof fields, 'bytes'> = {
  name: 'good',
  title: 'A reader whose light can be seen from outside',
  transport: 'bytes',
  options: fields,

  async run(session) {
    session.ready({ model: 'good' })
    for await (const { bytes, arrived } of session.transport) {
      const value = Buffer.from(bytes).toString('latin1')
      if (values.cheat) {
        writeSync(SHOWN, `accepted ${value}\n`)
        await session.clock.sleep(CHEAT_MS, session.signal)
      }
      const verdict = await session.report({ credential: { type: 'card', value, scope: 'global' }, method: 'card', arrived }) // prettier-ignore
      if (!values.cheat) writeSync(SHOWN, `${verdict} ${value}\n`)
      await session.transport.write(Uint8Array.of(1))
    }
  },
}

const hostile: AnyDriver = {
  ...good,
  name: 'hostile',
  run: (session: HostileSession) =>
    HOSTILE[values.hostile ?? '']?.run(session) ?? Promise.reject(new Error('no such driver')),
}

/** Somebody new a while after the light was shown to the one before, and at the hostile reader anyhow. */
const open: OpenTransport = async (url, { clock: at, signal }) => {
  const { transport, device } = memoryWire(at, signal)
  const gate = url.scheme === 'tcp' ? url.port - 1 : 0
  writeSync(SHOWN, 'begun -\n')
  if (gate === GATES) {
    const timer = setInterval(() => device.send(Uint8Array.of(1)), HOSTILE_PAUSE_MS)
    signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  } else if (!values.idle) visit(gate)
  return { kind: 'bytes', transport, close: () => Promise.resolve(device.unplug()) }

  function visit(reader: number): void {
    let [count, came] = [0, performance.now()]
    const present = (): void => device.send(Buffer.from(cardOf(reader, count++), 'latin1'))
    device.onReceive = () => {
      const now = performance.now()
      writeSync(TOOK, `${Math.round((now - came) * 1_000)}\n`)
      // They come then, whether or not the loop has time for them.
      came = now + PAUSE_MS
      void at.sleep(PAUSE_MS, signal).then(() => signal.aborted || present())
    }
    present()
  }
}

function cardOf(reader: number, count: number): string {
  const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0')
  return hex(Number(values.round), 4) + hex(reader, 1) + hex(count, 5)
}

function reader(id: string, index: number): ReaderConfig {
  const transport = { scheme: 'tcp', host: 'nowhere', port: index + 1 } as const
  const driver = index === GATES ? 'hostile' : 'good'
  const place = index === GATES ? 'elsewhere' : 'gate'
  return { id, name: id, driver, transport, direction: 'in', place, options: {}, sim: true, enabled: true, points: [] }
}

const gates = Array.from({ length: GATES }, (_, index) => `gate-${index}`)
const config: Config = {
  site: SITE,
  gateway: { id: GATEWAY },
  data: { path: values.data, keepSettledMs: FOR_EVER_MS },
  mqtt: mqttConfig(Number(values.port)),
  readers: [...gates, ...(values.hostile === undefined ? [] : ['hostile'])].map(reader),
  policy: {
    repeatWindowMs: 600_000,
    verify: [],
    unknown: 'publish',
    autoDirection: { dayStartMs: null, maxStayMs: 57_600_000 },
  },
  log: { level: 'error' },
}

const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
const context = { config, drivers: [good, hostile], open, clock: new SystemClock(), version: 'torture' }
await runDaemon({ ...context, log: createLogger('error') }, stop.signal).finally(leave)
