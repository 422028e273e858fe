/**
 * The real daemon with readers whose light can be seen from outside: `runDaemon` gets a driver and transports of ours,
 * everything between them and the disk and the broker is what customers run. Every light is written to descriptor 3
 * at once, so what the parent reads there was shown, however this process ends.
 *
 * `--idle` presents nothing: the daemon only sends what is left. `--cheat` shows green before the punch is stored:
 * a harness that does not notice that proves nothing. `--cards` is how many each reader sees, `--pause` how long between
 * two of them, `--speed` how many times as fast the daemon's clock runs; `--url` and what follows it are as in the
 * configuration.
 */
import { writeSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { SystemClock, type Clock } from '../../src/clock.js'
import { LOG_LEVELS, type Config, type ReaderConfig } from '../../src/config/config.js'
import { runDaemon } from '../../src/daemon.js'
import { options, type AnyDriver, type Driver, type Verdict } from '../../src/driver.js'
import { createLogger } from '../../src/log.js'
import { memoryWire } from '../../src/transport/memory.js'
import type { OpenTransport } from '../../src/transport/url.js'
import { FastClock } from '../../test/support/fast-clock.js'
import { GATEWAY, mqttConfig, SITE } from '../fixture.js'

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '' },
    port: { type: 'string', default: '' },
    round: { type: 'string', default: '0' },
    again: { type: 'string', multiple: true, default: [] },
    idle: { type: 'boolean', default: false },
    cheat: { type: 'boolean', default: false },
    url: { type: 'string', multiple: true, default: [] },
    cards: { type: 'string', default: 'Infinity' },
    pause: { type: 'string', default: '1' },
    speed: { type: 'string', default: '1' },
    settle: { type: 'string', default: 'puback' },
    protocol: { type: 'string', default: '5' },
    log: { type: 'string', default: 'error' },
  },
})

const SHOWN = 3
/** Several readers at once, so that commits hold more than one punch. */
const READERS = 4
/** Pause between two people at one reader, by the daemon's clock. */
const PAUSE_MS = Number(values.pause)
/** Longer than any number of kills takes, so that a card shown again after one must be a repeat. */
const REPEAT_WINDOW_MS = 600_000
const FOR_EVER_MS = 400 * 86_400_000

function show(light: Verdict, card: string): void {
  writeSync(SHOWN, `${light} ${card}\n`)
}

const fields = options({})
const driver: Driver<typeof fields, 'bytes'> = {
  name: 'torture',
  title: 'A reader whose light can be seen from outside',
  transport: 'bytes',
  options: fields,

  async run(session) {
    session.ready({ model: 'torture' })
    for await (const { bytes, arrived } of session.transport) {
      const value = Buffer.from(bytes).toString('latin1')
      if (values.cheat) show('accepted', value)
      const verdict = await session.report({
        credential: { type: 'card', value, scope: 'global' },
        method: 'card',
        arrived,
      })
      if (!values.cheat) show(verdict, value)
      await session.transport.write(Uint8Array.of(1))
    }
  },
}

/** The cards of one reader: those that were green before the kill, then one new one after the other. */
function* cards(reader: number): Generator<string> {
  if (reader === 0) yield* values.again
  for (let count = 0; count < Number(values.cards); count++) {
    yield hex(Number(values.round), 4) + hex(reader, 1) + hex(count, 5)
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0')
}

/** Opens a wire with people at its other end: the next one comes when the light was shown to the one before. */
const open: OpenTransport = async (url, { clock, signal }) => {
  const { transport, device } = memoryWire(clock, signal)
  const queue = cards(url.scheme === 'tcp' ? url.port - 1 : 0)
  const present = (): void => {
    const next = queue.next()
    if (next.done !== true && !signal.aborted) device.send(Buffer.from(next.value, 'latin1'))
  }
  device.onReceive = () => void clock.sleep(PAUSE_MS, signal).then(present)
  writeSync(SHOWN, 'begun -\n')
  if (!values.idle) present()
  return { kind: 'bytes', transport, close: () => Promise.resolve(device.unplug()) }
}

function reader(index: number): ReaderConfig {
  return {
    id: `gate-${index}`,
    name: `Gate ${index}`,
    driver: driver.name,
    transport: { scheme: 'tcp', host: 'nowhere', port: index + 1 },
    direction: 'in',
    // One place: a card is a repeat at whichever reader it comes again.
    place: 'gate',
    options: {},
    sim: true,
    enabled: true,
    points: [],
  }
}

const level = LOG_LEVELS.find((name) => name === values.log) ?? 'error'
const config: Config = {
  site: SITE,
  gateway: { id: GATEWAY },
  data: { path: values.data, keepSettledMs: FOR_EVER_MS },
  mqtt: {
    ...mqttConfig(Number(values.port)),
    ...(values.url.length > 0 && { urls: values.url }),
    protocol: values.protocol === '4' ? 4 : 5,
    settle: values.settle === 'receipt' ? 'receipt' : 'puback',
  },
  readers: Array.from({ length: READERS }, (_, index) => reader(index)),
  policy: {
    repeatWindowMs: REPEAT_WINDOW_MS,
    verify: [],
    unknown: 'publish',
    autoDirection: { dayStartMs: null, maxStayMs: 57_600_000 },
  },
  log: { level },
}

const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
const clock: Clock = values.speed === '1' ? new SystemClock() : new FastClock(Number(values.speed))
const drivers: readonly AnyDriver[] = [driver]
await runDaemon({ config, drivers, open, clock, log: createLogger(level), version: 'torture' }, stop.signal)
