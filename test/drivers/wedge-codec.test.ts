import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import { EventDecoder, type InputEvent } from '../../drivers/wedge/codec.js'
import { characterOf } from '../../drivers/wedge/keys.js'
import { cardNumber, type NumberForm } from '../../drivers/wedge/number.js'
import { Typing, type Outcome } from '../../drivers/wedge/typing.js'
import { typed } from '../../simulators/wedge.js'

const RUNS = { numRuns: 500 }
const T0_US = 1_700_000_000_000_005
const BITS = fc.constantFrom<32 | 64>(32, 64)
/** Every character that the twin has a key for. */
const PRINTABLE = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at))
const codes = fc.string({ unit: fc.constantFrom(...PRINTABLE), minLength: 1, maxLength: 30 })
const noise = fc.uint8Array({ maxLength: 120 })
/** Bytes that look like events, which random bytes hardly ever do. */
const eventLike = fc
  .array(fc.tuple(fc.constantFrom(0, 1, 4, 17), fc.nat(100), fc.integer({ min: -1, max: 3 }), fc.nat(30)), {
    maxLength: 40,
  })
  .map((events) =>
    Uint8Array.from(
      events.flatMap(([type, code, value, cut]) => {
        const bytes = Buffer.alloc(24)
        bytes.writeUInt16LE(type, 16)
        bytes.writeUInt16LE(code, 18)
        bytes.writeInt32LE(value, 20)
        return [...bytes.subarray(0, cut < 24 ? cut : 24)]
      }),
    ),
  )

function read(pieces: readonly Uint8Array[], bits: 32 | 64 = 64) {
  const decoder = new EventDecoder(bits === 64 ? 24 : 16)
  const typing = new Typing({ end: 'enter', timeoutMs: 500, most: 64 })
  const outcomes: Outcome[] = []
  let discarded = 0
  for (const piece of pieces) {
    const decoded = decoder.push(piece)
    discarded += decoded.discarded
    for (const event of decoded.events) {
      const outcome = typing.take(event)
      if (outcome) outcomes.push(outcome)
    }
  }
  return { outcomes, discarded, held: decoder.held, kept: typing.held }
}

describe('wedge codec', () => {
  describe('codec', () => {
    it('survives any bytes, and holds less than two events and one code', () => {
      fc.assert(
        fc.property(fc.array(fc.oneof(noise, eventLike), { maxLength: 8 }), BITS, (pieces, bits) => {
          const { held, kept } = read(pieces, bits)
          assert.ok(held < 48 && kept <= 64)
        }),
        RUNS,
      )
    })

    it('decodes the same for any cuts', () => {
      fc.assert(
        fc.property(codes, eventLike, fc.array(fc.nat(4_000), { maxLength: 8 }), BITS, (text, before, at, bits) => {
          const bytes = Uint8Array.from([...before, ...typed(`${text}\n`, bits, T0_US)])
          const edges = [0, ...at.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
          const pieces = edges.slice(1).map((to, index) => bytes.slice(edges[index], to))
          assert.deepEqual(read(pieces, bits), read([bytes], bits))
        }),
        RUNS,
      )
    })

    it('reads every text that can be typed, in both sizes', () => {
      fc.assert(
        fc.property(codes, BITS, (text, bits) => {
          const { outcomes, discarded, held } = read([typed(`${text}\n`, bits, T0_US)], bits)
          assert.deepEqual(outcomes, [{ text }])
          assert.equal(discarded, 0)
          assert.ok(held <= 24)
        }),
        RUNS,
      )
    })

    it('finds a code behind any noise', () => {
      fc.assert(
        fc.property(noise, codes, (before, text) => {
          assert.deepEqual(read([before, typed(`${text}\n`, 64, T0_US)]).outcomes, [{ text }])
        }),
        RUNS,
      )
    })

    it('takes no other card from a code, whatever bytes were lost or came between', () => {
      const spoil = (at: number, lost: number, junk: Uint8Array): void => {
        const whole = typed('0008844356\n', 64, T0_US)
        const from = 24 + (at % (whole.length - 72))
        const bytes = Uint8Array.from([...whole.slice(0, from), ...junk, ...whole.slice(from + lost)])
        const texts = read([bytes]).outcomes.flatMap((outcome) => ('text' in outcome ? [outcome.text] : []))
        assert.ok(texts.every((text) => text === '0008844356' || text.length !== 10), texts.join()) // prettier-ignore
      }
      // The first press is left whole: before it there is no code that could be spoilt.
      const junk = fc.uint8Array({ minLength: 1, maxLength: 60 })
      fc.assert(fc.property(fc.integer({ min: 48, max: 1_500 }), fc.integer({ min: 0, max: 23 }), junk, spoil), RUNS)
    })

    it('finds the event whose first byte was taken for the last of one that was cut', () => {
      const event = Buffer.from('00F153650000000005000000000000000100' + '0B00' + '01000000', 'hex') // [WEDGE §1.1]
      const next = Buffer.from(event)
      next.writeUInt16LE(3, 18)
      const decoder = new EventDecoder(24)
      const { events } = decoder.push(Buffer.concat([event.subarray(0, 23), event, next]))
      assert.deepEqual(
        events.map((found) => (found === 'gap' ? found : found.code)),
        [11, 'gap', 11, 3],
      )
    })

    it('keeps apart what the other size would make of it', () => {
      for (const [sent, expected] of [
        [32, 64],
        [64, 32],
      ] as const) {
        const { outcomes, discarded } = read([typed('12\n', sent, T0_US)], expected)
        assert.ok(outcomes.every((outcome) => 'lost' in outcome) && discarded > 0)
      }
    })
  })

  describe('keys', () => {
    it('have the characters of a US keyboard, and the keypad has digits whatever Num Lock says', () => {
      const row = (from: number, to: number, shift: boolean): string =>
        Array.from({ length: to - from + 1 }, (_, at) => characterOf(from + at, shift, false) ?? '').join('')
      assert.equal(row(2, 13, false) + row(16, 27, false), '1234567890-=qwertyuiop[]')
      assert.equal(row(2, 13, true) + row(30, 41, true), '!@#$%^&*()_+ASDFGHJKL:"~')
      assert.equal(row(71, 83, false), '789-456+1230.')
    })

    it('obey Caps Lock in letters only, and its light', () => {
      assert.equal(characterOf(30, false, true), 'A')
      assert.equal(characterOf(30, true, true), 'a')
      assert.equal(characterOf(2, false, true), '1')
      const typing = new Typing({ end: 'enter', timeoutMs: 500, most: 64 })
      for (const event of [led(1), key(30, 1), key(30, 0), led(0), key(30, 1), key(30, 0)]) typing.take(event)
      assert.deepEqual(typing.take(key(28, 1)), { text: 'Aa' })
    })
  })

  describe('typing', () => {
    const type = (keys: readonly (InputEvent | 'gap')[], end: 'enter' | 'tab' | 'none' = 'enter') => {
      const typing = new Typing({ end, timeoutMs: 500, most: 10 })
      const outcomes = keys.flatMap((event) => typing.take(event) ?? [])
      return { typing, outcomes }
    }
    const press = (code: number, timeUs = T0_US) => [key(code, 1, timeUs), key(code, 0, timeUs)]
    const ENTER = 28

    it('ends at Enter, the one of the keypad, and Tab if told so', () => {
      assert.deepEqual(type([...press(2), ...press(96)]).outcomes, [{ text: '1' }])
      assert.deepEqual(type([...press(2), ...press(15)], 'tab').outcomes, [{ text: '1' }])
      assert.deepEqual(type([...press(2), ...press(15), ...press(ENTER)]).outcomes, [{ text: '1\t' }])
    })

    it('is corrected by Backspace and Escape', () => {
      assert.deepEqual(type([...press(2), ...press(3), ...press(14), ...press(4), ...press(ENTER)]).outcomes, [
        { text: '13' },
      ])
      assert.deepEqual(type([...press(2), ...press(1), ...press(4), ...press(ENTER)]).outcomes, [{ text: '3' }])
    })

    it('loses a code that is too long, and not the next', () => {
      const long = Array.from({ length: 11 }, (_, at) => press(2 + (at % 9))).flat()
      const { outcomes, typing } = type([...long, ...press(ENTER), ...press(5), ...press(ENTER)])
      assert.deepEqual(outcomes, [{ lost: 'long' }, { text: '4' }])
      assert.equal(typing.held, 0)
    })

    it('loses a code with a key that means nothing, but lets one stand before it', () => {
      const arrow = press(108)
      assert.deepEqual(type([...arrow, ...press(2), ...press(ENTER)]).outcomes, [{ text: '1' }])
      assert.deepEqual(type([...press(2), ...arrow, ...press(ENTER)]).outcomes, [{ lost: 'unreadable' }])
    })

    it('loses a code typed with Alt, as some scanners do to be independent of a layout', () => {
      const { outcomes } = type([key(56, 1), ...press(82), ...press(76), key(56, 0), ...press(ENTER)])
      assert.deepEqual(outcomes, [{ lost: 'unreadable' }])
    })

    it('loses a code when the kernel lost events, also before its first key', () => {
      const dropped: InputEvent = { timeUs: T0_US, type: 0, code: 3, value: 0 }
      const report: InputEvent = { timeUs: T0_US, type: 0, code: 0, value: 0 }
      const { outcomes } = type([
        dropped,
        ...press(9),
        report,
        ...press(3),
        ...press(ENTER),
        ...press(4),
        ...press(ENTER),
      ])
      assert.deepEqual(outcomes, [{ lost: 'overrun' }, { text: '3' }])
    })

    it('lets nothing end a code before the report behind the loss', () => {
      const dropped: InputEvent = { timeUs: T0_US, type: 0, code: 3, value: 0 }
      const report: InputEvent = { timeUs: T0_US, type: 0, code: 0, value: 0 }
      const { outcomes } = type([...press(2), dropped, ...press(ENTER), report, ...press(3), ...press(ENTER)])
      assert.deepEqual(outcomes, [{ lost: 'overrun' }])
    })

    it('forgets which keys were down when the kernel lost events', () => {
      const dropped: InputEvent = { timeUs: T0_US, type: 0, code: 3, value: 0 }
      const report: InputEvent = { timeUs: T0_US, type: 0, code: 0, value: 0 }
      const { outcomes } = type([key(42, 1), dropped, report, ...press(ENTER), ...press(30), ...press(ENTER)])
      assert.deepEqual(outcomes, [{ lost: 'overrun' }, { text: 'a' }])
    })

    it('loses a code in which a release is missing, and begins anew where a stream does', () => {
      const later = T0_US + 1_000
      const twice = [key(2, 1), key(2, 1, later), ...press(3, later), ...press(ENTER, later)]
      assert.deepEqual(type(twice).outcomes, [{ lost: 'broken' }])
      assert.deepEqual(type([key(2, 1), key(2, 1), ...press(3), ...press(ENTER)]).outcomes, [
        { lost: 'broken' },
        { text: '12' },
      ])
    })

    it('judges a pause by the times of the kernel: late with Enter, an end without', () => {
      const later = T0_US + 600_000
      const keys = [...press(2), ...press(3, later), ...press(ENTER, later)]
      assert.deepEqual(type(keys).outcomes, [{ lost: 'late' }, { text: '2' }])
      assert.deepEqual(type(keys, 'none').outcomes, [{ text: '1' }, { text: '2' }])
      const soon = T0_US + 500_000
      assert.deepEqual(type([...press(2), ...press(3, soon), ...press(ENTER, soon)]).outcomes, [{ text: '12' }])
    })
  })

  describe('card numbers', () => {
    const DEFAULT: NumberForm = { format: 'decimal', digits: 10, bytes: 4, order: 'big', strip: '', prefix: '' }
    const cases: [string, Partial<NumberForm>, string | undefined][] = [
      ['0008844356', {}, '0086F444'],
      ['0008844356', { prefix: '10' }, '100086F444'],
      ['3808980205', { prefix: '62' }, '62E3086CED'],
      ['0001193046', { prefix: '0a' }, '0A00123456'],
      ['4294967295', {}, 'FFFFFFFF'],
      ['4294967296', {}, undefined],
      ['008844356', {}, undefined],
      ['000884435A', {}, undefined],
      ['8844356', { digits: 0 }, '0086F444'],
      ['0068728321092', { digits: 13, bytes: 5 }, '100086F444'],
      ['100086F444', { format: 'hex' }, '100086F444'],
      ['62e3086ced', { format: 'hex' }, '62E3086CED'],
      ['0086F444', { format: 'hex', digits: 8, prefix: '10' }, '100086F444'],
      ['86F44', { format: 'hex', digits: 0 }, '086F44'],
      ['100086F44G', { format: 'hex' }, undefined],
      ['134,62532', { format: 'facility' }, '86F444'],
      ['13462532', { format: 'facility' }, '86F444'],
      ['134,62532', { format: 'facility', prefix: '1000' }, '100086F444'],
      ['256,00001', { format: 'facility' }, undefined],
      ['001,65536', { format: 'facility' }, undefined],
      ['3283263748', { order: 'little' }, '04A1B2C3'],
      ['04A1B2C3D4E5F6', { format: 'hex', digits: 14 }, '04A1B2C3D4E5F6'],
      ['F6E5D4C3B2A104', { format: 'hex', digits: 14, order: 'little' }, '04A1B2C3D4E5F6'],
      [';0008844356', { strip: ';' }, '0086F444'],
      ['0008844356', { strip: ';' }, undefined],
    ]
    for (const [text, form, expected] of cases) {
      it(`${text} with ${JSON.stringify(form)} is ${expected ?? 'none'}`, () => {
        assert.equal(cardNumber(text, { ...DEFAULT, ...form }), expected)
      })
    }

    it('of ten digits are all 32-bit numbers, each once', () => {
      fc.assert(
        fc.property(fc.nat(0xffff_ffff), (number) => {
          const hex = cardNumber(String(number).padStart(10, '0'), DEFAULT)
          assert.equal(hex?.length, 8)
          assert.equal(Number.parseInt(hex, 16), number)
        }),
        RUNS,
      )
    })
  })
})

function key(code: number, value: number, timeUs = T0_US): InputEvent {
  return { timeUs, type: 1, code, value }
}

function led(value: number): InputEvent {
  return { timeUs: T0_US, type: 17, code: 1, value }
}
