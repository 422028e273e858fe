/** PN532: what the driver does with cards, and with a chip and a line that misbehave. */
import { strict as assert } from 'node:assert'
import { fields } from '../../drivers/pn532/config.js'
import { driver } from '../../drivers/pn532/index.js'
import { DeviceError, ProtocolError, type Verdict } from '../../src/driver.js'
import { memoryLine, type Line } from '../../simulators/line.js'
import { Pn532, type Pn532Faults, type Pn532Options, type SimCard } from '../../simulators/pn532.js'
import { FakeClock } from '../support/fake-clock.js'
import { optionDefaults, RecordingSession } from '../support/session.js'

const NTAG: SimCard = { type: 'a', uid: '04A1B2C3D4E5F6' }
const CLASSIC: SimCard = { type: 'a', uid: '1EA68671' }
const DESFIRE: SimCard = { type: 'a', uid: '04112233445566', ats: '067577810280' }
const FELICA: SimCard = { type: 'felica', idm: '012E4CD123456789' }
const PHONE: SimCard = { type: 'a', uid: '', random: true, ats: '057877B202' }
/** Longer than a look with everything asked again; shorter than it takes a card to leave. */
const LOOK_MS = 1_000
const GONE_MS = 3_000

const ACK = '0000ff00ff00'
const NACK = '0000ffff0000'
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

type Config = ReturnType<typeof optionDefaults<typeof fields>>

function setUp(config: Partial<Config> = {}, options: Partial<Pn532Options> = {}) {
  const clock = new FakeClock()
  const stop = new AbortController()
  const written: Uint8Array[] = []
  const whole: Config = { ...optionDefaults(fields), ...config }
  // The twin stays when the host opens its port anew.
  const relay: Line = { send: (bytes) => wire.line.send(bytes), onReceive: undefined, unplug: () => wire.line.unplug(), close: () => Promise.resolve() } // prettier-ignore
  const open = () => {
    wire = memoryLine(clock, stop.signal)
    wire.line.onReceive = (bytes) => {
      written.push(bytes)
      relay.onReceive?.(bytes)
    }
    const { transport } = wire
    const session = new RecordingSession<Config, 'bytes'>({ config: whole, transport, clock, signal: stop.signal })
    const done = driver.run(session).then(() => 'resolved', (error: unknown) => error) // prettier-ignore
    return { session, done }
  }
  let wire: ReturnType<typeof memoryLine>
  const twin = new Pn532({ clock, line: relay, ...options })
  const { session, done } = open()
  const end = async (): Promise<void> => {
    stop.abort()
    assert.equal(await done, 'resolved')
  }
  return { clock, line: relay, twin, session, written, stop, done, open, end }
}

describe('pn532', () => {
  describe('cards', () => {
    it('reports two cards that lie there together, of either technology, once each', async () => {
      const { clock, twin, session, end } = setUp()
      for (const card of [DESFIRE, CLASSIC, FELICA]) twin.put(card)
      await clock.advance(20_000)
      await end()
      assert.deepEqual(session.values, ['04112233445566', '1EA68671', '012E4CD123456789'])
    })

    it('lets a card go after as many looks as fit into the hold', async () => {
      for (const [missed, reports] of [
        [4, 1],
        [5, 2],
      ]) {
        const { clock, twin, session, end } = setUp({ hold: 1_500, poll: 300 })
        twin.put(NTAG)
        await clock.advance(LOOK_MS)
        twin.remove()
        const before = twin.looks
        while (twin.looks < before + (missed ?? 0)) await clock.advance(10)
        twin.put(NTAG)
        await clock.advance(LOOK_MS)
        await end()
        assert.equal(session.sightings.length, reports, `${missed} looks without it`)
      }
    })

    it('reports a second card while the first lies there', async () => {
      const { clock, twin, session, end } = setUp()
      twin.put(NTAG)
      await clock.advance(LOOK_MS)
      twin.put(CLASSIC)
      await clock.advance(LOOK_MS)
      twin.remove(NTAG)
      await clock.advance(GONE_MS)
      twin.put(NTAG)
      await clock.advance(LOOK_MS)
      await end()
      assert.deepEqual(session.values, ['04A1B2C3D4E5F6', '1EA68671', '04A1B2C3D4E5F6'])
    })

    it('keeps a held card one presentation while the disk stalls, and after it', async () => {
      const { clock, twin, session, end } = setUp()
      session.answer = async (): Promise<Verdict> => {
        await clock.sleep(30_000)
        return 'accepted'
      }
      twin.put(NTAG)
      await clock.advance(60_000)
      await end()
      assert.equal(session.sightings.length, 1)
    })

    it('refuses random numbers once per visit, and says why', async () => {
      const { clock, twin, session, end } = setUp({ feedback: 'gpio' })
      twin.put(PHONE)
      await clock.advance(10_000)
      await end()
      assert.deepEqual(session.values, [])
      const warnings = session.log.lines.filter(({ message }) => message === 'Card shows a random number')
      assert.equal(warnings.length, 1)
      assert.match(String(warnings[0]?.fields['hint']), /randomUid/)
      assert.equal(twin.pins.filter((pins) => pins === '35 -').length, 3, 'red three times')
    })

    it('reports random numbers once per visit where that is wished', async () => {
      const { clock, twin, session, end } = setUp({ randomUid: 'report' })
      for (let visit = 0; visit < 2; visit++) {
        twin.put(PHONE)
        await clock.advance(10_000)
        twin.remove()
        await clock.advance(GONE_MS)
      }
      await end()
      assert.equal(session.sightings.length, 2)
      assert.match(session.values[0] ?? '', /^08[0-9A-F]{6}$/)
    })

    it('looks for type B and FeliCa only where that is wished', async () => {
      for (const wished of [true, false]) {
        const { clock, twin, session, end } = setUp({ typeB: wished, felica: wished })
        twin.put({ type: 'b', pupi: 'A1B2C3D4' })
        twin.put({ type: 'felica', idm: '0102030405060708', speeds: [424] })
        await clock.advance(10_000)
        await end()
        assert.deepEqual(session.values, wished ? ['A1B2C3D4', '0102030405060708'] : [])
      }
    })

    it('shows a card without a number as refused, once, and counts it', async () => {
      const { clock, twin, session, end } = setUp({ feedback: 'gpio' })
      twin.put({ type: 'a', uid: '00000000' })
      await clock.advance(10_000)
      await end()
      assert.deepEqual(session.values, [])
      assert.deepEqual(session.log.lines.map(({ message, fields }) => [message, fields]), [['Card could not be read', { why: 'blank' }]]) // prettier-ignore
      assert.equal(twin.pins.filter((pins) => pins === '35 -').length, 3)
      assert.equal(session.counters.badFrames, 1)
    })

    it('takes a card that is torn away in mid-answer for nobody, and again when it comes back', async () => {
      const { clock, twin, session, end } = setUp()
      await clock.advance(LOOK_MS)
      twin.faults.torn = 1
      twin.put(NTAG)
      await clock.advance(LOOK_MS)
      await end()
      assert.deepEqual(session.values, ['04A1B2C3D4E5F6'])
      assert.equal(session.counters.badFrames, 1)
    })

    it('leaves the field off between two looks', async () => {
      const { clock, twin, end } = setUp()
      await clock.advance(LOOK_MS)
      assert.equal(twin.isFieldOn, false)
      assert.ok(twin.obeyed.includes(0x4a))
      await end()
    })

    it('understands extended frames', async () => {
      const { clock, twin, session, end } = setUp()
      twin.usesExtended = true
      twin.put(DESFIRE)
      await clock.advance(LOOK_MS)
      await end()
      assert.deepEqual(session.values, ['04112233445566'])
      assert.equal(session.identities[0]?.firmware, '1.6')
    })

    it('stamps a card with the arrival of the answer that named it', async () => {
      const { clock, twin, session, end } = setUp({}, { answerMs: 40 })
      await clock.advance(LOOK_MS)
      twin.put(NTAG)
      const before = clock.uptime()
      await clock.advance(LOOK_MS)
      await end()
      const arrived = session.sightings[0]?.arrived
      assert.ok(arrived && clock.gave(arrived) && arrived.uptime >= before + 40)
    })
  })

  describe('a chip and a line that misbehave', () => {
    it('wakes a chip that sleeps, also when the first commands are lost', async () => {
      const { clock, twin, session, end } = setUp()
      await clock.advance(0)
      assert.equal(session.identities.length, 1)
      await end()
      const late = setUp({}, { asleep: true })
      late.twin.faults.unheard = 2
      await late.clock.advance(LOOK_MS)
      assert.equal(late.session.identities.length, 1)
      await late.end()
      assert.equal(twin.obeyed[0], 0x14)
    })

    const faults: readonly (keyof Pn532Faults)[] = ['unheard', 'lostAcks', 'lostAnswers', 'damagedAnswers', 'cutAnswers', 'noisyAnswers'] // prettier-ignore
    for (const fault of faults) {
      for (const times of [1, 2]) {
        it(`gets over ${fault} ${times}×, at the start and with a card there`, async () => {
          const { clock, twin, session, end } = setUp()
          twin.faults[fault] = times
          await clock.advance(4_000)
          assert.equal(session.identities.length, 1)
          twin.faults[fault] = times
          twin.put(NTAG)
          await clock.advance(4_000)
          twin.faults[fault] = times
          await clock.advance(4_000)
          await end()
          assert.deepEqual(session.values, ['04A1B2C3D4E5F6'])
          assert.equal(twin.faults[fault], 0)
        })
      }
    }

    it('asks for a damaged answer again with a NACK, and obeys nothing twice for it', async () => {
      const { clock, twin, written, session, end } = setUp()
      twin.faults.damagedAnswers = 1
      await clock.advance(0)
      await end()
      const nacks = written.map(hexOf).filter((hex) => hex === NACK)
      assert.equal(nacks.length, 1)
      assert.equal(twin.obeyed.filter((code) => code === 0x14).length, 1)
      assert.equal(session.counters.badFrames, 1)
    })

    it('asks for no answer again before its question was heard: the last one is to another question', async () => {
      const { clock, twin, written, end } = setUp()
      await clock.advance(0)
      twin.faults.lostAcks = 4
      twin.faults.noisyAnswers = 4
      await clock.advance(LOOK_MS)
      await end()
      assert.equal(twin.faults.noisyAnswers, 0)
      assert.ok(!written.map(hexOf).includes(NACK))
    })

    it('ends what the chip is at before it asks anew', async () => {
      const { clock, twin, written, end } = setUp()
      await clock.advance(0)
      written.length = 0
      twin.faults.lostAnswers = 1
      await clock.advance(2_000)
      await end()
      const [first, second, third] = written.map(hexOf)
      assert.deepEqual([second, third], [ACK, first])
    })

    it('counts no bad frame and no discarded byte on a clean line', async () => {
      const { clock, twin, session, end } = setUp()
      twin.put(NTAG)
      await clock.advance(10_000)
      await end()
      const { badFrames, discardedBytes } = session.counters
      assert.deepEqual([badFrames, discardedBytes], [0, 0])
    })

    it('gives up a chip that lost its power, and finds it again', async () => {
      const { clock, twin, session, done, open, stop } = setUp()
      twin.put(NTAG)
      await clock.advance(LOOK_MS)
      twin.powerCycle()
      await clock.advance(LOOK_MS * 2)
      const error = await done
      assert.ok(error instanceof ProtocolError && /HSU/.test(error.hint ?? ''), String(error))
      const again = open()
      await clock.advance(LOOK_MS)
      stop.abort()
      assert.equal(await again.done, 'resolved')
      assert.deepEqual([session.values, again.session.values], [['04A1B2C3D4E5F6'], ['04A1B2C3D4E5F6']])
    })

    it('gives up a chip that restarted awake and refuses, and says so', async () => {
      const { clock, twin, done } = setUp()
      await clock.advance(LOOK_MS)
      twin.restart()
      await clock.advance(LOOK_MS * 2)
      const error = await done
      assert.ok(error instanceof ProtocolError && /refuses command/.test(error.message), String(error))
      assert.match(error.hint ?? '', /supply/)
    })

    it('gives up a line that is nothing but noise', async () => {
      const { clock, line, twin, done } = setUp()
      twin.isMute = true
      let over = false
      void done.then(() => (over = true))
      for (let time = 0; time < 1_200 && !over; time++) {
        line.send(Uint8Array.of(0x00, 0x00, 0xff, 0x01, 0x02, 0x00, 0xff, 0x00, 0xff))
        await clock.advance(10)
      }
      assert.ok(over, 'noise keeps a question open')
      assert.ok((await done) instanceof ProtocolError)
    })

    it('says when another chip answers', async () => {
      const { clock, twin, session, done } = setUp()
      twin.ic = 0x33
      await clock.advance(LOOK_MS)
      const error = await done
      assert.ok(error instanceof DeviceError && error.hint !== undefined)
      assert.equal(session.identities.length, 0)
    })

    it('hears an answer that comes while it asks', async () => {
      const { clock, line, twin, session, end } = setUp({}, { answerMs: 240 })
      await clock.advance(2_000)
      twin.put(NTAG)
      for (let time = 0; time < 200; time++) {
        // An old answer to another question, at any moment.
        line.send(Uint8Array.from([0, 0, 255, 2, 254, 0xd5, 0x15, 0x16, 0]))
        await clock.advance(50)
      }
      await end()
      assert.deepEqual(session.values, ['04A1B2C3D4E5F6'])
    })
  })

  describe('feedback', () => {
    it('is nothing where nothing is wired: no pin is written, identify says why', async () => {
      const { clock, twin, session, end } = setUp()
      const asked = assert.rejects(session.requests.ask({ kind: 'identify' }), /no light/)
      twin.put(NTAG)
      await clock.advance(LOOK_MS)
      await asked
      await end()
      assert.deepEqual(twin.pins, [])
    })

    it('drives the pins that were chosen, high where that is wished', async () => {
      const config = { feedback: 'gpio', greenPin: 'p71', redPin: 'p35', buzzerPin: 'none', active: 'high' } as const
      const { clock, twin, end } = setUp(config)
      await clock.advance(LOOK_MS)
      twin.put(NTAG)
      await clock.advance(LOOK_MS)
      await end()
      // P35 and P71 low is dark; the rest stays high.
      assert.deepEqual(twin.pins, ['1f 4', '1f 6', '1f 4'])
    })

    it('blinks when asked to identify itself', async () => {
      const { clock, twin, session, end } = setUp({ feedback: 'gpio' })
      const asked = session.requests.ask({ kind: 'identify' })
      await clock.advance(5_000)
      await asked
      await end()
      assert.equal(twin.pins.filter((pins) => pins === '36 -').length, 6)
    })

    it('leaves no light on when it is stopped in the middle of one', async () => {
      const { clock, twin, end } = setUp({ feedback: 'gpio' })
      twin.put(NTAG)
      await clock.advance(100)
      assert.equal(twin.pins.at(-1), '36 -', 'green is on')
      await end()
      assert.equal(twin.pins.at(-1), '3f -')
    })

    it('switches the field off when it is stopped', async () => {
      const { clock, twin, end } = setUp({}, { answerMs: 20 })
      await clock.advance(70)
      await end()
      await clock.advance(LOOK_MS)
      assert.equal(twin.obeyed.at(-1), 0x32)
      assert.equal(twin.isFieldOn, false)
    })
  })
})
