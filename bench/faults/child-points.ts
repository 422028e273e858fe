/**
 * The daemon of `points`: the real one at a busy site, whose lights go to descriptor 3 as in `child-green`. It runs from a copy
 * that has calls where the points are.
 */
import { writeSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { SystemClock } from '../../src/clock.js'
import { runDaemon } from '../../src/daemon.js'
import { options, type AnyDriver, type Driver, type Sighting, type Verdict } from '../../src/driver.js'
import { createLogger } from '../../src/log.js'
import { memoryWire } from '../../src/transport/memory.js'
import type { OpenTransport } from '../../src/transport/url.js'
import { cardOf, DOOR, GATES, hugeCode, passer, pinOf, READERS, ruled, siteConfig, strangerCard, TERMINAL } from './points-site.js' // prettier-ignore

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '' },
    port: { type: 'string', default: '' },
    round: { type: 'string', default: '0' },
    again: { type: 'string', multiple: true, default: [] },
    settle: { type: 'string', default: 'puback' },
    idle: { type: 'boolean', default: false },
    cheat: { type: 'boolean', default: false },
  },
})
const round = Number(values.round)

const SHOWN = 3
const PAUSE_MS = 12
/** The wall clock is set so long after the first reader was opened: punches before it are corrected. */
const SYNC_AFTER_MS = 350
const SYNC_ERROR_MS = 20
/** Presented at the slow readers, then nobody comes any more. */
const FEW = 8

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
      const [type = '', value = '', key] = Buffer.from(bytes).toString('latin1').split(' ')
      const credential = { type, value, scope: 'global' } as Sighting['credential']
      const method = type as Sighting['method']
      const claim = key === undefined ? undefined : { wall: arrived.wall, key, aheadMs: 0, late: false }
      if (values.cheat) show('accepted', value)
      const verdict = await session.report({ credential, method, arrived, ...(claim && { claim }) })
      // point: light.before
      // Of what a terminal offers again nothing is stored.
      if (!values.cheat && !(claim && verdict === 'repeat')) show(verdict, value)
      // point: light.after
      if (key !== undefined) await session.remember('through', key)
      await session.transport.write(Uint8Array.of(1))
    }
  },
}

function* presented(reader: string): Generator<string> {
  const gate = GATES.findIndex((id) => id === reader)
  if (gate === 0) for (const card of values.again) yield `card ${card}`
  if (gate !== -1) for (let count = 0; ; count++) yield `card ${cardOf(passer(round, gate, count))}`
  if (reader === DOOR) yield* factors()
  else if (reader === TERMINAL) yield* kept()
  else yield* atCounter()
}

/** Strangers, and a code that is too large for the broker. */
function* atCounter(): Generator<string> {
  for (let count = 0; count < FEW; count++) yield count % 4 === 1 ? `qr ${hugeCode()}` : `card ${strangerCard(round)}`
}

/** Two factors of each person; of every third one the second stays out. */
function* factors(): Generator<string> {
  for (let count = 0; count < FEW; count++) {
    yield `card ${cardOf(ruled(round, count))}`
    if (count % 3 !== 0) yield `pin ${pinOf(ruled(round, count))}`
  }
}

/** What a terminal kept: first what it offered before the kill, then what is new. */
function* kept(): Generator<string> {
  for (const at of [round - 1, round])
    for (let count = 0; count < FEW; count++) yield `card E${at.toString(16).toUpperCase().padStart(7, '0')}${count.toString(16).padStart(2, '0')} ${at}-${count}` // prettier-ignore
}

/** Opens a wire with people at its other end: the next one comes when the light was shown to the one before. */
const open: OpenTransport = async (url, { clock: at, signal }) => {
  const { transport, device } = memoryWire(at, signal)
  const queue = presented(READERS[url.scheme === 'tcp' ? url.port - 1 : 0] ?? '')
  const present = (): void => {
    const next = queue.next()
    if (next.done !== true && !signal.aborted) device.send(Buffer.from(next.value, 'latin1'))
  }
  device.onReceive = () => void at.sleep(PAUSE_MS, signal).then(present)
  sync.begin()
  writeSync(SHOWN, 'begun -\n')
  if (!values.idle) present()
  return { kind: 'bytes', transport, close: () => Promise.resolve(device.unplug()) }
}

/** Says after a while that the wall clock is set. */
class LateSync {
  readonly shared = new SharedArrayBuffer(4)
  readonly #bound = new Int32Array(this.shared).fill(-1)

  begin(): void {
    setTimeout(() => Atomics.store(this.#bound, 0, SYNC_ERROR_MS), SYNC_AFTER_MS).unref()
  }
  get errorMs(): number | null {
    const bound = Atomics.load(this.#bound, 0)
    return bound === -1 ? null : bound
  }
  look(): void {
    // It waits for nobody.
  }
  doubt(): void {
    // Nobody steps the clock of this machine.
  }
}

const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
const settle = values.settle === 'receipt' ? 'receipt' : 'puback'
const config = siteConfig({ data: values.data, port: Number(values.port), settle })
const sync = new LateSync()
const clock = new SystemClock({ sync })
const drivers: readonly AnyDriver[] = [driver]
await runDaemon({ config, drivers, open, clock, log: createLogger('error'), version: 'torture' }, stop.signal)
