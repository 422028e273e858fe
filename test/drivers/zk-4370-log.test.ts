/** How the log of a terminal on port 4370 is followed: over restarts, when it is cleared, while somebody punches. */
import assert from 'node:assert/strict'
import type { Verdict } from '../../src/driver.js'
import { Hall } from '../support/zk-4370.js'

const COUNT = 50
const PREPARE = 1503
const PIECE = 1504

describe('the log of a terminal', () => {
  let hall: Hall
  afterEach(async () => hall.stop())

  it('that did not change costs one count after a restart', async () => {
    hall = new Hall()
    hall.fill(500)
    assert.equal((await hall.run()).sightings.length, 500)
    await hall.stop()
    const before = [COUNT, PREPARE, PIECE].map((command) => hall.asked(command))
    const session = await hall.run()
    assert.equal(session.sightings.length, 0)
    const cost = [COUNT, PREPARE, PIECE].map((command, index) => hall.asked(command) - (before[index] ?? 0))
    assert.deepEqual(cost, [1, 0, 0])
  })

  it('that grew meanwhile: only its end is read', async () => {
    hall = new Hall()
    hall.fill(2_000)
    await hall.run(5_000)
    await hall.stop()
    hall.fill(40, 2_000)
    const before = hall.asked(PIECE)
    const session = await hall.run()
    assert.equal(session.sightings.length, 40)
    assert.equal(session.sightings[0]?.raw?.['time'], '2026-11-20 08:33:20')
    assert.equal(hall.asked(PIECE) - before, 1)
    assert.deepEqual(session.events, [])
  })

  it('of firmware that reads its buffer from the start only is read whole, and nothing comes twice', async () => {
    hall = new Hall()
    hall.twin.fault('from-start')
    hall.fill(1_000)
    await hall.run()
    await hall.stop()
    hall.fill(3, 1_000)
    const session = await hall.run()
    assert.equal(session.sightings.length, 3)
    hall.twin.punch('77')
    await hall.clock.advance(2_000)
    assert.deepEqual([session.values.length, session.values.at(-1), session.events], [4, '77', []])
  })

  it('that was cleared is told once, and read anew', async () => {
    hall = new Hall()
    hall.fill(100)
    const session = await hall.run()
    hall.twin.clear()
    hall.twin.punch('12')
    await hall.clock.advance(2_000)
    assert.deepEqual(session.events, [
      { type: 'terminal-log-cleared', detail: { before: 100, now: 1 }, point: undefined },
    ])
    assert.deepEqual([session.sightings.length, session.values.at(-1)], [101, '12'])
    await hall.stop()
    assert.deepEqual([(await hall.run()).events, hall.session.sightings], [[], []])
  })

  it('that was cleared and has more rows than before is known to be another', async () => {
    hall = new Hall()
    hall.fill(30)
    await hall.run()
    await hall.stop()
    hall.twin.clear()
    hall.fill(50, 5_000)
    const session = await hall.run()
    assert.equal(session.sightings.length, 50)
    assert.deepEqual(
      session.events.map(({ type }) => type),
      ['terminal-log-cleared'],
    )
  })

  it('of another terminal in the same place is another log', async () => {
    hall = new Hall()
    hall.memory.set('log', JSON.stringify({ serial: 'OTHER', count: 3, size: 40, digest: 'x' }))
    hall.fill(2)
    const session = await hall.run()
    assert.deepEqual([session.sightings.length, session.events], [2, []])
  })

  for (const kept of ['', '{', '7', '{"serial":"A1B2C3","count":-1}']) {
    it(`is read whole when ${JSON.stringify(kept)} was remembered`, async () => {
      hall = new Hall()
      hall.memory.set('log', kept)
      hall.fill(2)
      assert.equal((await hall.run()).sightings.length, 2)
    })
  }

  it('is not remembered as read while something is refused', async () => {
    hall = new Hall()
    hall.fill(1_200)
    let verdict: Verdict = 'refused'
    hall.answer = ({ claim }) => (claim?.key.startsWith('1010|2026-11-20 08:10:10') ? verdict : 'accepted')
    const session = await hall.run(5_000)
    assert.equal(session.sightings.length, 1_000, 'what is behind the refused one waits')
    assert.equal(hall.readTo, 500)
    verdict = 'repeat'
    await hall.clock.advance(12_000)
    assert.equal(hall.readTo, 1_200)
    assert.equal(new Set(session.sightings.map(({ claim }) => claim?.key)).size, 1_200)
  })

  for (const rowBytes of [8, 16, 40] as const) {
    it(`in which somebody punches between count and read, with rows of ${rowBytes} bytes`, async () => {
      for (const rows of [0, 1, 3, 60]) {
        await hall?.stop()
        hall = new Hall({ rowBytes })
        hall.fill(rows)
        hall.twin.fault('counting', 2)
        const session = await hall.run()
        assert.deepEqual(session.values.slice(rows), ['99'], `behind ${rows} rows`)
        assert.equal(session.sightings.length, rows + 1)
        assert.deepEqual(session.events, [])
      }
    })
  }

  it('that is full stays as it is', async () => {
    hall = new Hall({ capacity: 30 })
    hall.fill(30)
    const session = await hall.run()
    hall.twin.punch('88')
    await hall.clock.advance(20_000)
    assert.deepEqual([session.sightings.length, session.events, await hall.state()], [30, [], 'up'])
  })
})

describe('a full log that forgets its oldest rows', () => {
  for (const [punches, count, events] of [
    [1, 300, 0],
    [90, 300, 0],
    [250, 300, 0],
    [290, 300, 1],
  ] as const) {
    it(`after ${punches} more: these come${events > 0 ? ', and all that is there' : ', and no others'}`, async () => {
      const hall = new Hall({ capacity: count })
      hall.twin.log.isRing = true
      hall.fill(count)
      await hall.run()
      hall.twin.fault('unheard', punches - 1)
      for (let punch = 0; punch < punches; punch++) {
        hall.twin.punch(String(5_000 + punch))
        await hall.clock.advance(7)
      }
      await hall.clock.advance(20_000)
      const { values, events: told } = hall.session
      assert.deepEqual(
        values.slice(-punches),
        Array.from({ length: punches }, (_, punch) => String(5_000 + punch)),
      )
      assert.equal(values.length, count + (events > 0 ? count : punches))
      assert.equal(told.length, events)
      await hall.stop()
    })
  }
})
