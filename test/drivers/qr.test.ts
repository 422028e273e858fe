import assert from 'node:assert/strict'
import { DeviceError, ProtocolError, type Verdict } from '../../src/driver.js'
import { fields, type Config } from '../../drivers/qr/config.js'
import { Hold } from '../../drivers/qr/hold.js'
import { driver } from '../../drivers/qr/index.js'
import { memoryLine } from '../../simulators/line.js'
import { Phone, signedCode } from '../../simulators/phone.js'
import { checkScenario } from '../../simulators/scenario/load.js'
import { QrScanner, type QrScannerOptions } from '../../simulators/qr.js'
import { FakeClock } from '../support/fake-clock.js'
import { optionDefaults, RecordingSession } from '../support/session.js'

const KEY = Uint8Array.from({ length: 32 }, (_, index) => index)
const SIGNED = { signed: 'require', hmacSecret: Buffer.from(KEY).toString('base64') } as const

describe('qr', () => {
  describe('plain codes', () => {
    it('are reported as their text', async () => {
      const { scanner, session, clock, end } = await setUp()
      scanner.show('Zoë, EMP-0042')
      await clock.advance(10_000)
      scanner.hide()
      await end()
      const [sighting] = session.sightings
      assert.deepEqual(sighting?.credential, { type: 'qr', value: 'Zoë, EMP-0042', scope: 'global' })
      assert.deepEqual([session.sightings.length, sighting.method, sighting.raw], [1, 'qr', undefined])
    })

    it('lose what the scanner puts before them', async () => {
      const { scanner, session, clock, end } = await setUp({ prefix: ']Q1' })
      for (const text of [']Q1EMP-0042', 'EMP-0043', ']Q1']) {
        scanner.show(text)
        await clock.advance(100)
      }
      await end()
      assert.deepEqual(session.values, ['EMP-0042', 'EMP-0043'])
    })

    it('without a suffix end with a pause, stamped by their last byte', async () => {
      const { line, session, clock, end } = await setUp({ suffix: 'none' })
      line.send(Buffer.from('EMP-'))
      await clock.advance(99)
      line.send(Buffer.from('0042'))
      const last = clock.uptime()
      await clock.advance(99)
      assert.deepEqual(session.values, [])
      await clock.advance(1)
      assert.deepEqual(session.values, ['EMP-0042'])
      assert.equal(session.sightings[0]?.arrived.uptime, last)
      await end()
    })

    it('without a suffix are parted by the arrival of their bytes, when the gateway was busy', async () => {
      const { line, session, clock, end } = await setUp({ suffix: 'none' })
      session.answer = async (): Promise<Verdict> => {
        await clock.sleep(5_000)
        return 'accepted'
      }
      for (const text of ['one', 'two', 'three']) {
        line.send(Buffer.from(text))
        await clock.advance(500)
      }
      // In two pieces, read together long after they came.
      line.send(Buffer.from('fo'))
      await clock.advance(50)
      line.send(Buffer.from('ur'))
      await clock.advance(30_000)
      await end()
      assert.deepEqual(session.values, ['one', 'two', 'three', 'four'])
    })

    it('do not begin with half a line of long ago', async () => {
      const { line, session, clock, end } = await setUp()
      line.send(Buffer.from('noise'))
      await clock.advance(1_000)
      line.send(Buffer.from('EMP-0042\r'))
      await clock.settle()
      await end()
      assert.deepEqual(session.values, ['EMP-0042'])
      assert.deepEqual(session.counters, { goodFrames: 1, badFrames: 1, discardedBytes: 0 })
    })

    it('that are no UTF-8 are counted and discarded (E20)', async () => {
      const { scanner, session, clock, end } = await setUp()
      scanner.show(Uint8Array.of(0x5a, 0x6f, 0xeb))
      await clock.advance(100)
      await end()
      assert.deepEqual([session.values, session.counters.badFrames], [[], 1])
    })

    it('look signed only where signed codes are wanted', async () => {
      const { scanner, session, clock, end } = await setUp()
      scanner.show('PQ1.x.y')
      await clock.advance(100)
      await end()
      assert.deepEqual(session.values, ['PQ1.x.y'])
    })
  })

  describe('signed codes', () => {
    it('are reported as the person inside, with what signed it', async () => {
      const { scanner, session, clock, phone, end } = await setUp(SIGNED)
      await clock.advance(10_000)
      scanner.show(() => phone.code)
      await clock.advance(100)
      await end()
      assert.deepEqual(session.values, ['1042'])
      const { keyId, issued, expires, tokenId } = session.sightings[0]?.raw ?? {}
      assert.deepEqual([keyId, issued, expires], ['8839872a', 1_795_417_210, 1_795_417_240])
      assert.match(String(tokenId), /^[0-9a-f]{16}$/)
    })

    it('that rotate before the scanner are one presentation, and all used up', async () => {
      const { scanner, session, clock, phone, end } = await setUp(SIGNED)
      await clock.advance(10_000)
      scanner.show(() => phone.code)
      await clock.advance(60_000)
      const last = phone.code
      scanner.hide()
      assert.deepEqual([session.values, session.events], [['1042'], []])
      await clock.advance(4_000)
      scanner.show(last)
      await clock.advance(2_000)
      await end()
      assert.deepEqual(session.values, ['1042'])
      assert.deepEqual(session.events.map(({ type, detail }) => [type, detail['reason']]), [['code-refused', 'replayed']]) // prettier-ignore
    })

    it('that are refused say why, once while they stay in view, without the whole code', async () => {
      const { scanner, session, clock, end } = await setUp(SIGNED)
      await clock.advance(60_000)
      const old = signedCode({ key: { hmac: KEY }, person: '1042', issued: 1_795_417_210, expires: 1_795_417_240, id: new Uint8Array(8) }) // prettier-ignore
      for (const text of [old, 'EMP-0042', 'PQ1.nonsense']) {
        scanner.show(text)
        await clock.advance(10_000)
      }
      await end()
      assert.deepEqual(session.values, [])
      assert.deepEqual(session.events.map(({ detail }) => detail['reason']), ['expired', 'unsigned', 'malformed']) // prettier-ignore
      assert.equal(session.events[1]?.detail['code'], '…0042')
      const told = JSON.stringify([session.events, session.log.lines])
      assert.ok(!told.includes(old) && !told.includes('EMP-0042'))
    })

    it('may be shown again when nothing was stored', async () => {
      const { scanner, session, clock, phone, end } = await setUp({ ...SIGNED, hold: 1_000 })
      await clock.advance(10_000)
      session.answer = 'refused'
      scanner.show(phone.code)
      await clock.advance(100)
      scanner.hide()
      await clock.advance(2_000)
      session.answer = 'accepted'
      scanner.show(phone.code)
      await clock.advance(100)
      await end()
      assert.deepEqual([session.values, session.events], [['1042', '1042'], []])
    })

    it('with accept leave plain ones as they are, but not broken ones', async () => {
      const { scanner, session, clock, phone, end } = await setUp({ ...SIGNED, signed: 'accept' })
      await clock.advance(10_000)
      for (const text of ['EMP-0042', phone.code, 'PQ1.nonsense']) {
        scanner.show(text)
        await clock.advance(100)
      }
      await end()
      assert.deepEqual(session.values, ['EMP-0042', '1042'])
      assert.deepEqual(session.events.map(({ detail }) => detail['reason']), ['malformed']) // prettier-ignore
    })

    it('need a key', async () => {
      const { done } = await setUp({ signed: 'require' })
      await assert.rejects(done, (error) => error instanceof DeviceError && /keygen/.test(error.hint ?? ''))
    })
  })

  describe('set-up', () => {
    it('writes what differs, silences the scanner, locks setup codes, and saves it', async () => {
      const { scanner, session, end } = await setUp({ setup: 'continuous', suffix: 'crlf' })
      assert.deepEqual(session.identities, [{ model: 'GM65', firmware: '1.10' }])
      const zones = [0x00, 0x03, 0x05, 0x06, 0x0e, 0x13, 0x60]
      const expected = [0x16, 0x02, 0x05, 0x32, 0x00, 0x05, 0x21]
      assert.deepEqual(zones.map((zone) => scanner.zone(zone)), expected) // prettier-ignore
      scanner.restart()
      assert.deepEqual(zones.map((zone) => scanner.zone(zone)), expected) // prettier-ignore
      await end()
    })

    it('writes nothing to a scanner that is set up', async () => {
      const zones = { 0x00: 0x16, 0x03: 0x02, 0x05: 0x05, 0x06: 0x32, 0x0e: 0, 0x13: 0, 0x60: 0x01 }
      const { written, end } = await setUp({ setup: 'continuous' }, { zones })
      assert.deepEqual(written.filter((hex) => !hex.startsWith('7e0007')), []) // prettier-ignore
      await end()
    })

    it('says which setting the firmware did not take, and goes on', async () => {
      const { scanner, session, clock, end } = await setUp({ setup: 'continuous' }, { stuck: [0x05] })
      const told = session.log.lines.filter(({ level }) => level === 'warn').map(({ fields: { zone } }) => zone)
      assert.deepEqual(told, ['0005'])
      scanner.show('EMP-0042')
      await clock.advance(100)
      await end()
      assert.deepEqual(session.values, ['EMP-0042'])
    })

    it('uses a scanner that takes no commands as it is', async () => {
      const { scanner, session, clock, written, end } = await setUp({ setup: 'trigger', feedback: 'flash' }, { deaf: true }) // prettier-ignore
      await clock.advance(1_500)
      assert.deepEqual([session.identities, written.length], [[{ model: 'QR scanner' }], 3])
      assert.match(JSON.stringify(session.log.lines), /used as it is.*setup: none/)
      scanner.show('EMP-0042')
      await clock.advance(60_000)
      await end()
      assert.deepEqual([session.values, written.length], [['EMP-0042'], 3])
    })

    it('keeps a code that is read meanwhile', async () => {
      const { session, end } = await setUp({ setup: 'continuous' }, {}, (bytes, wire) => {
        if (Buffer.from(bytes).toString('hex') === '7e000801000016066e') wire.send('EMP-0042\r')
      })
      await end()
      assert.deepEqual(session.values, ['EMP-0042'])
    })
  })

  describe('trigger mode', () => {
    it('triggers, and again after a code, and after a read that found nothing', async () => {
      const { scanner, session, clock, written, end } = await setUp({ setup: 'trigger' })
      const triggers = (): number => written.filter((hex) => hex === '7e00080100020102da').length
      assert.equal(triggers(), 1)
      await clock.advance(5_500)
      assert.equal(triggers(), 2)
      scanner.show('EMP-0042')
      await clock.advance(600)
      assert.deepEqual([session.values, triggers()], [['EMP-0042'], 3])
      await clock.advance(60_000)
      assert.deepEqual(session.values, ['EMP-0042'])
      scanner.hide()
      await clock.advance(6_000)
      await end()
    })

    it('gives a scanner up that answers no trigger any more', async () => {
      const { line, clock, done } = await setUp({ setup: 'trigger' })
      line.onReceive = undefined
      const failed = assert.rejects(done, (error) => error instanceof ProtocolError && error.hint !== undefined)
      await clock.advance(30_000)
      await failed
    })
  })

  it('does not hold codes back while its light shows a verdict', async () => {
    const { line, session, clock, end } = await setUp({ setup: 'continuous', feedback: 'flash' })
    session.answer = 'unknown'
    line.send(Buffer.from('one\rtwo\r'))
    await clock.advance(1)
    assert.deepEqual(session.values, ['one', 'two'])
    await end()
    assert.equal(clock.sleeping, 0)
  })

  it('can stand at a door of a scenario, but not with faults that change its texts', () => {
    const of = (faults: string): string[] => {
      const text = `name: x\npeople: [anna]\nreaders: { gate: { twin: qr, faults: { ${faults} } } }\ntimeline: [1s anna taps gate]\n`
      return checkScenario('t.yaml', text).problems.map(({ message }) => message)
    }
    assert.deepEqual(of('split: 50%, delay: 10%'), [])
    for (const fault of ['noise', 'corrupt']) assert.match(of(`${fault}: 10%`).join(), /without a check/)
  })

  describe('hold', () => {
    it('ends at its time and not before, for texts and people', () => {
      const hold = new Hold(1_000)
      assert.equal(hold.begins('a', 0, 'p'), true)
      assert.equal(hold.goesOn('a', 999), true)
      assert.equal(hold.begins('b', 1_998, 'p'), false)
      assert.equal(hold.goesOn('b', 2_998), false)
      assert.equal(hold.begins('b', 2_998, 'p'), true)
    })

    it('does not take a plain code for the person of the same name', () => {
      const hold = new Hold(1_000)
      assert.equal(hold.begins('a', 0, 'p'), true)
      assert.equal(hold.goesOn('p', 1), false)
      assert.equal(hold.begins('p', 1), true)
    })
  })
})

type Spy = (bytes: Uint8Array, line: { send(text: string): void }) => void

async function setUp(options: Partial<Config> = {}, scannerOptions: Partial<QrScannerOptions> = {}, spy?: Spy) {
  const clock = new FakeClock()
  const stop = new AbortController()
  const { line, transport } = memoryLine(clock, stop.signal)
  const scanner = new QrScanner({ clock, line, ...scannerOptions })
  const obey = line.onReceive
  const written: string[] = []
  line.onReceive = (bytes) => {
    written.push(Buffer.from(bytes).toString('hex'))
    spy?.(bytes, { send: (text) => void line.send(Buffer.from(text)) })
    obey?.(bytes)
  }
  const phone = new Phone({ clock, key: { hmac: KEY }, person: '1042' })
  const config = { ...optionDefaults(fields), ...options }
  const session = new RecordingSession<Config, 'bytes'>({ config, transport, clock, signal: stop.signal })
  const done = driver.run(session)
  done.catch(() => undefined)
  const end = async (): Promise<void> => {
    scanner.hide()
    stop.abort()
    await done
  }
  await clock.settle()
  return { clock, line, scanner, session, phone, written, done, end }
}
