import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import { FrameDecoder, type Decoded } from '../../drivers/rdm6300/codec.js'
import { fields } from '../../drivers/rdm6300/config.js'
import { Hold } from '../../src/driver.js'
import { driver } from '../../drivers/rdm6300/index.js'
import type { Verdict } from '../../src/driver.js'
import { memoryLine } from '../../simulators/line.js'
import { Rdm6300, tagFrame, type Rdm6300Form } from '../../simulators/rdm6300.js'
import { bytesOf, readVectors } from '../conformance/files.js'
import { FakeClock } from '../support/fake-clock.js'
import { optionDefaults, RecordingSession } from '../support/session.js'

const RUNS = { numRuns: 1_000 }
const tags = fc.stringMatching(/^[0-9A-F]{10}$/)
const forms = fc.constantFrom<Rdm6300Form>('rdm6300', 'id12la')
/** Bytes that look like frames, which random bytes hardly ever do. */
const frameLike = fc
  .array(fc.oneof(fc.constantFrom(0x02, 0x03, 0x0d, 0x0a), fc.integer({ min: 0x30, max: 0x46 }), fc.nat(255)), {
    maxLength: 80,
  })
  .map((bytes) => Uint8Array.from(bytes))
const streams = fc
  .array(
    fc.oneof(
      frameLike,
      fc.tuple(tags, forms).map(([tag, form]) => tagFrame(tag, form)),
      fc.tuple(tags, forms, fc.nat(15)).map(([tag, form, cut]) => tagFrame(tag, form).slice(0, cut)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])))

function decode(pieces: readonly Uint8Array[]): { total: Decoded; held: number } {
  const decoder = new FrameDecoder()
  const cards: string[] = []
  let bad = 0
  let discarded = 0
  for (const piece of pieces) {
    const decoded = decoder.push(piece)
    cards.push(...decoded.cards)
    bad += decoded.bad
    discarded += decoded.discarded
  }
  return { total: { cards, bad, discarded }, held: decoder.held }
}

describe('rdm6300', () => {
  describe('codec', () => {
    it('accounts for every byte: frames, discarded, held', () => {
      const account = (bytes: Uint8Array): void => {
        const { total, held } = decode([bytes])
        const inFrames = bytes.length - total.discarded - held
        const lengths = total.cards.length
        assert.ok(inFrames >= lengths * 14 && inFrames <= lengths * 16 && inFrames % 2 === 0, `${inFrames}`)
        assert.ok(held <= 15)
      }
      fc.assert(fc.property(fc.oneof(streams, fc.uint8Array({ maxLength: 300 })), account), RUNS)
    })

    it('decodes the same for any cuts', () => {
      const cuts = fc.array(fc.nat(200), { maxLength: 8 })
      fc.assert(
        fc.property(streams, cuts, (bytes, at) => {
          const edges = [0, ...at.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
          const pieces = edges.slice(1).map((to, index) => bytes.slice(edges[index], to))
          assert.deepEqual(decode(pieces), decode([bytes]))
        }),
        RUNS,
      )
    })

    it('finds every good frame whatever stands before it', () => {
      fc.assert(
        fc.property(streams, tags, forms, (before, tag, form) => {
          assert.equal(decode([before, tagFrame(tag, form)]).total.cards.at(-1), tag)
        }),
        RUNS,
      )
    })

    it('takes no frame whose checksum is wrong', () => {
      const wrong = (tag: string, by: number): void => {
        const frame = Buffer.from(tagFrame(tag, 'rdm6300'))
        const right = Number.parseInt(frame.toString('latin1', 11, 13), 16)
        frame.write((right ^ by).toString(16).toUpperCase().padStart(2, '0'), 11, 'latin1')
        assert.deepEqual(decode([frame]), { total: { cards: [], bad: 1, discarded: 14 }, held: 0 })
      }
      fc.assert(fc.property(tags, fc.integer({ min: 1, max: 255 }), wrong), RUNS)
    })

    it('takes no other card for a frame with one spoilt byte', () => {
      fc.assert(
        fc.property(tags, forms, fc.nat(15), fc.integer({ min: 1, max: 255 }), (tag, form, at, by) => {
          const frame = tagFrame(tag, form)
          frame[at % frame.length]! ^= by
          // A letter whose case flipped is still the same digit.
          assert.ok(decode([frame]).total.cards.every((card) => card === tag))
        }),
        RUNS,
      )
    })
  })

  describe('twin', () => {
    it('sends what the vectors say', () => {
      let checked = 0
      for (const { name, hex } of readVectors('drivers/rdm6300')) {
        const [, form, tag] = /^(RDM6300|ID-12LA) frame of ([0-9A-F]{10})$/.exec(name) ?? []
        if (tag === undefined) continue
        assert.deepEqual(tagFrame(tag, form === 'ID-12LA' ? 'id12la' : 'rdm6300'), bytesOf(hex), name)
        checked++
      }
      assert.equal(checked, 7)
    })

    it('repeats while the card is held, and an ID-12LA does not', async () => {
      for (const [form, expected] of [
        ['rdm6300', 16],
        ['id12la', 1],
      ] as const) {
        const { clock, twin, end } = setUp(form)
        const presentation = twin.put('0A00123456')
        await clock.advance(1_000)
        twin.remove()
        await clock.advance(1_000)
        assert.equal(presentation.frames, expected)
        assert.equal(clock.sleeping, 0)
        await end()
      }
    })
  })

  describe('driver', () => {
    it('takes ID-12LA frames', async () => {
      const { clock, twin, session, end } = setUp('id12la')
      twin.put('62E3086CED')
      await clock.settle()
      await end()
      assert.deepEqual(session.values, ['62E3086CED'])
    })

    it('does not lose a card that comes while another is being stored', async () => {
      const { clock, twin, session, end } = setUp('rdm6300')
      session.answer = async (): Promise<Verdict> => {
        await clock.sleep(400)
        return 'accepted'
      }
      twin.put('0A00123456')
      await clock.advance(100)
      twin.put('62E3086CED')
      await clock.advance(2_000)
      await end()
      assert.deepEqual(session.values, ['0A00123456', '62E3086CED'])
    })

    it('measures silence on the arrival of the bytes, not on how long storing takes', async () => {
      const { clock, twin, session, end } = setUp('rdm6300')
      session.answer = async (): Promise<Verdict> => {
        await clock.sleep(5_000)
        return 'accepted'
      }
      twin.put('0A00123456')
      await clock.advance(20_000)
      await end()
      assert.equal(session.sightings.length, 1)
    })

    it('takes a card that is read a thousand times a second for a minute for one presentation (E07)', async () => {
      const { clock, twin, session, end } = setUp('rdm6300', 1)
      const presentation = twin.put('0A00123456')
      await clock.advance(60_000)
      await end()
      assert.ok(presentation.frames >= 60_000, `${presentation.frames} frames`)
      assert.deepEqual([session.values, session.counters.badFrames], [['0A00123456'], 0])
    })

    it('counts good and bad frames and discarded bytes', async () => {
      const { clock, line, session, end } = setUp('rdm6300')
      line.send(bytesOf('00 02 30 30 02'))
      line.send(tagFrame('0A00123456', 'rdm6300').slice(1))
      await clock.settle()
      await end()
      assert.deepEqual(session.counters, { goodFrames: 1, badFrames: 1, discardedBytes: 4 })
    })
  })

  describe('hold', () => {
    it('begins a new presentation at the hold time and not before', () => {
      const hold = new Hold(500)
      const times = [0, 499, 998, 1_498, 1_997]
      assert.deepEqual(
        times.map((uptime) => hold.begins('a', uptime)),
        [true, false, false, true, false],
      )
    })

    it('keeps two cards that lie on the reader together apart', () => {
      const hold = new Hold(500)
      const seen = Array.from({ length: 20 }, (_, frame) => hold.begins(frame % 2 ? 'b' : 'a', frame * 65))
      assert.equal(seen.filter(Boolean).length, 2)
    })
  })
})

function setUp(form: Rdm6300Form, repeatMs?: number) {
  const clock = new FakeClock()
  const stop = new AbortController()
  const { line, transport } = memoryLine(clock, stop.signal)
  const twin = new Rdm6300({ clock, line, form, ...(repeatMs !== undefined && { repeatMs }) })
  const config = optionDefaults(fields)
  const session = new RecordingSession<typeof config, 'bytes'>({ config, transport, clock, signal: stop.signal })
  const done = driver.run(session)
  const end = async (): Promise<void> => {
    twin.remove()
    stop.abort()
    await done
  }
  return { clock, line, twin, session, end }
}
