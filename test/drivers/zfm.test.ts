/** What a fingerprint module does besides being read: variants, passwords, poor images, strangers, changes behind our back. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { packet, PacketDecoder } from '../../drivers/zfm/codec.js'
import { fields, type Config } from '../../drivers/zfm/config.js'
import { driver } from '../../drivers/zfm/index.js'
import { forget, ranges } from '../../drivers/zfm/library.js'
import { probe } from '../../drivers/zfm/probe.js'
import { DeviceError, ProtocolError } from '../../src/driver.js'
import { readFileSync, readdirSync } from 'node:fs'
import { memoryLine, type Line } from '../../simulators/line.js'
import { Zfm, type ZfmOptions } from '../../simulators/zfm.js'
import { FakeClock } from '../support/fake-clock.js'
import { optionDefaults, RecordingSession } from '../support/session.js'

const ADDRESS = 0xffff_ffff

class Door {
  readonly clock = new FakeClock()
  readonly stop = new AbortController()
  readonly twin: Zfm
  readonly line: Line
  readonly session: RecordingSession<Config, 'bytes'>
  readonly ended: Promise<unknown>

  constructor(
    options: Partial<ZfmOptions> = {},
    over: Partial<Config> = {},
    slots: readonly string[] = ['anna', 'ben'],
  ) {
    const { line, transport } = memoryLine(this.clock, this.stop.signal)
    this.line = line
    this.twin = new Zfm({ clock: this.clock, line, ...options })
    slots.forEach((name, slot) => this.twin.slots.set(slot, name))
    const config = { ...optionDefaults(fields), ...over }
    this.session = new RecordingSession({ config, transport, clock: this.clock, signal: this.stop.signal })
    this.ended = driver.run(this.session).then(
      () => 'stopped',
      (error: unknown) => error,
    )
  }
  async end(): Promise<void> {
    this.stop.abort()
    await this.ended
  }
}

describe('a fingerprint module', () => {
  let door: Door
  beforeEach(() => forget('under-test'))
  afterEach(async () => door.end())

  it('tells who it is', async () => {
    door = new Door()
    await door.clock.advance(500)
    assert.deepEqual(door.session.identities, [
      { model: 'R503, 200 slots, security 3, 128 byte packets', firmware: '1.2.1', serial: '00000042' },
    ])
  })

  it('of another make is known by its capacity, and blinks its back-light', async () => {
    door = new Door({ model: 'as608', capacity: 162 })
    await door.clock.advance(500)
    assert.deepEqual(door.session.identities, [{ model: 'ZFM class, 162 slots, security 3, 128 byte packets' }])
    door.session.answer = 'repeat'
    door.twin.place('ben')
    await door.clock.advance(2_000)
    assert.deepEqual(door.session.values, ['1'])
    assert.deepEqual(door.twin.lights, ['50', '51', '50', '51'])
  })

  it('that says nothing to what it does not know comes up all the same, within five seconds', async () => {
    door = new Door({ model: 'as608', ignoresUnknown: true })
    await door.clock.advance(5_000)
    assert.equal(door.session.identities.length, 1)
    door.twin.place('ben')
    await door.clock.advance(1_000)
    assert.deepEqual(door.session.values, ['1'])
  })

  it('of the first generation says yes in blue', async () => {
    door = new Door({}, { light: 'aura3' })
    await door.clock.advance(500)
    door.twin.place('anna')
    await door.clock.advance(500)
    assert.deepEqual(door.twin.lights, ['3502300201'])
  })

  it('with a password is shown it first, again after it lost its power', async () => {
    door = new Door({ password: 0xdeadbeef }, { passwordSecret: 'DEADBEEF' })
    await door.clock.advance(500)
    door.twin.powerCycle()
    await door.clock.advance(500)
    door.twin.place('anna')
    await door.clock.advance(500)
    assert.deepEqual(door.session.values, ['0'])
  })

  it('with another password is refused, with what to do, and the password is in no message', async () => {
    door = new Door({ password: 0xdeadbeef }, { passwordSecret: '12345678' })
    const error = await door.ended
    assert.ok(error instanceof DeviceError)
    assert.match(error.hint ?? '', /passwordSecret/)
    assert.doesNotMatch(`${error.message} ${error.hint}`, /12345678/)
  })

  it('that does not say how many slots it has needs the option', async () => {
    door = new Door({ capacity: 0 })
    const error = await door.ended
    assert.ok(error instanceof DeviceError)
    assert.match(error.hint ?? '', /options\.capacity/)
  })

  it('that gives poor images is looked at again, then says "try again", and nothing is an error', async () => {
    door = new Door()
    await door.clock.advance(500)
    door.twin.place('anna', 'faint')
    await door.clock.advance(3_000)
    assert.deepEqual([door.session.values, door.twin.lights], [[], ['3502180103']])
    door.twin.lift()
    await door.clock.advance(500)
    door.twin.place('anna', 'smudge')
    await door.clock.advance(200)
    door.twin.place('anna')
    await door.clock.advance(500)
    assert.deepEqual(door.session.values, ['0'])
    assert.equal(door.session.log.lines.filter(({ level }) => level === 'error' || level === 'warn').length, 0)
  })

  it('shows a stranger red; operators are told once a minute', async () => {
    door = new Door()
    await door.clock.advance(500)
    for (let visit = 0; visit < 3; visit++) {
      door.twin.place('mallory')
      await door.clock.advance(500)
      door.twin.lift()
      await door.clock.advance(500)
    }
    assert.deepEqual(door.twin.lights, ['3501600101', '3501600101', '3501600101'])
    assert.deepEqual(door.session.events.map(({ type }) => type), ['unknown-finger']) // prettier-ignore
    assert.deepEqual(door.session.values, [])
  })

  it('whose answers are damaged or lost is asked again', async () => {
    door = new Door()
    await door.clock.advance(500)
    door.twin.damagedAnswers = 2
    door.twin.losesAnswerTo.set(0x04, 1)
    door.twin.place('ben')
    await door.clock.advance(8_000)
    assert.deepEqual(door.session.values, ['1'])
    assert.ok(door.session.counters.badFrames >= 2)
  })

  it('that names a slot it does not have makes no punch, and is given up (E21)', async () => {
    door = new Door({ capacity: 120 })
    await door.clock.advance(500)
    door.twin.slots.set(120, 'mallory')
    door.twin.place('mallory')
    await door.clock.advance(1_000)
    const error = await door.ended
    assert.ok(error instanceof ProtocolError, String(error))
    assert.match(error.message, /names slot 120, and has 120/)
    assert.deepEqual([door.session.values, door.twin.lights], [[], []])
  })

  it('whose late "done" to the question before comes instead of a match makes no punch of slot 0 (E21)', async () => {
    door = new Door()
    await door.clock.advance(500)
    door.twin.losesAnswerTo.set(0x04, 1)
    door.twin.place('ben')
    while (!door.twin.asked.has(0x04)) await door.clock.advance(10)
    door.line.send(packet(ADDRESS, 0x07, [0x00]))
    await door.clock.advance(1_000)
    assert.ok((await door.ended) instanceof ProtocolError)
    assert.deepEqual([door.session.values, door.twin.lights], [[], []])
  })

  it('that never answers is given up', async () => {
    door = new Door()
    await door.clock.advance(500)
    door.twin.isMute = true
    await door.clock.advance(5_000)
    assert.ok((await door.ended) instanceof ProtocolError)
  })

  it('lights within 150 ms of the match', async () => {
    door = new Door({ answerMs: 20 })
    await door.clock.advance(3_000)
    door.twin.place('anna')
    while (door.session.sightings.length === 0) await door.clock.advance(5)
    const matched = door.session.sightings[0]?.arrived.uptime ?? 0
    while (door.twin.lights.length === 0) await door.clock.advance(5)
    assert.ok(door.clock.uptime() - matched <= 150, `${door.clock.uptime() - matched} ms`)
  })

  describe('changed behind our back', () => {
    it('is noticed within a minute, with the slots that went and came', async () => {
      door = new Door()
      await door.clock.advance(500)
      door.twin.slots.delete(1)
      door.twin.slots.set(5, 'mallory')
      door.twin.slots.set(6, 'mallory-2')
      await door.clock.advance(61_000)
      const detail = { what: 'changed', missing: '1', added: '5-6', count: 3 }
      assert.deepEqual(door.session.events, [{ type: 'sensor-changed', detail, point: undefined }])
    })

    it('while it was unplugged is noticed when it is back', async () => {
      door = new Door()
      await door.clock.advance(500)
      await door.end()
      door = new Door({}, {}, [])
      await door.clock.advance(500)
      assert.deepEqual(door.session.events.map(({ detail }) => detail['missing']), ['0-1']) // prettier-ignore
    })

    it('for another one is said to be swapped, though the same slots are in use (E03)', async () => {
      door = new Door()
      await door.clock.advance(500)
      await door.end()
      door = new Door()
      door.twin.serial = '00000043'
      await door.clock.advance(500)
      assert.deepEqual(door.session.events.map(({ detail }) => detail['what']), ['swapped']) // prettier-ignore
    })

    it('is not what an unchanged one is after a restart', async () => {
      door = new Door()
      await door.clock.advance(500)
      await door.end()
      door = new Door()
      await door.clock.advance(70_000)
      assert.deepEqual(door.session.events, [])
    })
  })

  it('answers a scan, and nothing else does', async () => {
    door = new Door()
    await door.end()
    for (const answers of [true, false]) {
      const clock = new FakeClock()
      const stop = new AbortController()
      const { line, transport } = memoryLine(clock, stop.signal)
      if (answers) new Zfm({ clock, line, capacity: 120 })
      else line.onReceive = () => void line.send(Buffer.from('+CME ERROR: 3\r\n'))
      const asked = probe.ask(transport, clock, stop.signal)
      await clock.advance(1_000)
      assert.deepEqual(await asked, answers ? { model: 'EF01 fingerprint module, 120 slots' } : undefined)
      stop.abort()
    }
  })
})

describe('the packets of a fingerprint module', () => {
  it('survive any bytes around them, however they are cut', () => {
    const noise = fc.uint8Array({ maxLength: 40 })
    const payload = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(noise, payload, fc.integer({ min: 1, max: 30 }), (before, content, size) => {
        // A header in the noise may claim what follows it; that is the price of a wire.
        fc.pre(before.indexOf(0xef) === -1)
        const decoder = new PacketDecoder(ADDRESS)
        const stream = Buffer.concat([before, packet(ADDRESS, 7, content)])
        const packets = []
        for (let at = 0; at < stream.length; at += size)
          packets.push(...decoder.push(stream.subarray(at, at + size)).packets)
        assert.deepEqual(packets.map((found) => [...found.payload]), [content]) // prettier-ignore
        assert.equal(decoder.held, 0)
      }),
    )
  })

  it('never come out of bytes without a right sum, and never more than one is held (E06, E21)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
        const decoder = new PacketDecoder(ADDRESS)
        const { packets, discarded } = decoder.push(bytes)
        assert.ok(decoder.held <= 267)
        assert.equal(packets.reduce((sum, { payload }) => sum + payload.length + 11, 0) + discarded + decoder.held, bytes.length) // prettier-ignore
      }),
    )
  })

  it('that would move a template or an image are not in the driver', () => {
    const sources = readdirSync('drivers/zfm').filter((name) => name.endsWith('.ts'))
    const commands = sources.flatMap((name) => [
      ...readFileSync(`drivers/zfm/${name}`, 'utf8').matchAll(/=?>? ?\[(0x[0-9a-f]{2})[,\]]/g),
    ])
    const opcodes = commands.map(([, opcode]) => Number(opcode))
    assert.ok(opcodes.includes(0x04), 'the commands are found')
    for (const forbidden of [0x08, 0x09, 0x0a, 0x0b]) assert.ok(!opcodes.includes(forbidden), String(forbidden))
  })

  it('show slots as ranges', () => assert.equal(ranges([7, 0, 3, 4, 5]), '0,3-5,7'))
})
