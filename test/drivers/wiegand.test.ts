/** Bits, parity, keys and edges. Vectors: the fact sheet, section 2. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Burst, edgeOf, keyOf, LineDecoder } from '../../drivers/wiegand/codec.js'
import { cardOfNumber } from '../../drivers/wiegand/number.js'
import { cardOfBits as cardOf, reversedBytes, type BitOptions } from '../../src/driver.js'
import { fields, type Config } from '../../drivers/wiegand/config.js'
import { driver } from '../../drivers/wiegand/index.js'
import type { Scheme } from '../../src/driver.js'
import { memoryLine } from '../../simulators/line.js'
import { cardBits, cardBits37, keyBits, WiegandReader, type WiegandOutput } from '../../simulators/wiegand.js'
import { FakeClock } from '../support/fake-clock.js'
import { optionDefaults, RecordingSession } from '../support/session.js'

const OPTIONS: BitOptions = { lengths: [26, 34, 35, 37], format37: 'h10302', unknown: 'ignore' }

describe('the bits of a Wiegand card', () => {
  for (const [bits, format, value, facility, number] of [
    ['10000000100000000000000010', 'W26', '010001', 1, '1'],
    ['10111101100010001110101110', 'W26', '7B11D7', 123, '4567'],
    ['01111111111111111111111111', 'W26', 'FFFFFF', 255, '65535'],
    ['00000000000000000000000001', 'W26', '000000', 0, '0'],
    ['00100101010111010101000010', 'W26', '4ABAA1', 74, '47777'],
    ['1000000000000000100000000000000010', 'W34', '00010001', 1, '1'],
    ['0011010110011110100010010110101100', 'W34', '6B3D12D6', 27_453, '4822'],
    ['0000111101010011010000110011100010', 'W34', '1EA68671', 0x1ea6, String(0x8671)],
  ] as const) {
    it(`${bits} are ${facility} and ${number}`, () =>
      assert.deepEqual(cardOf(bits, OPTIONS), { format, value, facility, number }))
  }

  it('37 of them mean what the configuration says', () => {
    const bits = '1000001001101001000011011101110101010'
    const h10304 = cardOf(bits, { ...OPTIONS, format37: 'h10304' })
    assert.ok(typeof h10304 === 'object')
    assert.deepEqual([h10304.facility, h10304.number, h10304.value.length], [1_234, '56789', 10])
    const h10302 = cardOf('1000010010011001011000000010110100101', OPTIONS)
    assert.ok(typeof h10302 === 'object')
    assert.deepEqual([h10302.facility, h10302.number], [undefined, '1234567890'])
  })

  for (const [what, bits] of [
    ['whose first parity is wrong', '00111101100010001110101110'],
    ['with a wrong data bit', '10111001100010001110101110'],
  ] as const) {
    it(`${what} are no card`, () => assert.equal(cardOf(bits, OPTIONS), 'parity'))
  }

  it('of another count are unknown, or raw where that is wanted', () => {
    assert.equal(cardOf('1'.repeat(25), OPTIONS), 'unknown')
    assert.equal(cardOf('1'.repeat(27), OPTIONS), 'unknown')
    assert.deepEqual(cardOf('1'.repeat(27), { ...OPTIONS, unknown: 'raw' }), { format: 'RAW27', value: '07FFFFFF' })
    assert.equal(cardOf('1'.repeat(16), { ...OPTIONS, unknown: 'raw' }), 'unknown')
  })

  it('with one bit wrong are never another card, in any checked format', () => {
    const number = fc.integer({ min: 0, max: 65_535 })
    const card = fc.oneof(
      fc.tuple(fc.integer({ min: 0, max: 255 }), number).map(([facility, card]) => cardBits(26, facility, card)),
      fc.tuple(number, number).map(([facility, card]) => cardBits(34, facility, card)),
      fc.integer({ min: 0, max: 2 ** 35 - 1 }).map((card) => cardBits37(undefined, card)),
    )
    fc.assert(
      fc.property(card, fc.nat(), (bits, place) => {
        const at = place % bits.length
        const wrong = bits.slice(0, at) + (bits[at] === '0' ? '1' : '0') + bits.slice(at + 1)
        assert.equal(typeof cardOf(bits, OPTIONS), 'object')
        assert.equal(cardOf(wrong, OPTIONS), 'parity')
      }),
    )
  })

  it('of Corporate 1000 are checked by three rules', () => {
    // Company 1, card 1: bit 2 even, bit 35 odd, bit 1 odd.
    const data = '000000000001' + '00000000000000000001'
    const all = Array.from({ length: 8 }, (_, code) => code.toString(2).padStart(3, '0'))
    const good = all
      .map((p) => `${p.slice(0, 2)}${data}${p.slice(2)}`)
      .filter((bits) => typeof cardOf(bits, OPTIONS) === 'object')
    assert.equal(good.length, 1, 'one of the eight parities is right')
    const card = cardOf(good[0] ?? '', OPTIONS)
    assert.ok(typeof card === 'object')
    assert.deepEqual([card.format, card.facility, card.number, card.value], ['C1K35', 1, '1', '00100001'])
  })
})

describe('a number of a converter', () => {
  it('is the same card as its bits', () => {
    assert.equal(cardOfNumber('7B11D7', 'hex', 24)?.value, '7B11D7')
    assert.equal(cardOfNumber('0008065495', 'decimal', 24)?.value, '7B11D7')
    assert.equal(cardOfNumber('1ea68671', 'hex', 32)?.value, '1EA68671')
    assert.equal(reversedBytes('7186A61E'), '1EA68671')
  })
  it('of another length or too large is none', () => {
    for (const [text, base, bits] of [
      ['B11D7', 'hex', 24],
      ['17B11D7', 'hex', 24],
      ['16777216', 'decimal', 24],
      ['12x', 'decimal', 24],
      ['', 'hex', 24],
    ] as const)
      // prettier-ignore
      assert.equal(cardOfNumber(text, base, bits), undefined, text)
  })
})

it('keys of a Wiegand keypad, and what is none', () => {
  for (const key of '0123456789*#') {
    assert.equal(keyOf(keyBits(key, 4), '4bit'), key)
    assert.equal(keyOf(keyBits(key, 8), '8bit'), key)
  }
  assert.equal(keyOf('11110001', '8bit'), undefined, 'the complement is wrong')
  assert.equal(keyOf('1100', '4bit'), undefined)
  assert.equal(keyOf('0001', 'none'), undefined)
})

describe('edges of two lines', () => {
  it('are one burst until a gap of their own time, whenever they arrive; glitches are left out', () => {
    const burst = new Burst(30)
    const at = (bit: '0' | '1', ms: number) => burst.push({ bit, ns: BigInt(Math.round(ms * 1e6)) })
    assert.deepEqual(at('1', 0), { glitch: false })
    assert.deepEqual(at('0', 1), { glitch: false })
    assert.deepEqual(at('0', 1.01), { glitch: true })
    assert.deepEqual(at('1', 30.9), { glitch: false })
    assert.deepEqual(at('0', 60.9), { ended: '101', glitch: false })
    assert.equal(burst.end(), '0')
  })
  it('are read from the lines of the transport, and from nothing else', () => {
    assert.deepEqual(edgeOf('1 5000'), { bit: '1', ns: 5_000n })
    for (const line of ['2 5', '1', '1 x', '1  5', '']) assert.equal(edgeOf(line), undefined)
  })
  it('never hold more than a burst', () => {
    const burst = new Burst(30)
    for (let edge = 0; edge < 10_000; edge++) burst.push({ bit: '1', ns: BigInt(edge) * 1_000_000n })
    assert.ok(burst.bits <= 128)
  })
})

it('lines of a converter are bounded, whatever comes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3_000 }), (bytes) => {
      const decoder = new LineDecoder()
      decoder.push(bytes)
      assert.ok(decoder.held <= 160)
    }),
  )
})

describe('a Wiegand reader', () => {
  const clock = new FakeClock()
  let stop: AbortController
  let session: RecordingSession<Config, 'bytes'>
  let twin: WiegandReader
  let running: Promise<void>
  const start = (
    output: WiegandOutput,
    over: Partial<Config> = {},
    scheme: Scheme = 'serial',
    periodUs = 1_000,
  ): void => {
    stop = new AbortController()
    const { line, transport } = memoryLine(clock, stop.signal)
    twin = new WiegandReader({ line, output, periodUs })
    session = new RecordingSession({
      config: { ...optionDefaults(fields), ...over },
      transport,
      clock,
      signal: stop.signal,
      scheme,
    })
    running = driver.run(session)
  }
  afterEach(async () => {
    stop.abort()
    await running
  })
  const card = cardBits(26, 123, 4_567)

  for (const [output, scheme, over] of [
    ['hex', 'serial', {}],
    ['decimal', 'tcp', { lines: 'decimal' }],
    ['bits', 'serial', { lines: 'bits' }],
    ['edges', 'gpio', {}],
  ] as const) {
    it(`gives one and the same card by ${output}`, async () => {
      start(output, over, scheme)
      twin.send(card)
      await clock.advance(100)
      assert.deepEqual(session.values, ['7B11D7'])
    })
  }

  it('keeps the bits, facility and number beside the credential', async () => {
    start('edges', {}, 'gpio')
    twin.send(card)
    await clock.advance(100)
    assert.deepEqual(session.sightings[0]?.raw, { format: 'W26', facility: 123, card: '4567', bits: card })
  })

  it('at any speed that the standard allows gives every card of a rush, stamped by its last bit', async () => {
    for (const periodUs of [200, 20_000]) {
      start('edges', {}, 'gpio', periodUs)
      for (let person = 0; person < 5; person++) {
        twin.send(cardBits(26, 1, person))
        await clock.advance(700)
      }
      assert.deepEqual(session.values, ['010000', '010001', '010002', '010003', '010004'])
      stop.abort()
      await running
    }
  })

  it('loses no bit while the disk stalls', async () => {
    start('edges', {}, 'gpio')
    const stored: (() => void)[] = []
    session.answer = () => new Promise((resolve) => stored.push(() => resolve('accepted')))
    for (let person = 0; person < 20; person++) twin.send(cardBits(26, 1, person))
    for (let person = 0; person < 20; person++) {
      await clock.advance(100)
      stored.shift()?.()
    }
    await clock.advance(100)
    assert.equal(session.values.length, 20)
  })

  it('whose bit was lost or added is no card, and counts', async () => {
    start('edges', {}, 'gpio')
    twin.send(card, { lost: 3 })
    twin.send(card, { added: 7 })
    await clock.advance(100)
    assert.deepEqual([session.values, session.counters.badFrames], [[], 2])
  })

  it('with swapped lines says nothing wrong, and is right with the option', async () => {
    const inverted = card.replace(/[01]/g, (bit) => (bit === '0' ? '1' : '0'))
    start('edges', { swapped: true }, 'gpio')
    twin.send(inverted)
    await clock.advance(100)
    assert.deepEqual(session.values, ['7B11D7'])
  })

  for (const bits of [4, 8] as const) {
    it(`with keys of ${bits} bits takes a PIN up to #; * clears, and half a PIN is forgotten`, async () => {
      start('edges', { keypad: `${bits}bit` }, 'gpio')
      const type = async (keys: string): Promise<void> => {
        for (const key of keys) {
          twin.key(key, bits)
          await clock.advance(600)
        }
      }
      await type('12*34#')
      await type('99')
      await clock.advance(10_000)
      await type('5#')
      assert.deepEqual(session.sightings.map(({ credential, method }) => [credential.type, credential.value, method]), [['pin', '34', 'pin'], ['pin', '5', 'pin']]) // prettier-ignore
      assert.doesNotMatch(JSON.stringify(session.log.lines), /34/)
    })
  }
})
