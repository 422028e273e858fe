/**
 * The real daemon with the real driver of RDM6300 readers, whose lights can be seen from outside: `child-lit run OPTIONS`
 * (JSON, `LitOptions`). Starts as small as the daemon does, and lets go of that when it finds work. Writes to descriptor 3
 * `up READER TIME` and `VERDICT CARD TIME`, in nanoseconds of the clock that all processes share.
 */
import { releaseStart } from '../src/start.js'
import { writeSync } from 'node:fs'
import type { Config, ReaderConfig } from '../src/config/config.js'
import type { AnyDriver } from '../src/driver.js'
import type { LitOptions } from './lit.js'

const { driver: rdm6300 } = await import('../drivers/rdm6300/index.js')
const { SystemClock } = await import('../src/clock.js')
const { runDaemon } = await import('../src/daemon.js')
const { createLogger } = await import('../src/log.js')
const { openTransport } = await import('../src/transport/open.js')
const { parseTransportUrl } = await import('../src/transport/url.js')
const { GATEWAY, mqttConfig, SITE } = await import('./fixture.js')

const SHOWN = 3
/** A card is presented once. */
const REPEAT_WINDOW_MS = 1_000
const FOR_EVER_MS = 400 * 86_400_000
const HOLD_MS = 500

const { data, port, readers } = JSON.parse(process.argv[3] ?? '{}') as LitOptions

function show(what: string, of: string): void {
  writeSync(SHOWN, `${what} ${of} ${process.hrtime.bigint()}\n`)
}

const driver: typeof rdm6300 = {
  ...rdm6300,
  run: (session) =>
    rdm6300.run({
      ...session,
      ready: (identity) => {
        session.ready(identity)
        show('up', session.readerId)
      },
      report: async (sighting) => {
        const verdict = await session.report(sighting)
        show(verdict, sighting.credential.value)
        return verdict
      },
    }),
}

function reader(url: string, index: number): ReaderConfig {
  const transport = parseTransportUrl(url)
  if ('problem' in transport) throw new TypeError(transport.problem)
  return {
    id: `live-${index}`,
    name: `Live ${index}`,
    driver: driver.name,
    transport,
    direction: 'in',
    place: `live-${index}`,
    options: { hold: HOLD_MS },
    sim: true,
    enabled: true,
    points: [],
  }
}

const config: Config = {
  site: SITE,
  gateway: { id: GATEWAY },
  data: { path: data, keepSettledMs: FOR_EVER_MS },
  mqtt: mqttConfig(port),
  readers: readers.map(reader),
  policy: {
    repeatWindowMs: REPEAT_WINDOW_MS,
    verify: [],
    unknown: 'publish',
    autoDirection: { dayStartMs: null, maxStayMs: 57_600_000 },
  },
  log: { level: 'error' },
}

const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
const drivers: readonly AnyDriver[] = [driver]
const parts = { config, drivers, open: openTransport, clock: new SystemClock(), log: createLogger('error') }
await runDaemon({ ...parts, version: 'bench', onBusy: releaseStart }, stop.signal)
