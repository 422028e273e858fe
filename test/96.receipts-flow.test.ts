/** settle: receipt on real parts: whatever dies or forgets, the consumer ends with every punch exactly once. */
import assert from 'node:assert/strict'
import mqtt from 'mqtt'
import { hasMosquitto, Listener } from './support/broker.js'
import { ConsumerLine } from './support/consumer-line.js'
import { PREFIX } from './support/sending.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const MANY = 20_000
const LONG = 60_000

describe('settling by receipts', function () {
  this.timeout(240_000)
  const folder = tempFolder()
  let line: ConsumerLine | undefined

  before(function () {
    if (!hasMosquitto()) skip(this, 'mosquitto is not installed')
  })
  afterEach(async () => {
    await line?.close()
    line = undefined
  })

  async function exactlyOnce(line: ConsumerLine, atLeast: number): Promise<void> {
    let stored: string[] = []
    const same = async (): Promise<boolean> => {
      if (line.tally() < atLeast) return false
      stored = await line.stored()
      return stored.length >= atLeast && stored.length === line.tally() && (await line.waiting()) === 0
    }
    // In vain, what follows says what is wrong.
    await until(same, LONG, 'the receipts').catch(() => undefined)
    assert.equal(await line.waiting(), 0, 'settled')
    assert.ok(stored.length >= atLeast, `${stored.length} stored`)
    const { ids, tally } = line.kept()
    assert.deepEqual([ids.length, tally], [stored.length, stored.length])
    assert.deepEqual(ids, stored)
  }

  it(`survives a broker that is wiped twice in ${MANY} punches, and a daemon that is killed in between (A05, D04)`, async () => {
    line = await ConsumerLine.start(folder.path)
    line.consumerUp()
    const tapping = line.tap(MANY / 2)
    await until(() => (line?.tally() ?? 0) > 3_000, LONG, 'the first punches')
    await line.wipeWhileBehind()
    await tapping
    await line.daemonDies()
    await line.daemonUp()
    const more = line.tap(MANY / 2)
    const before = line.tally()
    await until(() => (line?.tally() ?? 0) > before + 3_000, LONG, 'more punches')
    await line.wipeWhileBehind()
    await more
    const missing = MANY - (await line.stored()).length
    if (missing > 0) await line.tap(missing)
    await until(async () => ((await line?.stored())?.length ?? 0) >= MANY, LONG, 'all of them')
    await exactlyOnce(line, MANY)
  })

  it('survives a broker that is wiped while the consumer is away, when nothing comes after (D04)', async () => {
    line = await ConsumerLine.start(folder.path)
    line.consumerUp()
    await line.tap(500)
    await line.settled(LONG)
    await line.consumerDies()
    await line.tap(500)
    await until(async () => (await line?.stored())?.length === 1_000, LONG, 'the punches')
    await line.wipeBroker()
    await until(() => line?.daemonLog.includes('"offered-again"') ?? false, LONG, 'the gateway')
    line.consumerUp()
    await exactlyOnce(line, 1_000)
  })

  it('survives a consumer that dies between commit and receipt (A05)', async () => {
    line = await ConsumerLine.start(folder.path)
    for (const dieAt of [2, 3, 1]) {
      const consumer = line.consumerUp({ dieAt })
      await line.tap(400)
      assert.equal((await consumer.ended).signal, 'SIGKILL')
      assert.ok(line.kept().ids.length > 0, 'it had committed')
    }
    line.consumerUp()
    await exactlyOnce(line, 1_200)
  })

  it('survives lost receipts, and double ones, over MQTT 3.1.1', async () => {
    line = await ConsumerLine.start(folder.path, 4)
    const echo = await mqtt.connectAsync(line.broker.url)
    const said: string[] = []
    echo.on('message', (topic, payload) => {
      said.push(payload.toString('utf8'))
      if (said.length % 2 === 1) echo.publish(topic, payload, { qos: 1 })
    })
    await echo.subscribeAsync(`${PREFIX}/receipt`, { qos: 1 })
    line.consumerUp({ loseEvery: 2, protocol: 4 })
    await line.tap(1_500, 500)
    await exactlyOnce(line, 1_500)
    await echo.endAsync(true)
    assert.ok(said.filter((text) => text.includes('upTo')).length > 2)
  })

  it('gives a consumer that begins anew all that there is (D20)', async () => {
    line = await ConsumerLine.start(folder.path)
    line.consumerUp()
    await line.tap(800)
    await exactlyOnce(line, 800)
    await line.consumerDies()
    line.consumerUp({ file: `${line.consumerFile}-2`, clientId: 'another' })
    const listener = await Listener.listen(line.broker.url)
    const asked = (): boolean => listener.under('/receipt').some(({ text }) => text.includes('missing'))
    await until(asked, LONG, 'the request')
    const again = (): number => new Set(listener.seqs).size
    await until(() => again() === 800, LONG, 'all of it again')
    await listener.close()
  })

  it('is complete for a site that never rests', async () => {
    line = await ConsumerLine.start(folder.path)
    const listener = await Listener.listen(line.broker.url)
    line.consumerUp()
    const enough = new AbortController()
    const tapping = (async () => {
      while (!enough.signal.aborted) await line.tap(250, 500)
    })()
    const complete = (): boolean => Object.keys(listener.last('/watermark')?.['completeThrough'] ?? {}).length === 4
    await until(complete, LONG, 'completeness').finally(() => enough.abort())
    await tapping
    await listener.close()
  })

  it('says how far it is, to those who ask and on the broker', async () => {
    line = await ConsumerLine.start(folder.path)
    const listener = await Listener.listen(line.broker.url)
    await line.tap(10)
    await until(async () => (await line?.waiting()) === 11, LONG, 'the backlog')
    await until(() => listener.last('/watermark')?.['publishedThrough'] === 11, LONG, 'the watermark')
    assert.equal(listener.last('/watermark')?.['settledThrough'], 0)
    assert.deepEqual(listener.last('/watermark')?.['completeThrough'], {}, 'nothing is complete without a receipt')
    line.consumerUp()
    await line.settled(LONG)
    await until(() => listener.last('/watermark')?.['settledThrough'] === 11, LONG, 'the watermark')
    const complete = Object.keys(listener.last('/watermark')?.['completeThrough'] as object)
    assert.deepEqual(complete, ['gate-0', 'gate-1', 'gate-2', 'gate-3'])
    await listener.close()
  })
})
