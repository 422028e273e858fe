/** The Hikvision driver: wrong options, and 2,000 events while everything comes and goes. */
import { strict as assert } from 'node:assert'
import { eventBody, heartbeatBody, type Body } from '../../simulators/hikvision-bodies.js'
import { timeText, type LogEntry } from '../../simulators/hikvision-log.js'
import { DeviceError, type Sighting } from '../../src/driver.js'
import { PASSWORD, point, Stand, type DriverRun } from '../support/hikvision-stand.js'
import { until } from '../support/until.js'

describe('hikvision in the long run', function () {
  this.timeout(60_000)
  let stand: Stand
  beforeEach(async () => {
    stand = await Stand.open()
  })
  afterEach(() => stand.close())

  it('names what is wrong in its options, and another terminal at the url', async () => {
    for (const [config, word] of [
      [{ allow: 'everybody' }, /allow/],
      [{ successCodes: '0x' }, /0x4b/],
      [{ callback: 'us' }, /callback/],
    ] as const) {
      // prettier-ignore
      const run = await stand.run([point('gate', 'K1000')], config)
      await assert.rejects(run.done, (error) => error instanceof DeviceError && word.test(error.message) && error.hint !== undefined) // prettier-ignore
      await run.stop()
    }
    for (const bad of [point('gate', ''), point('gate', 'K1000', { url: '192.168.1.64' })]) {
      const run = await stand.run([bad])
      await assert.rejects(run.done, (error) => error instanceof DeviceError && /gate/.test(error.message))
      await run.stop()
    }
    const { twin, url } = await stand.terminal()
    const run = await stand.run([point('gate', 'Q0000000', { url, password: PASSWORD })])
    await until(() => run.session.pointStates.length > 0)
    assert.match(JSON.stringify(run.session.pointStates), /another terminal.*correct url or serial/)
    assert.equal(twin.listener, undefined)
  })

  it('calls late what was kept, and what is old, as far as clocks were compared', async () => {
    const run = await stand.run([point('gate', 'K12345678')], { callback: '', pathSecret: '' })
    const sender = { serial: 'K12345678', tellsSerial: true, shape: 'json' } as const
    const post = async ({ bytes, type }: Body): Promise<void> => {
      const { status } = await fetch(stand.url, { method: 'POST', body: bytes, headers: { 'Content-Type': type } })
      assert.equal(status, 200)
    }
    const entry = (serialNo: number, agoMs: number): LogEntry => {
      const wall = Date.now() - agoMs
      return { serialNo, major: 5, minor: 75, wall, time: timeText(wall, 480), employee: '1', name: '', card: '', mode: '', status: '' } // prettier-ignore
    }
    await post(heartbeatBody(sender, timeText(Date.now(), 480)))
    await post(eventBody(sender, entry(1, 0), true))
    await post(eventBody(sender, entry(2, 0), false))
    await post(eventBody(sender, entry(3, 120_000), true))
    assert.deepEqual(
      run.session.sightings.map(({ claim }) => claim?.late),
      [false, true, true],
    )
  })

  it('loses none of 2,000 events while the listener comes and goes', async function () {
    this.timeout(120_000)
    const { twin, url } = await stand.terminal({ shape: 'multipart' })
    const stored = new Map<string, string>()
    const answer = ({ claim, credential }: Sighting) => {
      const isNew = !stored.has(claim?.key ?? '')
      stored.set(claim?.key ?? '', credential.value)
      return isNew ? 'accepted' : 'repeat'
    }
    const start = async (): Promise<DriverRun> => {
      const run = await stand.run([point('gate', twin.serial, { url, password: PASSWORD })])
      run.session.answer = answer
      return run
    }
    let run = await start()
    await until(() => twin.listener !== undefined && twin.log.pages > 0)
    for (let number = 0; number < 1_000; number++) {
      // Two records each. Some are never pushed, some bodies are cut.
      if (number % 50 === 7) twin.loseNext = 4
      twin.spoil = number % 9 === 3 ? (bytes) => bytes.subarray(0, -30) : (bytes) => bytes
      twin.punch({ employee: String(number), name: 'Zhang San' })
      if (number % 100 === 50) {
        await run.stop()
        run = await start()
      }
      if (number % 200 === 120) twin.reboot()
      if (number % 5 === 0) await until(() => twin.waiting < 20 || twin.listener === undefined)
    }
    await until(() => new Set(stored.values()).size === 1_000, 60_000, 'everybody is stored')
    assert.equal(stored.size, 1_000, 'each record has one key')
  })
})
