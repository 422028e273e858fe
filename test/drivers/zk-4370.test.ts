/** What a terminal on port 4370 does to the driver: who it is, rows of every size, live events, a wrong clock. */
import assert from 'node:assert/strict'
import { DeviceError, type Moment } from '../../src/driver.js'
import { FakeClock } from '../support/fake-clock.js'
import { Hall, packed } from '../support/zk-4370.js'

describe('a terminal on port 4370', () => {
  let hall: Hall
  afterEach(async () => hall.stop())

  it('tells who it is, and a punch with all it knows about it', async () => {
    hall = new Hall()
    const session = await hall.run()
    assert.deepEqual(session.identities, [{ model: 'ZEM760_TFT', firmware: 'Ver 6.60 Sep 19 2019', serial: 'A1B2C3' }])
    hall.twin.punch('0042', { verify: 15, state: 1 })
    const { wall } = hall.clock.now()
    await hall.clock.advance(2_000)
    const [{ credential, method, raw, claim, arrived } = assert.fail('nothing reported')] = session.sightings
    assert.deepEqual(credential, { type: 'user', value: '0042', scope: 'under-test' })
    assert.equal(method, 'face')
    assert.deepEqual(raw, { status: 1, verify: 15, time: '2026-11-23 08:00:02' })
    assert.deepEqual(claim, { wall, key: '0042|2026-11-23 08:00:02|15|1', aheadMs: 0, late: false })
    assert.equal(arrived.wall, wall, 'when the event came, not when the log was read')
  })

  it('reports what it kept as late, by its own clock, in order', async () => {
    hall = new Hall({}, { users: 'site', verifyCodes: 'old' })
    hall.fill(60)
    const session = await hall.run()
    assert.equal(session.sightings.length, 60)
    assert.deepEqual(
      session.sightings.map(({ claim }) => claim?.wall),
      Array.from({ length: 60 }, (_, second) => Date.UTC(2026, 10, 20, 7, 0, second)),
    )
    assert.ok(session.sightings.every(({ claim, credential }) => claim?.late && credential.scope === 'global'))
  })

  it('is told that each live event came, and one that is lost is found by the next look', async () => {
    hall = new Hall()
    const session = await hall.run()
    hall.twin.punch('7')
    await hall.clock.advance(100)
    assert.equal(hall.asked(2000), 1)
    hall.twin.fault('unheard')
    hall.twin.punch('8')
    await hall.clock.advance(600)
    hall.twin.punch('9')
    await hall.clock.advance(1_000)
    assert.deepEqual(session.values, ['7', '8', '9'])
    hall.twin.punch('10')
    await hall.clock.advance(60_000)
    assert.equal(session.values.length, 3)
    await hall.clock.advance(240_000)
    assert.deepEqual(session.values, ['7', '8', '9', '10'])
    assert.deepEqual(
      session.sightings.map(({ claim }) => claim?.late),
      [false, true, true, true],
    )
  })

  it('that tells a punch before it keeps it is looked at again', async () => {
    hall = new Hall()
    const session = await hall.run()
    hall.twin.tell('7')
    await hall.clock.advance(3_000)
    hall.twin.append('7')
    assert.deepEqual(session.values, [])
    await hall.clock.advance(4_000)
    assert.deepEqual(session.values, ['7'])
  })

  it('that tells minutes later what it kept: that is late', async () => {
    hall = new Hall()
    const session = await hall.run()
    hall.twin.fault('unheard', 1)
    hall.twin.punch('7')
    await hall.clock.advance(100_000)
    hall.twin.tell('7', { agoMs: 100_000 })
    await hall.clock.advance(2_000)
    assert.deepEqual(
      session.sightings.map(({ claim }) => claim?.late),
      [true],
    )
  })

  it('with a comm key is shown it', async () => {
    hall = new Hall({ key: 123_456 }, { password: '123456' })
    hall.fill(3)
    const session = await hall.run()
    assert.equal(session.sightings.length, 3)
  })

  for (const [what, password, hint] of [
    ['none', '', /options\.password/],
    ['another', '654321', /options\.password/],
    ['no number', 'hunter2', /1 to 6 digits/],
  ] as const) {
    it(`with a comm key is refused, with what to do, when we have ${what}`, async () => {
      hall = new Hall({ key: 123_456 }, { password })
      const session = await hall.run()
      const error = await hall.ended
      assert.ok(error instanceof DeviceError)
      assert.match(error.hint ?? '', hint)
      assert.doesNotMatch(JSON.stringify([error.message, error.hint, session.log.lines]), /654321|hunter2/)
      assert.equal(session.identities.length, 0)
    })
  }

  for (const [rowBytes, eventBytes, userBytes] of [
    [8, 10, 72],
    [8, 14, 28],
    [16, 12, 28],
    [40, 32, 72],
    [40, 36, 72],
    [49, 52, 72],
  ] as const) {
    it(`with rows of ${rowBytes} bytes, events of ${eventBytes} and users of ${userBytes} is read`, async () => {
      hall = new Hall({ rowBytes, eventBytes, userBytes })
      hall.fill(300)
      const session = await hall.run()
      assert.equal(session.sightings.length, 300)
      assert.deepEqual(
        session.values,
        Array.from({ length: 300 }, (_, row) => String(1_000 + (row % 50))),
      )
      hall.twin.punch('4711', { verify: 4, state: 3 })
      await hall.clock.advance(2_000)
      const last = session.sightings.at(-1)
      assert.deepEqual(
        [last?.credential.value, last?.method, last?.raw?.['status'], last?.claim?.late],
        ['4711', 'card', 3, false],
      )
    })
  }

  it('whose rows have slots of deleted users: these are told, and the others come', async () => {
    hall = new Hall({ rowBytes: 8 })
    hall.fill(10)
    hall.twin.users.pop()
    const session = await hall.run()
    assert.equal(session.sightings.length, 9)
    assert.deepEqual(session.events, [
      { type: 'terminal-row-unread', detail: { row: 10, reason: 'unknown-slot' }, point: undefined },
    ])
  })

  it('with impossible times: these rows are told, at most twenty of them, and the others come', async () => {
    hall = new Hall()
    for (let row = 0; row < 30; row++) hall.twin.append('1', { time: (26 * 372 + 31 + 30) * 86_400 + row })
    hall.fill(5)
    const session = await hall.run()
    assert.equal(session.sightings.length, 5)
    assert.deepEqual(session.events[0], {
      type: 'terminal-row-unread',
      detail: { row: 1, reason: 'time' },
      point: undefined,
    })
    assert.deepEqual([session.events.length, session.events.at(-1)?.detail], [21, { more: 10 }])
  })

  it('that kept a row twice reports it once', async () => {
    hall = new Hall()
    for (const second of [1, 1, 2]) hall.twin.append('5', { time: packed(second) })
    const session = await hall.run()
    assert.equal(session.sightings.length, 2)
  })

  it('says thank you when it is asked to show itself, and nothing is ever disabled or cleared', async () => {
    hall = new Hall()
    hall.fill(100)
    const session = await hall.run()
    const shown = session.requests.ask({ kind: 'identify' })
    await hall.clock.advance(1_000)
    assert.deepEqual(await shown, {})
    assert.equal(hall.asked(1017), 1)
    await hall.stop()
    const allowed = [1000, 1001, 1017, 1100, 11, 50, 201, 500, 1502, 1503, 1504]
    assert.deepEqual(
      [...hall.twin.asked.keys()].filter((command) => !allowed.includes(command)),
      [],
    )
    assert.equal(hall.asked(1001), 1, 'the session is given back')
  })

  it('that tells no live events is read now and then', async () => {
    hall = new Hall({}, { poll: 30_000 })
    hall.twin.fault('refuses-events')
    const session = await hall.run()
    hall.twin.punch('3')
    await hall.clock.advance(30_000)
    assert.deepEqual(session.values, ['3'])
    assert.equal(session.log.lines.filter(({ fields }) => fields['event'] === 'live-events-refused').length, 1)
  })
})

describe('the clock of a terminal', () => {
  let hall: Hall
  afterEach(async () => hall.stop())

  it('three minutes off is told once, over restarts, and measured', async () => {
    hall = new Hall()
    hall.twin.aheadMs = 180_000
    const session = await hall.run()
    assert.equal(session.figures['clockAheadMs'], 180_000)
    assert.deepEqual(session.events, [{ type: 'terminal-clock-off', detail: { aheadSeconds: 180 }, point: undefined }])
    hall.twin.punch('1')
    await hall.clock.advance(120_000)
    const [{ claim, arrived } = assert.fail('nothing reported')] = session.sightings
    assert.deepEqual([claim?.aheadMs, claim?.late], [180_000, false])
    assert.equal((claim?.wall ?? 0) - 180_000, arrived.wall)
    await hall.stop()
    assert.deepEqual((await hall.run()).events, [])
    hall.twin.aheadMs = 0
    await hall.clock.advance(120_000)
    hall.twin.aheadMs = -200_000
    await hall.clock.advance(120_000)
    assert.deepEqual(
      hall.session.events.map(({ detail }) => detail),
      [{ aheadSeconds: -200 }],
    )
  })

  it('is not compared with ours when that is not known to be right, and live punches are live all the same', async () => {
    class Unsynced extends FakeClock {
      override now(): Moment {
        return Object.freeze({ ...super.now(), state: 'unsynced', errorMs: null })
      }
    }
    hall = new Hall({}, {}, new Unsynced())
    hall.twin.aheadMs = 86_400_000
    const session = await hall.run()
    hall.twin.punch('1')
    await hall.clock.advance(2_000)
    assert.deepEqual([session.events, session.figures], [[], {}])
    assert.deepEqual(
      session.sightings.map(({ claim }) => [claim?.aheadMs, claim?.late]),
      [[undefined, false]],
    )
  })

  it('a minute off is measured only', async () => {
    hall = new Hall()
    hall.twin.aheadMs = -60_000
    const session = await hall.run()
    assert.deepEqual([session.figures['clockAheadMs'], session.events], [-60_000, []])
  })
})
