/** A terminal on port 4370 behind bad wires, in memory and on real sockets. */
import assert from 'node:assert/strict'
import { fields, type Config } from '../../drivers/zk-4370/config.js'
import { driver } from '../../drivers/zk-4370/index.js'
import { ProtocolError, TransportError } from '../../src/driver.js'
import type { Line } from '../../simulators/line.js'
import { tcpLine } from '../../simulators/tcp-line.js'
import { udpLine } from '../../simulators/udp-line.js'
import { Zk4370 } from '../../simulators/zk-4370.js'
import type { Zk4370Fault } from '../../simulators/zk-4370-voice.js'
import { clock, openBytes } from '../support/bytes.js'
import { optionDefaults, RecordingSession } from '../support/session.js'
import { until } from '../support/until.js'
import { Hall, packed } from '../support/zk-4370.js'

const CONNECT = 1000

describe('a terminal on port 4370 behind a bad wire', () => {
  let hall: Hall
  afterEach(async () => hall.stop())

  it('that another program holds is given up, and the error says so', async () => {
    for (const mode of ['tcp', 'udp'] as const) {
      await hall?.stop()
      hall = new Hall({ mode })
      hall.twin.fault('busy')
      const session = await hall.run(11_000)
      const error = await hall.ended
      assert.ok(error instanceof ProtocolError)
      assert.match(error.hint ?? '', /one program at a time/)
      assert.equal(session.identities.length, 0)
      // The same datagram again, three times at most.
      assert.equal(hall.asked(CONNECT), mode === 'udp' ? 4 : 1)
    }
  })

  it('that ends the connection at once is taken for busy too', async () => {
    hall = new Hall()
    hall.twin.fault('busy')
    await hall.run(100)
    hall.unplug()
    const error = await hall.ended
    assert.ok(error instanceof TransportError)
    assert.match(error.hint ?? '', /one program at a time/)
  })

  for (const fault of ['coalesced', 'byte-by-byte'] as const) {
    it(`whose frames come ${fault} is read like any other`, async () => {
      hall = new Hall()
      hall.twin.fault(fault)
      hall.fill(2_000)
      const session = await hall.run(5_000)
      assert.equal(session.sightings.length, 2_000)
      assert.deepEqual(session.counters.badFrames + session.counters.discardedBytes, 0)
    })
  }

  for (const [fault, mode, rows] of [
    ['wrong-length', 'tcp', 500],
    ['stale', 'udp', 500],
    ['stale', 'tcp', 500],
    ['bad-sum', 'udp', 500],
    ['lossy', 'udp', 1_500],
  ] as const satisfies readonly (readonly [Zk4370Fault, 'tcp' | 'udp', number])[]) {
    it(`loses nothing to ${fault} over ${mode}`, async () => {
      hall = new Hall({ mode })
      hall.fill(rows)
      // Of the wrong lengths and sums only some.
      hall.twin.fault(fault, fault === 'wrong-length' || fault === 'bad-sum' ? 2 : Infinity)
      const session = await hall.run(600_000)
      assert.equal(await hall.state(), 'up')
      assert.equal(session.sightings.length, rows)
      assert.equal(new Set(session.sightings.map(({ claim }) => claim?.key)).size, rows)
    })
  }

  it('that never sends what it announces is given up', async () => {
    hall = new Hall()
    hall.fill(100)
    hall.twin.fault('wrong-length')
    const session = await hall.run()
    const error = await hall.ended
    assert.ok(error instanceof ProtocolError)
    assert.match(error.message, /bytes where/)
    assert.equal(session.sightings.length, 0)
  })

  it('that refuses its log is refused, with what to do', async () => {
    hall = new Hall()
    hall.twin.fault('refuses-log')
    hall.fill(1)
    await hall.run()
    const error = await hall.ended
    assert.ok(error instanceof Error && 'code' in error && error.code === 'device-refused', String(error))
  })

  it('that drops the connection in the middle of its log is read the next time', async () => {
    hall = new Hall()
    hall.fill(1_000)
    hall.twin.fault('dropped', 1)
    await hall.run()
    assert.ok((await hall.ended) instanceof TransportError)
    assert.equal(hall.session.sightings.length, 0)
    await hall.stop()
    assert.equal((await hall.run()).sightings.length, 1_000)
  })

  it('that forgot our session is connected anew', async () => {
    hall = new Hall({ mode: 'udp' })
    const session = await hall.run()
    hall.twin.restart()
    await hall.clock.advance(75_000)
    assert.ok((await hall.ended) instanceof ProtocolError)
    await hall.stop()
    hall.twin.append('1', { time: packed(0) })
    assert.deepEqual((await hall.run()).values, ['1'])
    assert.deepEqual(session.values, [])
  })
})

describe('a terminal on port 4370 over real sockets', function () {
  this.timeout(60_000)
  const closers: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  async function run(line: Line, url: string, memory = new Map<string, string>()) {
    closers.push(() => line.close())
    const stop = new AbortController()
    const { transport, close } = await openBytes(url, { signal: stop.signal })
    const scheme = url.startsWith('udp') ? 'udp' : 'tcp'
    const config: Config = optionDefaults(fields)
    const session = new RecordingSession<Config, 'bytes'>({ config, transport, clock, signal: stop.signal, scheme })
    memory.forEach((value, key) => session.memory.set(key, value))
    const ended = driver.run(session).then(
      () => 'stopped',
      (error: unknown) => error,
    )
    closers.push(close, async () => {
      stop.abort()
      await ended
    })
    return { session, ended }
  }

  for (const mode of ['tcp', 'udp'] as const) {
    it(`gives 5,000 rows over ${mode}, then those made meanwhile`, async () => {
      const line = mode === 'tcp' ? await tcpLine() : await udpLine()
      const twin = new Zk4370({ clock, line, mode, key: 0 })
      for (let row = 0; row < 5_000; row++) twin.append(String(row), { time: packed(row) })
      const { session, ended } = await run(line, line.url)
      await until(() => session.sightings.length === 5_000, 30_000, '5,000 rows')
      assert.deepEqual(
        session.values,
        Array.from({ length: 5_000 }, (_, row) => String(row)),
      )
      for (const user of ['a', 'b', 'c']) twin.punch(user)
      await until(() => session.sightings.length === 5_003, 10_000, 'three live punches')
      assert.deepEqual(session.values.slice(5_000), ['a', 'b', 'c'])
      assert.ok(session.sightings.slice(5_000).every(({ claim }) => claim?.late === false))
      assert.equal(await Promise.race([ended, Promise.resolve('up')]), 'up')
      assert.equal(session.counters.badFrames + session.counters.discardedBytes, 0)
    })
  }

  it('gives 5,000 rows byte by byte, and coalesced', async () => {
    for (const fault of ['byte-by-byte', 'coalesced'] as const) {
      const line = await tcpLine()
      const twin = new Zk4370({ clock, line, mode: 'tcp' })
      twin.fault(fault)
      for (let row = 0; row < 5_000; row++) twin.append(String(row), { time: packed(row) })
      const { session } = await run(line, line.url)
      await until(() => session.sightings.length === 5_000, 40_000, `5,000 rows ${fault}`)
    }
  })

  it('that is gone ends the run over UDP too', async () => {
    const line = await udpLine()
    const twin = new Zk4370({ clock, line, mode: 'udp' })
    const { session, ended } = await run(line, line.url)
    await until(() => session.identities.length === 1)
    await line.close()
    // The next datagram finds nobody: the system says so.
    const shown = session.requests.ask({ kind: 'identify' }).catch(() => undefined)
    assert.ok((await ended) instanceof TransportError)
    session.requests.close()
    await shown
    assert.equal(twin.asked.get(CONNECT), 1)
  })
})
