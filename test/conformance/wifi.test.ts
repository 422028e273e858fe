/** As for `ble`: the suite's questions about files, and what else it asks of every driver asked of samples. */
import { strict as assert } from 'node:assert'
import { getEventListeners } from 'node:events'
import { addressKind } from '../../drivers/wifi/codec.js'
import { driver } from '../../drivers/wifi/index.js'
import type { OptionValues, Watched } from '../../src/driver.js'
import { TransportError } from '../../src/errors.js'
import { Newsroom } from '../../src/transport/wifi/news.js'
import { FakeClock } from '../support/fake-clock.js'
import { optionDefaults, RecordingLogger, RecordingSession } from '../support/session.js'
import { askAboutFiles } from './files.js'

const FIXED = '3C22FB0A1B2C'
const RANDOM = 'DAA119001122'
const HOUR_MS = 3_600_000
const WATCH: readonly Watched[] = [
  { type: 'mac', value: FIXED, name: 'ada' },
  { type: 'mac', value: RANDOM },
]
type Config = OptionValues<typeof driver.options>

function run() {
  const clock = new FakeClock()
  const stop = new AbortController()
  const room = new Newsroom('hostapd', { clock, signal: stop.signal, log: new RecordingLogger() })
  const config: Config = { ...optionDefaults(driver.options), watch: WATCH }
  const session = new RecordingSession<Config, 'station'>({ config, transport: room, clock, signal: stop.signal, scheme: 'wifi' }) // prettier-ignore
  const ended: { how: 'running' | 'resolved' | { readonly error: unknown } } = { how: 'running' }
  const done = driver.run(session).then(
    () => void (ended.how = 'resolved'),
    (error: unknown) => void (ended.how = { error }),
  )
  return { clock, stop, room, session, ended, done }
}

describe('conformance of wifi', () => {
  askAboutFiles({
    driver,
    folder: 'drivers/wifi',
    shows: 'none',
    silence: 'normal',
    open: () => assert.fail('not asked'),
    decode: (pieces) => addressKind(Buffer.concat(pieces).toString('hex').toUpperCase()),
  })

  it('is ready at once, and senses whom it watches, at the moment of the news, a random address when it is listed', async () => {
    const { clock, room, session, stop, done } = run()
    assert.deepEqual(session.identities, [{ model: 'stations of hostapd' }])
    room.tell({ kind: 'joined', address: FIXED, rssiDbm: -50 })
    room.tell({ kind: 'heard', address: RANDOM })
    room.tell({ kind: 'parted', address: FIXED })
    room.tell({ kind: 'listed', addresses: [RANDOM, '02AABBCCDDEE', '3C22FB999999'] })
    await clock.settle()
    assert.deepEqual(
      session.samples.map((sample) => (sample.kind === 'listed' ? sample.credentials.map(({ value }) => value) : [sample.kind, sample.credential.value, sample.rssiDbm])), // prettier-ignore
      [['joined', FIXED, -50], ['heard', RANDOM, undefined], ['parted', FIXED, undefined], [RANDOM]],
    )
    assert.ok(session.samples.every(({ arrived }) => clock.gave(arrived)))
    stop.abort()
    await done
  })

  it('senses nobody else: no stranger, random or not, no group, nothing incomplete', async () => {
    const { clock, room, session, stop, done } = run()
    for (const address of ['3C22FB999999', '02AABBCCDDEE', '01005E0000FB', '000000000000', 'nonsense'])
      room.tell({ kind: 'joined', address })
    await clock.settle()
    assert.deepEqual([session.samples, session.counters.goodFrames, session.counters.badFrames], [[], 2, 3])
    await clock.advance(10_000)
    assert.deepEqual(session.figures, { stations: 2, randomAddresses: 1 })
    assert.deepEqual(session.log.lines, [])
    stop.abort()
    await done
  })

  it('rejects with TransportError when the source is lost, with everything before it sensed', async () => {
    const { clock, room, session, ended, done } = run()
    room.tell({ kind: 'joined', address: FIXED })
    room.fail(new TransportError('transport-lost', 'gone'))
    await clock.settle()
    await done
    assert.ok(typeof ended.how === 'object' && ended.how.error instanceof TransportError)
    assert.equal(session.samples.length, 1)
    assert.equal(clock.sleeping, 0)
  })

  it('stays up while nobody is about, and resolves at once when stopped, leaving nothing behind', async () => {
    const { clock, ended, stop, done } = run()
    await clock.advance(HOUR_MS)
    assert.equal(ended.how, 'running')
    stop.abort()
    await done
    assert.equal(ended.how, 'resolved')
    assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
    assert.equal(clock.sleeping, 0)
  })
})
