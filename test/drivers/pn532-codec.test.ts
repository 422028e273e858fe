/** PN532: frames and lists of cards. What the driver does with them stands in pn532.test.ts. */
import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import { frame, FrameDecoder, NACK, type Decoded, type Frame } from '../../drivers/pn532/codec.js'
import { firmwareIn, gpio, list, PINS, type Pin, type Technology } from '../../drivers/pn532/commands.js'
import { Field } from '../../drivers/pn532/field.js'
import { targetsIn, type Target } from '../../drivers/pn532/targets.js'
import { answerFrame } from '../../simulators/pn532-cards.js'
import { bytesOf, readVectors } from '../conformance/files.js'

const RUNS = { numRuns: 1_000 }
const MOST_HELD = 272
const technologies = fc.constantFrom<Technology>('a', 'b', 'felica212', 'felica424')
const contents = fc.array(fc.nat(255), { minLength: 1, maxLength: 60 })
const wholeFrames = fc.tuple(contents, fc.boolean()).map(([content, extended]) => answerFrame(content, extended))
/** Bytes that look like frames, which random bytes hardly ever do. */
const pieces = fc.oneof(
  wholeFrames,
  fc.tuple(wholeFrames, fc.nat(70)).map(([whole, cut]) => whole.slice(0, cut)),
  fc.array(fc.constantFrom(0x00, 0xff, 0xd5, 0x7f, 0x01, 0x02, 0xfe, 0x55), { maxLength: 20 }),
  fc.array(fc.nat(255), { maxLength: 30 }),
  fc.constantFrom([0, 0, 255, 0, 255, 0], [0, 0, 255, 1, 255, 0x7f, 0x81, 0]),
)
const streams = fc.array(pieces, { maxLength: 12 }).map((parts) => Uint8Array.from(parts.flat()))

function decode(chunks: readonly Uint8Array[]): Decoded & { readonly held: number } {
  const decoder = new FrameDecoder()
  const parts = chunks.map((chunk) => decoder.push(chunk))
  const discarded = parts.reduce((sum, part) => sum + part.discarded, 0)
  return { frames: parts.flatMap(({ frames }) => frames), discarded, held: decoder.held }
}

const dataOf = (frames: readonly Frame[]): number[][] =>
  frames.flatMap((found) => (found.kind === 'data' ? [[...found.data]] : []))

describe('pn532 codec', () => {
  it('takes any bytes, holds little, and decodes the same for any cuts', () => {
    const cuts = fc.array(fc.nat(400), { maxLength: 8 })
    fc.assert(
      fc.property(fc.oneof(streams, fc.uint8Array({ maxLength: 600 })), cuts, (bytes, at) => {
        const edges = [0, ...at.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
        const chunks = edges.slice(1).map((to, index) => bytes.slice(edges[index], to))
        const whole = decode([bytes])
        assert.ok(whole.held <= MOST_HELD, `${whole.held} held`)
        assert.deepEqual(decode(chunks), whole)
      }),
      RUNS,
    )
  })

  it('finds frames of both forms behind whatever was let go of', () => {
    fc.assert(
      fc.property(streams, contents, fc.boolean(), (before, content, extended) => {
        const decoder = new FrameDecoder()
        decoder.push(before)
        decoder.reset()
        const { frames } = decoder.push(Uint8Array.from(answerFrame(content, extended)))
        assert.deepEqual(dataOf(frames), [content])
        assert.equal(decoder.isInside, false)
      }),
      RUNS,
    )
  })

  it('loses no frame behind noise for longer than a frame can be', () => {
    fc.assert(
      fc.property(streams, contents, (before, content) => {
        const filler = new Uint8Array(MOST_HELD)
        const { frames } = decode([before, filler, Uint8Array.from(answerFrame(content, false))])
        assert.deepEqual(dataOf(frames).at(-1), content)
      }),
      RUNS,
    )
  })

  it('takes no frame with one spoilt byte for what it was (E06)', () => {
    fc.assert(
      fc.property(contents, fc.boolean(), fc.nat(80), fc.integer({ min: 1, max: 255 }), (content, extended, at, by) => {
        const whole = answerFrame(content, extended)
        // The zeros before and behind are filler: no part of what is checked.
        const spoilt = 1 + (at % (whole.length - 2))
        const damaged = whole.map((byte, index) => (index === spoilt ? byte ^ by : byte))
        assert.deepEqual(dataOf(decode([Uint8Array.from(damaged)]).frames), [])
      }),
      RUNS,
    )
  })

  it('counts nothing as discarded on a clean line', () => {
    fc.assert(
      fc.property(fc.array(wholeFrames, { maxLength: 6 }), (frames) => {
        assert.equal(decode([Uint8Array.from(frames.flat())]).discarded, 0)
      }),
    )
  })

  it('hangs on no extended length beyond what the chip can send', () => {
    // 266 bytes, and 65,280.
    for (const head of [
      [0x01, 0x0a, 0xf5],
      [0xff, 0x00, 0x01],
    ]) {
      const far = Uint8Array.from([0, 0, 255, 255, 255, ...head, 0xd5])
      assert.deepEqual(decode([far]).frames, [{ kind: 'bad' }])
    }
    const whole = answerFrame(Array.from({ length: 264 }, (_, index) => index & 255), true) // prettier-ignore
    assert.equal(decode([Uint8Array.from(whole)]).frames[0]?.kind, 'data', 'the longest there is')
  })

  it('sends frames that it would not take for answers', () => {
    assert.deepEqual(dataOf(decode([frame(list('a')), NACK]).frames), [])
  })
})

describe('pn532 lists of cards', () => {
  it('reads any bytes as any technology, and gives canonical numbers only', () => {
    const like = fc
      .tuple(
        fc.nat(3),
        fc.array(fc.oneof(fc.nat(255), fc.constantFrom(1, 4, 7, 10, 18, 20, 0x20, 0x50)), { maxLength: 60 }),
      ) // prettier-ignore
      .map(([count, rest]) => Uint8Array.from([0x4b, count, 1, ...rest]))
    fc.assert(
      fc.property(fc.oneof(like, fc.uint8Array({ maxLength: 80 })), technologies, (data, technology) => {
        for (const target of targetsIn(data, technology) ?? []) {
          if (target.kind === 'card')
            assert.match(target.value, /^([0-9A-F]{8}|[0-9A-F]{14}|[0-9A-F]{16}|[0-9A-F]{20})$/)
        }
      }),
      { numRuns: 5_000 },
    )
  })

  it('takes no list that was cut', () => {
    for (const { hex, card, name } of readVectors('drivers/pn532')) {
      if (card !== true) continue
      const [data] = dataOf(decode([bytesOf(hex)]).frames)
      assert.ok(data)
      const whole = targetsIn(Uint8Array.from(data), 'a')?.length
      for (let length = 2; length < data.length; length++) {
        const found = targetsIn(Uint8Array.from(data.slice(0, length)), 'a')
        // An ATS that is not there is not missed: the number is whole.
        assert.ok(found === undefined || (found.length === whole && name.includes('ATS')), `${name} at ${length}`)
      }
    }
  })

  it('knows a PN532 by its firmware answer', () => {
    assert.deepEqual(firmwareIn(bytesOf('03 32 01 06 07')), { chip: 0x32, firmware: '1.6' })
    assert.equal(firmwareIn(bytesOf('03 32 01 06')), undefined)
    assert.equal(firmwareIn(bytesOf('15')), undefined)
  })
})

describe('pn532 pins', () => {
  it('never pulls P32 or P34 down: the chip would hang', () => {
    fc.assert(
      fc.property(fc.subarray([...PINS]), fc.subarray([...PINS]), (low: Pin[], used: Pin[]) => {
        const [code, p3 = 0, p7 = 0] = gpio(low, used)
        assert.deepEqual([code, p3 & 0x94], [0x0e, 0x94])
        assert.equal(
          p7 !== 0,
          used.some((pin) => pin.startsWith('p7')),
          'P7 is left alone unless it is used',
        )
      }),
    )
  })

  it('puts each pin at its bit', () => {
    assert.deepEqual(gpio(['p30', 'p35', 'p71'], ['p30', 'p35', 'p71']), [0x0e, 0x80 | 0b011110, 0x80 | 0b100])
    assert.deepEqual(gpio(['p31', 'p33', 'p72'], ['p72']), [0x0e, 0x80 | 0b110101, 0x80 | 0b010])
  })
})

describe('pn532 field', () => {
  const card = (value: string, random = false): Target => ({ kind: 'card', value, random })
  const come = (field: Field, technology: 'a' | 'b' | 'felica212' | 'felica424', ...targets: Target[]): number =>
    field.noted(technology, targets).length

  it('lets a card go after so many looks without it, and not before', () => {
    const field = new Field(3)
    const looks = [1, 0, 0, 1, 0, 0, 0, 1].map((there) => come(field, 'a', ...(there ? [card('AA')] : [])))
    assert.deepEqual(looks, [1, 0, 0, 0, 0, 0, 0, 1])
  })

  it('counts only looks that could have found it', () => {
    const field = new Field(2)
    assert.equal(come(field, 'a', card('AA')), 1)
    for (let time = 0; time < 5; time++) come(field, 'felica212')
    assert.equal(come(field, 'a', card('AA')), 0)
  })

  it('takes a FeliCa card that answers at both speeds for one', () => {
    const field = new Field(2)
    assert.deepEqual([come(field, 'felica212', card('AA')), come(field, 'felica424', card('AA'))], [1, 0])
  })

  it('takes numbers that change at each look for one visitor: random ones, and those of type B', () => {
    const field = new Field(2)
    assert.deepEqual([come(field, 'a', card('08AA', true)), come(field, 'a', card('08BB', true))], [1, 0])
    assert.deepEqual(['B1', 'B2', 'B3'].map((value) => come(field, 'b', card(value))), [1, 0, 0]) // prettier-ignore
    come(field, 'b')
    assert.equal(come(field, 'b', card('B4')), 1, 'somebody else may have come in a look without a card')
  })

  it('keeps nothing of those that left', () => {
    const field = new Field(1)
    for (let value = 0; value < 1_000; value++) assert.equal(come(field, 'a', card(String(value))), 1)
    assert.equal(come(field, 'a', card('0')), 1)
  })
})
