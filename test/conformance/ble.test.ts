/**
 * The suite asks about presentations and verdicts, which a radio that hears people does not have: only its questions about
 * files are asked. What else it asks of every driver (loss, silence, stop, privacy) is asked here of samples.
 */
import { strict as assert } from 'node:assert'
import { getEventListeners } from 'node:events'
import { badgeServices, beaconsOf } from '../../drivers/ble/codec.js'
import { driver } from '../../drivers/ble/index.js'
import { badge, eddystoneUid, iBeacon, phone, resolvableAddress } from '../../simulators/hci-air.js'
import { DeviceError, TransportError } from '../../src/errors.js'
import type { OptionValues, Sample, Watched } from '../../src/driver.js'
import { Air } from '../support/air.js'
import { partsOf } from '../support/adverts.js'
import { FakeClock } from '../support/fake-clock.js'
import { optionDefaults, RecordingSession } from '../support/session.js'
import { askAboutFiles } from './files.js'

const IBEACON = 'E2C56DB5DFFB48D2B060D0F5A71096E000010002'
const UID = '0102030405060708090A010203040506'
const IRK = 'ec0234a357c8ad05341010a60a397d9b'
const BADGES = 'fce7 6e400001-b5a3-f393-e0a9-e50e24dcca9e'
const HOUR_MS = 3_600_000
const WATCH: readonly Watched[] = [
  { type: 'beacon', value: IBEACON, name: 'ada' },
  { type: 'beacon', value: UID },
  { type: 'beacon', value: 'C0DE' },
  { type: 'phone', value: 'ada-phone', name: 'ada', irk: IRK },
]

type Config = OptionValues<typeof driver.options>

function run(over: Partial<Config> = {}) {
  const clock = new FakeClock()
  const stop = new AbortController()
  const air = new Air(clock, stop.signal)
  const config: Config = { ...optionDefaults(driver.options), watch: WATCH, badges: BADGES, ...over }
  const session = new RecordingSession<Config, 'advert'>({ config, transport: air, clock, signal: stop.signal, scheme: 'ble' }) // prettier-ignore
  const ended: { how: 'running' | 'resolved' | { readonly error: unknown } } = { how: 'running' }
  const done = driver.run(session).then(
    () => void (ended.how = 'resolved'),
    (error: unknown) => void (ended.how = { error }),
  )
  const samples = (): Sample[] => session.samples.filter((sample) => sample.kind !== 'listed')
  return { clock, stop, air, session, ended, done, samples }
}

describe('conformance of ble', () => {
  askAboutFiles({
    driver,
    folder: 'drivers/ble',
    shows: 'none',
    silence: 'normal',
    open: () => assert.fail('not asked'),
    decode: (pieces) => beaconsOf(partsOf(Buffer.concat(pieces)), badgeServices(BADGES).services),
  })

  it('is ready at once, and senses whom it watches, at the moment of the advert, with its strength', async () => {
    const { clock, air, session, samples, stop, done } = run()
    await clock.settle()
    assert.deepEqual(session.identities, [{ model: 'the air' }])
    const address = 'C01122334455'
    air.say({ address, rssiDbm: -60, data: iBeacon(IBEACON) })
    air.say({ address, rssiDbm: -61, data: eddystoneUid(UID, { old: true }) })
    air.say({ address, rssiDbm: -62, data: badge('fce7', 'c0de') })
    air.say({ address: resolvableAddress(IRK, 77), rssiDbm: -63, data: phone() })
    await clock.settle()
    assert.deepEqual(
      samples().map(({ credential: { type, value, scope }, kind, method, rssiDbm }) => [type, value, scope, kind, method, rssiDbm]), // prettier-ignore
      [
        ['beacon', IBEACON, 'global', 'heard', 'ble', -60],
        ['beacon', UID, 'global', 'heard', 'ble', -61],
        ['beacon', 'C0DE', 'global', 'heard', 'ble', -62],
        ['phone', 'ada-phone', 'global', 'heard', 'ble', -63],
      ],
    )
    assert.ok(
      samples().every(({ arrived }) => clock.gave(arrived)),
      'the very object of the transport',
    )
    assert.deepEqual([session.sightings, session.counters.goodFrames, session.counters.badFrames], [[], 4, 0])
    stop.abort()
    await done
  })

  it('senses nobody whom it does not watch', async () => {
    const { clock, air, samples, session, stop, done } = run()
    const stranger = IBEACON.replace(/..$/, '03')
    air.say({ address: 'C01122334455', rssiDbm: -60, data: iBeacon(stranger) })
    air.say({ address: resolvableAddress(IRK.replace('e', 'f'), 77), rssiDbm: -63, data: phone() })
    // The very digits of our phone's address, but public, or static: no phone of ours.
    const ours = resolvableAddress(IRK, 77)
    air.say({ address: ours, isPublic: true, rssiDbm: -63, data: phone() })
    await clock.settle()
    assert.deepEqual([samples(), session.counters.goodFrames], [[], 3])
    stop.abort()
    await done
  })

  it('counts what is malformed: its own finds, and what the radio left out', async () => {
    const { clock, air, session, stop, done } = run()
    const cut = Buffer.from(iBeacon(IBEACON).subarray(0, -1))
    cut[3] = 0x19
    air.say({ address: 'C01122334455', rssiDbm: -60, data: cut })
    await clock.settle()
    assert.deepEqual([session.counters.badFrames, session.counters.goodFrames], [1, 0])
    air.malformed += 5
    await clock.advance(10_000)
    assert.equal(session.counters.badFrames, 6)
    air.malformed += 2
    stop.abort()
    await done
    assert.equal(session.counters.badFrames, 8, 'to the last')
  })

  it('tells how much it hears', async () => {
    const { clock, air, session, stop, done } = run()
    for (let second = 0; second < 10; second++) {
      air.say({ address: 'C01122334455', rssiDbm: -60, data: iBeacon(IBEACON) })
      air.say({ address: 'C01122334456', rssiDbm: -60, data: phone() })
      await clock.advance(1_000)
    }
    assert.deepEqual(session.figures, { advertsPerMinute: 120, watchedPerMinute: 60 })
    await clock.advance(10_000)
    assert.deepEqual(session.figures, { advertsPerMinute: 0, watchedPerMinute: 0 })
    stop.abort()
    await done
  })

  it('rejects with TransportError when the radio is lost, with everything before it sensed', async () => {
    const { clock, air, ended, done, samples } = run()
    air.say({ address: 'C01122334455', rssiDbm: -60, data: iBeacon(IBEACON) })
    air.unplug()
    await clock.advance(0)
    await done
    assert.ok(typeof ended.how === 'object' && ended.how.error instanceof TransportError)
    assert.equal(samples().length, 1)
    assert.equal(clock.sleeping, 0)
  })

  it('stays up while nothing is on the air, and resolves at once when stopped, leaving nothing behind', async () => {
    const { clock, ended, stop, done } = run()
    await clock.advance(HOUR_MS)
    assert.equal(ended.how, 'running')
    stop.abort()
    await done
    assert.equal(ended.how, 'resolved')
    assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
    assert.equal(clock.sleeping, 0)
  })

  it('logs nobody', async () => {
    const { clock, air, session, stop, done } = run()
    air.say({ address: 'C01122334455', rssiDbm: -60, data: iBeacon(IBEACON) })
    await clock.settle()
    stop.abort()
    await done
    assert.ok(!JSON.stringify(session.log.lines).includes(IBEACON))
  })

  it('refuses badges that are no services, with a hint', async () => {
    const { ended, done, session } = run({ badges: 'fce7 badge' })
    await done
    assert.ok(typeof ended.how === 'object' && ended.how.error instanceof DeviceError)
    assert.match(ended.how.error.message, /"badge"/)
    assert.match(ended.how.error.hint ?? '', /4 or 32 hex digits/)
    assert.deepEqual(session.identities, [])
  })
})
