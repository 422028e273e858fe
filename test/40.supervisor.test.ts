/** One reader's failure stays one reader's failure; what a driver may claim, and what not. */
import assert from 'node:assert/strict'
import { DaemonError, DeviceError, ProtocolError, TransportError } from '../src/errors.js'
import { cardSighting, firstChunk, readerConfig, Supervised, type Run } from './support/supervision.js'
import { until } from './support/until.js'

const lostError = (message = 'unplugged'): TransportError => new TransportError('transport-lost', message)
const identity = { model: 'Scripted' }

/** Every look at it throws, also that whether it is a promise. */
function thrower(): Error {
  const throws = (): never => {
    throw new Error('a trap')
  }
  return new Proxy(new Error('trap'), { get: throws, getPrototypeOf: throws, has: throws })
}

function messageThrower(): Error {
  return Object.defineProperty(new DeviceError('device-refused', 'x'), 'message', { get: () => thrower().message })
}

/** Ready at once, then until the stop. */
const steady: Run = async (session) => {
  session.ready(identity)
  await session.clock.sleep(1e9, session.signal)
}

describe('a supervised reader', () => {
  let rig: Supervised
  let ended: Promise<void> | undefined

  beforeEach(() => {
    rig = new Supervised(readerConfig('gate'))
  })
  afterEach(async () => {
    rig.stop.abort()
    for (let second = 0; second < 5; second++) await rig.clock.advance(1_000)
    await ended
    ended = undefined
    assert.equal(rig.clock.sleeping, 0, 'nothing sleeps after the end')
  })

  const start = (run: Run): void => {
    ended = rig.start(run)
  }
  const seconds = async (count: number): Promise<void> => rig.clock.advance(count * 1_000)
  const state = () => rig.status.reader('gate').state

  it('is up once its driver says so, with what the device told about itself', async () => {
    assert.deepEqual([state().state, state().code], ['down', 'starting'])
    start(steady)
    await rig.clock.settle()
    assert.equal(state().state, 'up')
    assert.deepEqual(rig.status.reader('gate').identity, identity)
    assert.equal(rig.logged('reader-up').length, 1)
  })

  it('that is disabled is never opened', async () => {
    rig = new Supervised(readerConfig('gate', { enabled: false }))
    await rig.start(steady)
    assert.deepEqual([rig.wires.openedAt.length, state().state], [0, 'disabled'])
  })

  it('is tried again after pauses that double up to eight seconds', async () => {
    rig.wires.failure = new TransportError('transport-absent', 'no such device')
    start(steady)
    await seconds(60)
    assert.deepEqual(rig.pauses.slice(0, 8), [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000])
    assert.deepEqual([state().state, state().code], ['down', 'transport-absent'])
  })

  it('that was ready begins with the shortest pause', async () => {
    let runs = 0
    start(async (session) => {
      runs += 1
      if (runs === 4) session.ready(identity)
      throw lostError(`loss ${runs}`)
    })
    await seconds(20)
    assert.deepEqual(rig.pauses.slice(0, 5), [500, 1_000, 2_000, 500, 1_000])
  })

  it('writes one line when it is lost and one when it is back, however often it is tried', async () => {
    let plugged = true
    start(async (session) => {
      if (!plugged) throw lostError()
      session.ready(identity)
      for await (const _chunk of session.transport);
    })
    await rig.clock.settle()
    plugged = false
    rig.wires.devices[0]?.unplug()
    await seconds(300)
    assert.ok(rig.wires.openedAt.length > 30)
    // "The wire was unplugged" and then "unplugged": each reason once.
    assert.deepEqual(rig.logged('reader-lost').map(({ level, message }) => [level, message]), [['warn', 'Reader lost'], ['warn', 'Reader not available']]) // prettier-ignore
    assert.deepEqual(rig.lost, ['gate transport-lost'])
    plugged = true
    await seconds(10)
    assert.equal(rig.logged('reader-up').length, 2)
    assert.equal(state().state, 'up')
  })

  it('says since when it is in its state, not since the last try', async () => {
    rig.wires.failure = new TransportError('transport-absent', 'no such device')
    start(steady)
    await rig.clock.settle()
    const { since } = state()
    await seconds(100)
    assert.equal(state().since, since)
  })

  for (const [what, error, code] of [
    [
      'refuses its device',
      new DeviceError('device-refused', 'no finger module', { hint: 'connect it' }),
      'device-refused',
    ],
    ['has a bug', new TypeError('x is undefined'), 'driver-bug'],
    ['throws something odd', 'text' as unknown as Error, 'driver-bug'],
    ['throws nothing', undefined as unknown as Error, 'driver-bug'],
    ['throws what has no text', Object.create(null) as Error, 'driver-bug'],
    ['throws what throws when it is looked at', thrower(), 'driver-bug'],
    ['throws an error whose message throws', messageThrower(), 'device-refused'],
  ] as const) {
    it(`is faulted and tried each minute when its driver ${what} (E09)`, async () => {
      start(async (session) => {
        session.ready(identity)
        throw error
      })
      await seconds(190)
      assert.deepEqual(rig.pauses, [60_000, 60_000, 60_000])
      assert.deepEqual([state().state, state().code], ['faulted', code])
      assert.ok(rig.logged('reader-lost').every(({ level }) => level === 'error'))
    })
  }

  it('shows the stack of a bug in the log, and that of nothing else', async () => {
    const errors = [new TypeError('x is undefined'), lostError()]
    start(async () => {
      throw errors.shift() ?? lostError()
    })
    await seconds(120)
    const [bug, loss] = rig.logged('reader-lost')
    assert.match(String(bug?.fields['stack']), /40\.supervisor/)
    assert.ok(loss && !('stack' in loss.fields))
  })

  it('takes a broken conversation for a loss, not for a fault', async () => {
    start(async () => {
      throw new ProtocolError('protocol-broken', 'no answer')
    })
    await seconds(3)
    assert.equal(state().state, 'down')
    assert.ok(rig.pauses.length >= 2)
  })

  it('that ends by itself has a bug', async () => {
    start(async () => undefined)
    await seconds(1)
    assert.deepEqual([state().state, state().code], ['faulted', 'driver-bug'])
  })

  it('may throw before its first await', async () => {
    start(() => {
      throw new DaemonError('transport-lost', 'at once')
    })
    await seconds(1)
    assert.equal(state().state, 'down')
  })

  it('closes each transport it opened', async () => {
    start(async () => {
      throw lostError()
    })
    await seconds(30)
    assert.ok(rig.wires.closed > 3)
    assert.equal(rig.wires.closed, rig.wires.devices.length)
  })

  it('ends at once when it is stopped, and closes its transport', async () => {
    start(steady)
    await rig.clock.settle()
    rig.stop.abort()
    await ended
    assert.deepEqual([rig.wires.closed, rig.logged('reader-lost').length, rig.lost], [1, 0, []])
  })

  it('ends within three seconds of the stop though its driver does not care', async () => {
    start(() => new Promise(() => undefined))
    await rig.clock.settle()
    let over = false
    void ended?.then(() => (over = true))
    rig.stop.abort()
    await rig.clock.advance(2_900)
    assert.equal(over, false)
    await rig.clock.advance(100)
    assert.equal(over, true)
    assert.equal(rig.wires.closed, 1)
  })

  it('ends at once when it is stopped in a pause', async () => {
    rig.wires.failure = new TransportError('transport-absent', 'no such device')
    start(steady)
    await seconds(20)
    rig.stop.abort()
    await ended
  })

  it('does not disturb another (E01, E09)', async () => {
    const [good, bad] = [readerConfig('gate'), readerConfig('yard')]
    rig = new Supervised(good, bad)
    const all = [
      rig.start(async (session) => {
        session.ready(identity)
        for await (const { arrived } of session.transport) await session.report(cardSighting(arrived))
      }, good),
      rig.start(async () => {
        throw new TypeError('a bug')
      }, bad),
    ]
    await seconds(200)
    for (let tap = 0; tap < 5; tap++) rig.wires.devices[0]?.send(Uint8Array.of(tap))
    await seconds(1)
    assert.equal(rig.reports.length, 5)
    assert.deepEqual([rig.status.reader('gate').state.state, rig.status.reader('yard').state.state], ['up', 'faulted'])
    rig.stop.abort()
    await Promise.all(all)
  })

  it('is one of many without Node warning of leaks', async () => {
    const warnings: string[] = []
    const note = (warning: Error): void => void warnings.push(warning.name)
    process.on('warning', note)
    const readers = Array.from({ length: 30 }, (_, index) => readerConfig(`gate-${index}`))
    rig = new Supervised(...readers)
    const all = readers.map((reader, index) =>
      rig.start(index % 2 === 0 ? steady : () => Promise.reject(lostError()), reader),
    )
    await seconds(60)
    rig.stop.abort()
    await Promise.all(all)
    await until(() => true)
    process.off('warning', note)
    assert.deepEqual(warnings, [])
  })
})

describe('a session', () => {
  let rig: Supervised
  let ended: Promise<void>

  beforeEach(() => {
    rig = new Supervised(readerConfig('gate', { place: 'door', direction: 'out', sim: true }))
  })
  afterEach(async () => {
    rig.stop.abort()
    await ended
  })

  /** Lets a driver report once and gives back the verdict. */
  async function reported(
    make: (run: Parameters<Run>[0]) => Promise<Parameters<Parameters<Run>[0]['report']>[0]>,
  ): Promise<string> {
    let verdict = ''
    ended = rig.start(async (session) => {
      session.ready(identity)
      verdict = await session.report(await make(session))
      await session.clock.sleep(1e9, session.signal)
    })
    await rig.clock.settle()
    rig.wires.devices[0]?.send(Uint8Array.of(1))
    for (let turn = 0; turn < 5; turn++) await rig.clock.settle()
    return verdict
  }

  it('reports where the reader stands as the configuration has it', async () => {
    const verdict = await reported(async ({ transport }) => cardSighting(await firstChunk(transport)))
    assert.equal(verdict, 'accepted')
    assert.deepEqual(rig.reports[0]?.origin, {
      reader: 'gate',
      place: 'door',
      direction: 'out',
      driver: 'scripted',
      sim: true,
    })
    assert.equal(rig.status.reader('gate').lastGoodRead, rig.reports[0].sighting.arrived.wall)
  })

  it('shows no more than the last four characters of a credential in the log', async () => {
    await reported(async ({ transport }) => cardSighting(await firstChunk(transport)))
    const text = JSON.stringify(rig.log.lines)
    assert.ok(text.includes('…3456') && !text.includes('0A00123456') && !text.includes('23456'))
  })

  it('refuses a moment of the driver’s own making, even one that looks the same', async () => {
    const verdict = await reported(async ({ transport }) => cardSighting({ ...(await firstChunk(transport)) }))
    assert.equal(verdict, 'refused')
    assert.deepEqual([rig.reports.length, rig.logged('driver-bug').length], [0, 1])
  })

  it('refuses a moment that the driver took from its clock (E23)', async () => {
    const verdict = await reported(async ({ transport, clock }) => {
      await firstChunk(transport)
      return cardSighting(clock.now())
    })
    assert.equal(verdict, 'refused')
  })

  for (const [what, value] of [
    ['lower-case hex', '0a00123456'],
    ['separators', '0A:00:12:34:56'],
    ['an odd number of digits', '0A0012345'],
    ['nothing', ''],
    ['five thousand characters', 'A'.repeat(5_000)],
  ] as const) {
    it(`refuses a card number of ${what}`, async () => {
      assert.equal(await reported(async ({ transport }) => cardSighting(await firstChunk(transport), value)), 'refused')
      assert.equal(rig.reports.length, 0)
      const [line] = rig.logged('driver-bug')
      assert.ok(line && !(value.length > 4 && JSON.stringify(line).includes(value)), 'the value is not in the log')
    })
  }

  it('tells why a punch was not stored, and the reader shows refused', async () => {
    const failure = { code: 'journal-full', message: 'no space', hint: 'free some' } as const
    rig.answer = { verdict: 'refused', lastSeq: 0, failure }
    assert.equal(await reported(async ({ transport }) => cardSighting(await firstChunk(transport))), 'refused')
    const [line] = rig.logged('punch-refused')
    assert.deepEqual([line?.level, line?.fields['code'], line?.fields['reader']], ['error', 'journal-full', 'gate'])
  })

  it('counts what a driver counts', async () => {
    ended = rig.start(async (session) => {
      session.count('badFrames')
      session.count('discardedBytes', 7)
      session.ready(identity)
      session.ready(identity)
      await session.clock.sleep(1e9, session.signal)
    })
    await rig.clock.settle()
    assert.deepEqual(rig.status.reader('gate').counters, { goodFrames: 0, badFrames: 1, discardedBytes: 7 })
    assert.equal(rig.logged('reader-up').length, 1)
  })
})
