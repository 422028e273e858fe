import { strict as assert } from 'node:assert'
import { fields } from '../../drivers/wedge/config.js'
import { driver } from '../../drivers/wedge/index.js'
import type { OptionValues, Verdict } from '../../src/driver.js'
import { memoryLine } from '../../simulators/line.js'
import { typed, Wedge, type WedgeOptions } from '../../simulators/wedge.js'
import { bytesOf, readVectors } from '../conformance/files.js'
import { FakeClock } from '../support/fake-clock.js'
import { rejectsWith } from '../support/rejects.js'
import { optionDefaults, RecordingSession } from '../support/session.js'

type Config = OptionValues<typeof fields>

const T0_US = 1_700_000_000_000_005

describe('wedge', () => {
  describe('twin', () => {
    it('sends what the vectors say', () => {
      let checked = 0
      for (const { name, hex } of readVectors('drivers/wedge')) {
        const [, text] = /^typed (\d{10}) of card/.exec(name) ?? []
        if (text === undefined) continue
        const from = text === '0008844356' ? T0_US : 1_700_000_001_000_500
        assert.deepEqual(typed(`${text}\n`, 64, from), bytesOf(hex), name)
        checked++
      }
      assert.equal(checked, 2)
    })

    it('types once, one code after the other, and stops in the middle without power', async () => {
      const { clock, twin, session, end } = setUp()
      const first = twin.put('0008844356')
      const second = twin.put('3808980205')
      await clock.advance(200)
      assert.deepEqual(session.values, ['0086F444', 'E3086CED'])
      assert.deepEqual([first.whole, second.whole], [22, 22])
      const third = twin.put('0001193046')
      await clock.advance(20)
      twin.stop()
      await clock.advance(10_000)
      assert.ok(third.whole > 0 && third.whole < 22)
      assert.equal(clock.sleeping, 0)
      await end()
    })
  })

  describe('driver', () => {
    it('takes events of a 32-bit process', async () => {
      const { clock, twin, session, end } = setUp({ layout: '32-bit' }, { bits: 32 })
      twin.put('0008844356')
      await clock.advance(500)
      await end()
      assert.deepEqual(session.values, ['0086F444'])
    })

    it('reports a QR code as it was typed, layout or not', async () => {
      const { clock, twin, session, end } = setUp({ type: 'qr' })
      const text = 'AUtJT1NLLTA3BsFUVb7_tJh4uvmuLIboA2MeMGk'
      twin.put(text)
      await clock.advance(1_000)
      await end()
      assert.deepEqual(
        session.sightings.map(({ credential, method }) => ({ ...credential, method })),
        [{ type: 'qr', value: text, scope: 'global', method: 'qr' }],
      )
    })

    it('reports a PIN of digits, typed slowly, and nothing else', async () => {
      const { clock, twin, session, end } = setUp({ type: 'pin', timeout: 5_000 }, { paceMs: 1_000 })
      twin.put('4711')
      await clock.advance(20_000)
      twin.put('47a1')
      await clock.advance(20_000)
      await end()
      assert.deepEqual(session.sightings.map(({ credential }) => credential), [{ type: 'pin', value: '4711', scope: 'global' }]) // prettier-ignore
      assert.equal(session.counters.badFrames, 1)
    })

    it('ends a code by silence, stamped with its last key', async () => {
      const { clock, twin, session, end } = setUp({ end: 'none', timeout: 150 }, { end: '' })
      const from = clock.uptime()
      twin.put('0008844356')
      await clock.advance(80 + 150 - 10)
      assert.equal(session.sightings.length, 0)
      await clock.advance(20)
      assert.deepEqual(session.values, ['0086F444'])
      assert.equal(session.sightings[0]?.arrived.uptime, from + 19 * 4)
      assert.ok(clock.gave(session.sightings[0].arrived))
      await end()
      assert.equal(clock.sleeping, 0)
    })

    it('forgets what was typed half, says so once, and takes the next (E05)', async () => {
      const { clock, twin, session, end } = setUp()
      for (let time = 0; time < 3; time++) {
        twin.begin('00088')
        await clock.advance(2_000)
      }
      assert.equal(clock.sleeping, 0, 'nothing is waited for when nothing is typed')
      twin.put('0008844356')
      await clock.advance(500)
      await end()
      assert.deepEqual(session.values, ['0086F444'])
      assert.deepEqual(session.counters, { goodFrames: 1, badFrames: 3, discardedBytes: 0 })
      assert.deepEqual(session.log.lines.map(({ level, fields: { why } }) => [level, why]), [['warn', 'late']]) // prettier-ignore
    })

    it('leaves nothing behind when stopped in the middle of a code', async () => {
      const { clock, twin, session, end } = setUp()
      twin.begin('00088')
      await clock.advance(10)
      twin.stop()
      await clock.settle()
      assert.equal(clock.sleeping, 1, 'it waits for the rest')
      await end()
      await clock.settle()
      assert.equal(clock.sleeping, 0)
      assert.deepEqual(session.values, [])
    })

    it('loses the code when the kernel had no room, and says so', async () => {
      const { clock, twin, session, end } = setUp()
      twin.put('0008844356')
      await clock.advance(30)
      twin.overrun()
      await clock.advance(2_000)
      twin.put('3808980205')
      await clock.advance(500)
      await end()
      assert.deepEqual(session.values, ['E3086CED'])
      assert.equal(session.counters.badFrames, 1)
      assert.match(session.log.lines[0]?.message ?? '', /lost because the system was too busy/)
    })

    it('ignores the repeats of a key that is leaned on', async () => {
      const { clock, twin, session, end } = setUp({ type: 'pin' })
      twin.lean('7', 50)
      twin.put('1')
      await clock.advance(2_000)
      await end()
      assert.deepEqual(session.values, ['71'])
    })

    it('says what does not fit the options, with the last four characters only', async () => {
      const { clock, twin, session, end } = setUp()
      twin.put('100086F444')
      await clock.advance(500)
      await end()
      assert.deepEqual(session.values, [])
      const [line] = session.log.lines
      assert.match(line?.message ?? '', /does not fit the options/)
      assert.deepEqual(line?.fields, { type: 'card', characters: 10, last: 'F444' })
      assert.ok(!JSON.stringify(session.log.lines).includes('100086'))
    })

    it('takes one presentation for one though its reader types all the time', async () => {
      const { clock, twin, session, end } = setUp()
      for (let time = 0; time < 20; time++) {
        twin.put('0008844356')
        await clock.advance(700)
      }
      assert.equal(session.sightings.length, 1)
      await clock.advance(1_000)
      twin.put('0008844356')
      await clock.advance(500)
      await end()
      assert.equal(session.sightings.length, 2)
    })

    it('is not hurried by a slow disk: what is typed meanwhile is whole', async () => {
      const { clock, twin, session, end } = setUp()
      session.answer = async (): Promise<Verdict> => {
        await clock.sleep(5_000)
        return 'accepted'
      }
      twin.put('0008844356')
      twin.put('3808980205')
      await clock.advance(20_000)
      await end()
      assert.deepEqual(session.values, ['0086F444', 'E3086CED'])
      assert.equal(session.counters.badFrames, 0)
    })

    it('refuses a prefix that is no hex, naming the option', async () => {
      const { run } = setUp({ prefix: '0G' }, {}, false)
      const error = await rejectsWith('device-refused', run())
      assert.match(`${error.message} ${error.hint}`, /"0G".*options\.prefix/)
    })
  })
})

function setUp(options: Partial<Config> = {}, of: Partial<WedgeOptions> = {}, started = true) {
  const clock = new FakeClock()
  const stop = new AbortController()
  const { line, transport } = memoryLine(clock, stop.signal)
  const twin = new Wedge({ clock, line, ...of })
  const config = { ...optionDefaults(fields), ...options }
  const session = new RecordingSession<typeof config, 'bytes'>({ config, transport, clock, signal: stop.signal })
  const run = (): Promise<void> => driver.run(session)
  const done = started ? run() : Promise.resolve()
  const end = async (): Promise<void> => {
    stop.abort()
    await done
  }
  return { clock, line, twin, session, run, end }
}
