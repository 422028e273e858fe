/** The transport `ble:`: real, unmodified noble in its child process, over a virtual controller. */
import { strict as assert } from 'node:assert'
import { getEventListeners } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { altBeacon, badge, eddystoneUid, iBeacon, type OnAir } from '../simulators/hci-air.js'
import { extendedReports } from '../simulators/hci-wire.js'
import { Controller, type ControllerOptions } from '../simulators/hci.js'
import { SystemClock } from '../src/clock.js'
import type { Advert, AdvertTransport } from '../src/driver.js'
import { TransportError } from '../src/errors.js'
import { openBle, type BleLimits } from '../src/transport/ble.js'
import type { BleStack } from '../src/transport/url.js'
import { RecordingLogger } from './support/session.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const IBEACON = 'E2C56DB5DFFB48D2B060D0F5A71096E000010002'
const UID = '0102030405060708090A010203040506'
const clock = new SystemClock()

/** The child process of the transport that is open. */
function childPid(): number {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ')
  const pid = children.find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('ble-child'))
  assert.ok(pid !== undefined, 'no child process')
  return Number(pid)
}

/** A transport that is open, and what came of it. */
class Opened {
  readonly adverts: Advert[] = []
  readonly log: RecordingLogger
  readonly transport: AdvertTransport
  readonly close: () => Promise<void>
  readonly stop: AbortController
  ending: 'running' | 'resolved' | { readonly error: unknown } = 'running'

  constructor(opened: Awaited<ReturnType<typeof openBle>>, log: RecordingLogger, stop: AbortController) {
    this.log = log
    this.stop = stop
    this.transport = opened.transport
    this.close = () => opened.close()
    void this.#read()
  }

  async #read(): Promise<void> {
    try {
      for await (const advert of this.transport) this.adverts.push(advert)
      this.ending = 'resolved'
    } catch (error) {
      this.ending = { error }
    }
  }

  heard(address: string): Advert[] {
    return this.adverts.filter((advert) => advert.address === address)
  }

  get error(): TransportError {
    assert.ok(typeof this.ending === 'object' && this.ending.error instanceof TransportError, 'it did not end with one')
    return this.ending.error
  }

  get renewed(): unknown[] {
    return this.log.lines.filter(({ fields }) => fields['event'] === 'ble-renewed').map(({ fields }) => fields['why'])
  }

  get pids(): unknown[] {
    return this.log.lines.filter(({ fields }) => fields['event'] === 'ble-renewed').map(({ fields }) => fields['pid'])
  }
}

describe('ble:', function () {
  this.timeout(60_000)
  const folder = tempFolder()
  const closers: (() => Promise<void>)[] = []

  async function controller(options: Partial<ControllerOptions> = {}): Promise<Controller> {
    const twin = await Controller.start({ path: folder.file('hci.sock'), ...options })
    Object.assign(process.env, twin.env)
    closers.push(() => twin.unplug())
    return twin
  }

  async function open(limits: Partial<BleLimits> = {}, stack: BleStack = 'abandonware'): Promise<Opened> {
    const stop = new AbortController()
    const log = new RecordingLogger()
    const opened = await openBle({ scheme: 'ble', adapter: 0, stack }, { clock, signal: stop.signal, log }, limits)
    const held = new Opened(opened, log, stop)
    closers.push(held.close)
    return held
  }

  async function refusal(limits: Partial<BleLimits> = {}, stack: BleStack = 'abandonware'): Promise<TransportError> {
    const error = await open(limits, stack).then(
      () => assert.fail('it opened'),
      (thrown: unknown) => thrown,
    )
    assert.ok(error instanceof TransportError, String(error))
    return error
  }

  /** Keeps saying it until somebody has heard it: a radio may miss one. */
  async function sayUntil(twin: Controller, report: OnAir, done: () => boolean, what: string): Promise<void> {
    await until(() => (twin.air(report), done()), 20_000, what)
  }

  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
    for (const name of ['NODE_OPTIONS', 'HCI_TWIN', 'HCI_TWIN_REFUSES', 'HCI_CHANNEL_USER']) Reflect.deleteProperty(process.env, name) // prettier-ignore
  })

  it('hears what is on the air, of every form, legacy and extended', async () => {
    const twin = await controller()
    const radio = await open()
    assert.equal(radio.transport.radio, 'hci0, @abandonware/noble')
    assert.ok(twin.scanning)
    twin.air({ address: 'C01122334401', rssiDbm: -59, data: iBeacon(IBEACON) })
    twin.air({ address: 'C01122334402', rssiDbm: -75, data: eddystoneUid(UID) }, { address: '001122334403', isPublic: true, rssiDbm: 127, data: badge('0a18', 'c0de'), type: 0 }) // prettier-ignore
    twin.airExtended([
      { address: 'C01122334404', rssiDbm: -80, data: altBeacon(IBEACON) },
      { address: 'C01122334405', rssiDbm: -81, data: badge('fce7') },
    ])
    twin.air({ address: 'C01122334406', rssiDbm: -50, data: badge('0a18') })
    await until(() => radio.adverts.length === 6, 5_000, 'six adverts')
    const [first, second, third, fourth, fifth, sixth] = radio.adverts
    assert.deepEqual(Buffer.from(first?.manufacturerData ?? []).toString('hex').slice(8, 48), IBEACON.toLowerCase()) // prettier-ignore
    assert.deepEqual([first?.address, first?.addressType, first?.rssiDbm], ['C01122334401', 'random', -59])
    assert.deepEqual(second?.serviceUuids, ['feaa'])
    assert.equal(second.serviceData[0]?.bytes.length, 20)
    assert.deepEqual([third?.address, third?.addressType, third?.rssiDbm], ['001122334403', 'public', 127])
    assert.deepEqual(third?.serviceData, [{ uuid: '0a18', bytes: Uint8Array.of(0xc0, 0xde) }])
    assert.deepEqual([fourth?.rssiDbm, fourth?.serviceUuids, fourth?.serviceData], [-80, [], []])
    assert.deepEqual([fifth?.rssiDbm, fifth?.serviceUuids, fifth?.manufacturerData], [-81, ['fce7'], undefined])
    assert.deepEqual(sixth?.serviceUuids, ['0a18'], 'noble says a18')
    assert.equal(radio.transport.malformed, 0)
    assert.ok(radio.adverts.every(({ arrived }) => clock.uptime() - arrived.uptime < 5_000))
  })

  it('takes each advertisement for itself: what an address said before is not mixed into it', async () => {
    const twin = await controller()
    const radio = await open()
    twin.air({ address: 'C01122334401', rssiDbm: -59, data: iBeacon(IBEACON) })
    twin.air({ address: 'C01122334401', rssiDbm: -59, data: eddystoneUid(UID) })
    await until(() => radio.adverts.length === 2)
    assert.deepEqual(
      radio.adverts.map(({ manufacturerData, serviceData }) => [manufacturerData?.length, serviceData.length]),
      [[25, 0], [undefined, 1]], // prettier-ignore
    )
  })

  it('does not read one report on into the next', async () => {
    const twin = await controller()
    const radio = await open()
    const reports = ['C01122334404', 'C01122334405'].map((address) => ({ address, rssiDbm: -80, data: badge('fce7') }))
    const event = extendedReports([...reports.slice(0, 1), { ...reports[1]!, data: iBeacon(IBEACON) }])
    // A direct address that looks like the length of a structure leads noble's unbounded reading into the second's data.
    event[5 + 24 + badge('fce7').length + 17] = 0x06
    twin.event(event)
    await until(() => radio.adverts.length === 2)
    assert.deepEqual(radio.adverts.map(({ manufacturerData }) => manufacturerData?.length), [undefined, 25]) // prettier-ignore
  })

  it('takes the same words of one device within a moment for one sign of life', async () => {
    const twin = await controller()
    const radio = await open()
    for (let time = 0; time < 2_000; time++) twin.air({ address: 'C01122334401', rssiDbm: -59, data: iBeacon(IBEACON) })
    await sayUntil(twin, { address: 'C01122334402', rssiDbm: -59, data: iBeacon(IBEACON) }, () => radio.heard('C01122334402').length > 0, 'the last') // prettier-ignore
    assert.ok(radio.heard('C01122334401').length >= 1 && radio.heard('C01122334401').length < 100, String(radio.adverts.length)) // prettier-ignore
  })

  it('counts events that are cut, and goes on', async () => {
    const twin = await controller()
    const radio = await open()
    const whole = Buffer.from('043e2a020103015544332211c01e0201061aff4c000215e2c56db5dffb48d2b060d0f5a71096e000010002c5c5', 'hex') // prettier-ignore
    for (let length = 3; length < whole.length; length++) {
      const cut = Buffer.from(whole.subarray(0, length))
      cut[2] = length - 3
      twin.event(cut)
    }
    twin.event(Buffer.from('0405010a', 'hex')) // A cut "disconnected": noble throws.
    twin.air({ address: 'C01122334402', rssiDbm: -59, data: Buffer.from('0309aa', 'hex') })
    await until(() => radio.adverts.length === 1)
    assert.equal(radio.heard('C01122334402').length, 1)
    await until(() => radio.transport.malformed === whole.length - 3 + 1, 2_000, String(radio.transport.malformed))
    assert.deepEqual([radio.ending, radio.log.lines], ['running', []])
  })

  it('is lost when the adapter is pulled or switched off, and opens again when it is back (E14)', async () => {
    const twin = await controller()
    for (const [lose, back] of [
      [() => twin.unplug(), () => twin.plug()],
      [() => twin.power(false), () => twin.power(true)],
    ] as const) {
      const radio = await open()
      await sayUntil(twin, { address: 'C01122334401', rssiDbm: -59, data: iBeacon(IBEACON) }, () => radio.adverts.length > 0, 'adverts') // prettier-ignore
      await lose()
      await until(() => radio.ending !== 'running', 5_000, 'the loss')
      assert.deepEqual([radio.error.code, radio.error.message], ['transport-lost', 'hci0 was switched off or unplugged']) // prettier-ignore
      assert.match(radio.error.hint ?? '', /hciconfig hci0 up/)
      await radio.close()
      const refused = await refusal({ startMs: 1_000 })
      assert.equal(refused.code, 'transport-absent')
      assert.match(refused.hint ?? '', /hciconfig/)
      await back()
    }
  })

  it('begins the scan anew when nothing was heard for a while', async () => {
    const twin = await controller()
    const radio = await open({ restartMs: 400 })
    twin.fallSilent()
    assert.ok(!twin.air({ address: 'C01122334401', rssiDbm: -59, data: iBeacon(IBEACON) }))
    await sayUntil(twin, { address: 'C01122334401', rssiDbm: -59, data: iBeacon(IBEACON) }, () => radio.adverts.length > 0, 'a new scan') // prettier-ignore
    assert.deepEqual(radio.renewed, [], 'the same process')
  })

  it('begins the scan anew when another program ended it', async () => {
    const twin = await controller()
    const radio = await open()
    twin.fallSilent()
    // A raw socket is shown the commands of others.
    twin.event(Buffer.from('010c20020001', 'hex'))
    await sayUntil(twin, { address: 'C01122334401', rssiDbm: -59, data: iBeacon(IBEACON) }, () => radio.adverts.length > 0, 'a new scan') // prettier-ignore
  })

  it('takes a new process when a new scan does not help, and says nothing of it to the driver', async () => {
    const twin = await controller()
    const radio = await open({ restartMs: 300, renewMs: 900 })
    twin.dead = true
    twin.fallSilent()
    await until(() => radio.renewed.length > 0, 10_000, 'a new process')
    twin.dead = false
    await sayUntil(twin, { address: 'C01122334401', rssiDbm: -59, data: iBeacon(IBEACON) }, () => radio.adverts.length > 0, 'adverts') // prettier-ignore
    assert.deepEqual([radio.renewed[0], radio.ending], ['silence', 'running'])
  })

  it('takes new processes ever more rarely where nothing is on the air', async () => {
    const twin = await controller()
    const radio = await open({ restartMs: 200, renewMs: 300 })
    const times: number[] = []
    for (let nth = 1; nth <= 3; nth++) {
      await until(() => radio.renewed.length >= nth, 15_000, `process ${nth}`)
      times.push(performance.now())
    }
    const [first = 0, second = 0, third = 0] = times
    assert.ok(second - first >= 600 && third - second >= 1_200, `after ${second - first}, ${third - second} ms`)
    assert.deepEqual([radio.ending, radio.adverts, twin.commands.length > 0], ['running', [], true])
  })

  it('replaces its process from time to time without an error and without a gap of seconds', async () => {
    const twin = await controller()
    const radio = await open({ ageMs: 1_500 })
    await sayUntil(twin, { address: 'C01122334401', rssiDbm: -59, data: iBeacon(IBEACON) }, () => radio.renewed.length >= 3, 'three replacements') // prettier-ignore
    const seen = radio.adverts.length
    await sayUntil(twin, { address: 'C01122334401', rssiDbm: -59, data: iBeacon(IBEACON) }, () => radio.adverts.length > seen, 'adverts') // prettier-ignore
    const gaps = radio.adverts
      .slice(1)
      .map(({ arrived }, at) => arrived.uptime - (radio.adverts[at]?.arrived.uptime ?? 0))
    console.log(`      longest gap ${Math.round(Math.max(...gaps))} ms`)
    assert.ok(Math.max(...gaps) < 5_000, String(Math.max(...gaps)))
    assert.deepEqual([radio.ending, radio.renewed.slice(0, 3)], ['running', ['age', 'age', 'age']])
    assert.equal(new Set(radio.pids).size, radio.pids.length)
    for (const pid of radio.pids) assert.ok(!existsSync(`/proc/${String(pid)}/maps`) || readFileSync(`/proc/${String(pid)}/stat`, 'utf8').includes(') Z'), 'the old ones are gone') // prettier-ignore
  })

  it('replaces its process when that has grown (E12)', async () => {
    const twin = await controller()
    const radio = await open({ heapMb: 1, restartMs: 400 })
    await sayUntil(twin, { address: 'C01122334401', rssiDbm: -59, data: iBeacon(IBEACON) }, () => radio.renewed.length > 0, 'a new process') // prettier-ignore
    assert.deepEqual([radio.renewed[0], radio.ending], ['memory', 'running'])
  })

  it('does not grow with the addresses it hears: noble by itself keeps each for ever', async () => {
    const twin = await controller()
    // noble would need far more than this for a hundred thousand devices, and the process would end.
    const radio = await open({ memoryMb: 32, heapMb: 1_000 })
    let next = 0
    await until(() => {
      for (let burst = 0; burst < 250 && next < 100_000; burst++, next++) {
        twin.air({
          address: (0x4000_0000_0000 + next).toString(16).toUpperCase(),
          rssiDbm: -90,
          data: iBeacon(IBEACON),
        })
      }
      return next >= 100_000
    }, 50_000)
    await sayUntil(twin, { address: 'C01122334401', rssiDbm: -59, data: iBeacon(IBEACON) }, () => radio.heard('C01122334401').length > 0, 'the last') // prettier-ignore
    assert.ok(radio.adverts.length > 20_000, `${radio.adverts.length} heard: too few to prove anything`)
    console.log(`      ${radio.adverts.length} addresses heard`)
    assert.deepEqual([radio.ending, radio.log.lines], ['running', []])
  })

  it('runs on an adapter of its own, too: the user channel', async () => {
    process.env['HCI_CHANNEL_USER'] = '1'
    const twin = await controller()
    const radio = await open()
    assert.equal(twin.commands[0], 0x0c03, 'a reset first')
    await sayUntil(twin, { address: 'C01122334401', rssiDbm: -59, data: iBeacon(IBEACON) }, () => radio.adverts.length > 0, 'adverts') // prettier-ignore
  })

  it('waits for an adapter that is on its way up', async () => {
    const twin = await controller()
    twin.power(false)
    const opening = open()
    await until(() => twin.hosts > 0)
    twin.power(true)
    await opening
    assert.ok(twin.scanning)
  })

  it('ends with the session, leaves no process and no listener', async () => {
    const twin = await controller()
    const radio = await open()
    radio.stop.abort()
    await until(() => radio.ending === 'resolved')
    await radio.close()
    await radio.close()
    await until(() => twin.hosts === 0, 2_000, 'the end of the process')
    assert.equal(getEventListeners(radio.stop.signal, 'abort').length, 0)
    assert.ok(!twin.scanning)
    assert.equal(twin.commands.at(-1), 0x200c, 'its last word switches the scan off')
    assert.deepEqual(radio.log.lines, [])
  })

  it('is lost when its process is killed', async () => {
    await controller()
    const radio = await open()
    const pid = childPid()
    process.kill(pid, 'SIGKILL')
    await until(() => radio.ending !== 'running', 5_000, 'the loss')
    assert.match(radio.error.message, /the ble process ended unexpectedly \(SIGKILL\)/)
    assert.equal(radio.log.lines.length, 1)
  })

  describe('says what is missing, and what to do', () => {
    it('where the kernel knows no Bluetooth: the native package itself says so here', async () => {
      if (
        !existsSync('/proc/net/protocols') ||
        /^(HCI|BNEP|L2CAP)\b/m.test(readFileSync('/proc/net/protocols', 'utf8'))
      )
        process.env['HCI_TWIN_REFUSES'] = 'EAFNOSUPPORT'
      const error = await refusal()
      assert.deepEqual([error.code, error.message], ['transport-unavailable', 'this system has no Bluetooth: its kernel does not know the protocol, or the unit forbids it']) // prettier-ignore
      assert.match(error.hint ?? '', /modprobe bluetooth/)
    })

    for (const [refuses, code, hint] of [
      ['EAFNOSUPPORT', 'transport-unavailable', /modprobe/],
      ['EPERM', 'transport-denied', /CAP_NET_RAW.*drop-in.*setcap/],
      ['write:EPERM', 'transport-denied', /CAP_NET_RAW/],
      ['ENODEV', 'transport-absent', /hciconfig/],
      ['EBUSY', 'transport-locked', /stop bluetooth/],
    ] as const) {
      it(`when the kernel answers ${refuses}`, async () => {
        await controller()
        process.env['HCI_TWIN_REFUSES'] = refuses
        const begun = performance.now()
        const error = await refusal()
        assert.equal(error.code, code, error.message)
        assert.match(error.hint ?? '', hint)
        assert.doesNotMatch(error.message, /\n| at /)
        assert.ok(performance.now() - begun < 4_500, 'it does not wait for what cannot come')
      })
    }

    it('when there is no adapter of that number', async () => {
      const twin = await controller()
      await twin.unplug()
      assert.equal((await refusal({ startMs: 1_000 })).code, 'transport-absent')
    })

    it('when the adapter has no LE', async () => {
      await controller({ hciVersion: 5 })
      const error = await refusal()
      assert.deepEqual([error.code, error.message], ['transport-unavailable', 'hci0 has no Bluetooth LE'])
    })

    it('when the other package is wanted and not installed', async () => {
      await controller()
      const error = await refusal({}, 'stoprocent')
      assert.equal(error.code, 'transport-unavailable')
      assert.match(error.hint ?? '', /npm install @stoprocent\/noble/)
    })
  })
})
