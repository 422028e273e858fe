/** A gateway without a battery, end to end: a real daemon whose clock is wrong and is set later, a real broker, a SIGKILL. */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { SystemClock } from '../src/clock.js'
import { Broker, hasMosquitto, Listener } from './support/broker.js'
import { startChild, type Child } from './support/child.js'
import { logged, verb, writeConfig } from './support/daemon.js'
import { skip } from './support/skip.js'
import { Tapper } from './support/taps.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'
import { setClocks, type Clocks } from './support/wrong-clock.js'

const DAEMON = fileURLToPath(new URL('support/wrong-clock.js', import.meta.url))
/** The clock of this machine is the true time. */
const EPOCH = -Date.now() + 60_000
const HOUR = 3_600_000

interface Heard {
  readonly id: string
  readonly time?: string
  readonly of: string
  readonly errorMs?: number
  readonly earliest?: string
  readonly latest?: string
  readonly clock: { readonly boot: string; readonly state: string; readonly errorMs: number | null }
  readonly credential: { readonly value: string }
  readonly detail: {
    readonly old: string
    readonly new: string
    readonly byMs: number
    readonly before: unknown
    readonly after: unknown
  }
}

describe('time without a battery', function () {
  this.timeout(120_000)
  const folder = tempFolder()
  let broker: Broker
  let listener: Listener
  let tapper: Tapper
  let daemon: Child | undefined
  let config: string
  /** When each card was there, by the true clock. */
  const tapped = new Map<string, number>()

  const clocks = (over: Partial<Clocks>): void =>
    setClocks(folder.file('clocks'), { boot: 'one', wall: 0, uptime: 0, errorMs: null, ...over })
  /** A boot that begins now. */
  const boot = (over: Partial<Clocks>): void => clocks({ uptime: -new SystemClock().uptime(), ...over })
  /** Each record once: after a kill it may be sent again. */
  const heard = (topic: string): Heard[] => {
    const records = listener.json(topic) as unknown as Heard[]
    return [...new Map(records.map((record) => [record.id, record])).values()]
  }
  const up = async (): Promise<void> => {
    const child = startChild(process.execPath, [DAEMON, config, folder.file('clocks')])
    daemon = child
    await until(() => {
      assert.equal(child.process.exitCode, null, child.output.stderr)
      return logged(child, 'reader-up').length > 0
    }, 20_000)
    await tapper.connected()
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    daemon?.process.kill(signal)
    await daemon?.ended
    daemon = undefined
  }
  const tap = async (card: string): Promise<void> => {
    const known = heard('/punch/').length
    tapper.tap(card)
    tapped.set(card, Date.now())
    await until(() => heard('/punch/').length > known, 20_000, `the punch of ${card}`)
  }
  const punchOf = (card: string): Heard => {
    const punch = heard('/punch/').find(({ credential }) => credential.value === card)
    assert.ok(punch, card)
    return punch
  }
  const correctionsOf = (card: string): Heard[] => heard('/correction/gate').filter(({ of }) => of === punchOf(card).id)
  const assertDated = (card: string): void => {
    const [correction, ...others] = correctionsOf(card)
    assert.ok(correction, `a correction of ${card}`)
    assert.deepEqual(others, [], 'exactly one')
    const truth = tapped.get(card) ?? Number.NaN
    const { time = '', errorMs = 0, earliest = time, latest = time } = correction
    // Half a second for the way from the test to the reader.
    assert.ok(
      Date.parse(earliest) - errorMs <= truth + 500 && truth <= Date.parse(latest) + errorMs,
      JSON.stringify(correction),
    )
  }

  beforeEach(async function () {
    if (!hasMosquitto()) return skip(this, 'mosquitto is not installed')
    tapped.clear()
    broker = await Broker.start(folder.path)
    listener = await Listener.listen(broker.url)
    tapper = await Tapper.start()
    config = writeConfig(folder.path, { url: broker.url, readers: [tapper.reader('gate')] })
  })
  afterEach(async () => {
    await end('SIGKILL')
    await listener?.close()
    await tapper?.close()
    await broker?.down()
  })

  it('publishes what is known, and better it once the clock is set, exactly once across a kill (C01, C02)', async () => {
    clocks({ wall: EPOCH })
    await up()
    await tap('0A00000001')
    await tap('0A00000002')
    assert.match(punchOf('0A00000001').time ?? '', /^1970-/, 'the best known time then')
    const before = { ...punchOf('0A00000001') }
    // The time service steps the clock and says so.
    clocks({ errorMs: 20 })
    await until(() => heard('/correction/').length === 2, 20_000, 'two corrections')
    const [stepped] = heard('/event/clock-stepped')
    const [synced] = heard('/event/clock-synced')
    assert.ok(stepped && synced)
    assert.ok(Math.abs(stepped.detail.byMs + EPOCH) < 250, String(stepped.detail.byMs))
    assert.deepEqual([stepped.detail.old.slice(0, 5), stepped.detail.new.slice(0, 2)], ['1970-', '20'])
    assert.ok(stepped.detail.before !== null && stepped.detail.after !== null)
    assert.deepEqual(synced.clock.errorMs, 20)
    await tap('0A00000003')
    assert.equal(punchOf('0A00000003').clock.errorMs, 20)
    await end('SIGKILL')
    await up()
    await tap('0A00000004')
    for (const card of ['0A00000001', '0A00000002']) assertDated(card)
    assert.deepEqual(correctionsOf('0A00000003').concat(correctionsOf('0A00000004')), [])
    assert.equal(heard('/event/clock-synced').length, 1, 'a restart is no sync')
    assert.equal(heard('/event/clock-stepped').length, 1)
    assert.deepEqual(punchOf('0A00000001').clock, before.clock)
    // And whoever asks the journal is told the better time at once, and finds the punch by it.
    const { stdout } = await verb(['punches', '--json', '--from', '10m', '--config', config])
    const times = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as Heard).time ?? '')
    assert.equal(times.length, 4)
    for (const time of times) assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000, time)
  })

  it('sends a punch that waited for the broker with the time that is known by then', async () => {
    clocks({ wall: EPOCH })
    await up()
    await tap('0A00000001')
    await broker.down()
    tapper.tap('0A00000002')
    tapped.set('0A00000002', Date.now())
    await until(() => logged(daemon as Child, 'punch-stored').length === 2)
    clocks({ errorMs: 20 })
    await until(() => logged(daemon as Child, 'clock-synced').length === 1, 20_000)
    await broker.up()
    await until(() => heard('/correction/').length === 2, 30_000, 'the corrections')
    const waited = punchOf('0A00000002')
    assert.ok(Math.abs(Date.parse(waited.time ?? '') - (tapped.get('0A00000002') ?? 0)) < 500, waited.time)
    assert.equal(waited.clock.errorMs, null, 'what the clocks said stays')
    assertDated('0A00000002')
  })

  it('dates two boots that were never synced by their neighbours, and writes the rest after a kill (C07)', async () => {
    boot({ boot: 'one', errorMs: 20, wall: -48 * HOUR })
    await up()
    await tap('0A00000001')
    await end('SIGKILL')
    boot({ boot: 'two', wall: EPOCH })
    await up()
    for (let card = 0; card < 5; card++) await tap(`0A0000001${card}`)
    await end('SIGKILL')
    boot({ boot: 'three', wall: EPOCH })
    await up()
    await tap('0A00000020')
    assert.equal(heard('/correction/').length, 0, 'nothing is known yet')
    await end('SIGKILL')
    boot({ boot: 'four', errorMs: 20 })
    await up()
    // At any moment: the journal must bear it.
    await end('SIGKILL')
    await up()
    await until(() => heard('/correction/').length === 6, 20_000, 'six corrections')
    await tap('0A00000030')
    for (const card of [...Array.from({ length: 5 }, (_, at) => `0A0000001${at}`), '0A00000020']) {
      assertDated(card)
      const [correction] = correctionsOf(card)
      assert.ok(correction?.earliest !== undefined && correction.latest !== undefined && correction.time === undefined)
    }
    assert.equal(heard('/correction/').length, 6)
  })

  it('puts on record that the clock was stepped while it was down (C08, C13)', async () => {
    clocks({ errorMs: 20 })
    await up()
    await tap('0A00000001')
    await end('SIGTERM')
    clocks({ errorMs: 20, wall: -HOUR })
    await up()
    await until(() => heard('/event/clock-stepped').length === 1, 20_000)
    const [stepped] = heard('/event/clock-stepped')
    assert.ok(Math.abs((stepped?.detail.byMs ?? 0) + HOUR) < 250)
  })
})
