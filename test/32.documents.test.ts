/** What the running daemon keeps on the broker for whoever comes later, and its last words. */
import assert from 'node:assert/strict'
import { Broker, hasMosquitto, Listener } from './support/broker.js'
import type { Child } from './support/child.js'
import { logged, startDaemon, writeConfig } from './support/daemon.js'
import { PREFIX } from './support/sending.js'
import { skip } from './support/skip.js'
import { Tapper } from './support/taps.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const LONG = 60_000
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0[12]:00$/

describe('the documents of a daemon', function () {
  this.timeout(120_000)
  const folder = tempFolder()
  let broker: Broker
  let tapper: Tapper
  let listener: Listener
  let daemon: Child

  before(function () {
    if (!hasMosquitto()) skip(this, 'mosquitto is not installed')
  })
  beforeEach(async () => {
    broker = await Broker.start(folder.path)
    tapper = await Tapper.start()
    const away = ['id: away', 'driver: rdm6300', 'transport: serial:/dev/serial/by-id/not-there']
    const off = ['id: unused', 'driver: rdm6300', 'transport: serial:/dev/serial/by-id/not-there', 'enabled: false']
    daemon = await startDaemon(
      writeConfig(folder.path, { url: broker.url, readers: [tapper.reader('gate'), away, off] }),
    )
    listener = await Listener.listen(broker.url)
    await until(() => listener.last('/reader/gate/state')?.['state'] === 'up', LONG, 'the reader')
  })
  afterEach(async () => {
    daemon.process.kill('SIGKILL')
    await daemon.ended
    await listener.close()
    await tapper.close()
    await broker.down()
  })

  /** What somebody finds who comes later. */
  async function found(part: string): Promise<Record<string, unknown>> {
    const late = await Listener.listen(broker.url)
    try {
      await until(() => late.under(part).length > 0, LONG, part)
      assert.ok(late.under(part).every(({ packet, topic }) => packet.retain && topic.startsWith(`${PREFIX}/`)))
      return late.last(part) ?? {}
    } finally {
      await late.close()
    }
  }

  it('tell its state, itself and its readers', async () => {
    const state = await found('/gw-01/state')
    assert.equal(state['state'], 'online')
    assert.match(String(state['since']), TIME)
    const info = await found('/info')
    assert.equal(info['node'], process.versions.node)
    assert.deepEqual(info['drivers'], ['rdm6300'])
    assert.match(String(info['journal']), /^[0-9a-f]{16}$/)
    assert.match(String(info['config']), /^[0-9a-f]{16}$/)
    const gate = await found('/reader/gate/state')
    assert.deepEqual([gate['state'], gate['code']], ['up', undefined])
    assert.match(String(gate['since']), TIME)
    const away = await found('/reader/away/state')
    assert.deepEqual([away['state'], away['code']], ['down', 'transport-absent'])
    assert.ok(String(away['hint']).length > 10)
    assert.equal((await found('/reader/unused/state'))['state'], 'disabled')
  })

  it('tell its health', async () => {
    const health = await found('/health')
    // Taken as the daemon starts: its own first records may be on their way.
    assert.ok([0, 1, 2].includes(Number(health['backlog'])))
    assert.deepEqual([health['parked'], health['oldestUnsettledS']], [0, 0])
    for (const count of ['journalBytes', 'diskFreeBytes', 'memoryBytes']) assert.ok(Number(health[count]) > 0, count)
    const broker = health['broker'] as Record<string, unknown>
    assert.deepEqual([broker['protocol'], broker['degraded']], [5, false])
    assert.deepEqual(Object.keys(health['readers'] as object).sort(), ['away', 'gate', 'unused'])
    assert.ok(['synced', 'unsynced'].includes((health['clock'] as { state: string }).state))
  })

  it('tell how far the consumer has everything, after punches that are themselves not retained', async () => {
    const [first] = [await found('/watermark')]
    tapper.tap('0A00123456')
    await until(() => listener.seqs.length === 1, LONG, 'the punch')
    const [punch] = listener.json('/punch/gate')
    assert.equal(punch?.['schema'], 'punch/1')
    assert.deepEqual([punch?.['verdict'], punch?.['direction'], punch?.['place']], ['accepted', 'in', 'gate'])
    assert.match(String(punch?.['time']), TIME)
    await until(
      () => Number(listener.last('/watermark')?.['settledThrough']) >= Number(punch?.['seq']),
      LONG,
      'the watermark',
    )
    const watermark = await found('/watermark')
    assert.equal(watermark['journal'], punch?.['journal'])
    assert.ok(Number(watermark['settledThrough']) > Number(first?.['settledThrough']))
    const complete = watermark['completeThrough'] as Record<string, string>
    assert.match(String(complete['gate']), TIME)
    assert.ok(Date.parse(String(complete['gate'])) <= Date.now())
    const late = await Listener.listen(broker.url)
    await until(() => late.under('/watermark').length > 0, LONG, 'the retained messages')
    assert.deepEqual(late.seqs, [])
    await late.close()
  })

  it('follow a reader that is unplugged and comes back, and tell operators once', async () => {
    const { port } = tapper
    await tapper.close()
    await until(() => listener.last('/reader/gate/state')?.['state'] === 'down', LONG, 'the loss')
    assert.ok(listener.last('/reader/gate/state')?.['code'])
    await until(() => listener.under('/event/reader-lost').length > 0, LONG, 'the event')
    tapper = await Tapper.start(port)
    await until(() => listener.last('/reader/gate/state')?.['state'] === 'up', LONG, 'the return')
    assert.equal(listener.json('/event/reader-lost').filter(({ subject }) => subject === 'gate').length, 1)
  })

  it('say "lost" when the daemon is killed', async () => {
    daemon.process.kill('SIGKILL')
    await until(() => listener.last('/gw-01/state')?.['state'] === 'offline', LONG, 'the last will')
    assert.deepEqual(await found('/gw-01/state'), { state: 'offline', reason: 'lost' })
  })

  it('say "stopped" when it is asked to stop, and it ends in time with exit code 0', async () => {
    tapper.tap('0A00123456')
    await until(() => listener.seqs.length === 1, LONG, 'the punch')
    const asked = performance.now()
    daemon.process.kill('SIGTERM')
    const { code, signal } = await daemon.ended
    assert.ok(performance.now() - asked < 10_000)
    assert.deepEqual([code, signal], [0, null])
    await until(() => listener.last('/gw-01/state')?.['state'] === 'offline', LONG, 'the last word')
    assert.deepEqual(await found('/gw-01/state'), { state: 'offline', reason: 'stopped' })
    assert.equal(logged(daemon, 'daemon-stopped').length, 1)
    assert.equal(logged(daemon, 'reader-lost').filter(({ reader }) => reader === 'gate').length, 0)
  })

  it('stand there again after the broker lost them', async () => {
    await broker.down()
    await broker.up()
    const late = await Listener.listen(broker.url)
    await until(() => late.last('/gw-01/state')?.['state'] === 'online', LONG, 'the state')
    await until(() => late.under('/info').length > 0 && late.under('/reader/gate/state').length > 0, LONG, 'the rest')
    await late.close()
  })
})
