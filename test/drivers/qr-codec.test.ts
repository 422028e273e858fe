import assert from 'node:assert/strict'
import fc from 'fast-check'
import { MAX_CODE_BYTES, readZone, saveZones, ScanDecoder, writeZone, type Suffix } from '../../drivers/qr/codec.js'
import { memoryLine } from '../../simulators/line.js'
import { QrScanner } from '../../simulators/qr.js'
import { bytesOf } from '../conformance/files.js'
import { FakeClock } from '../support/fake-clock.js'

const RUNS = { numRuns: 500 }
const SUFFIXES: readonly Suffix[] = ['cr', 'lf', 'crlf', 'tab', 'none']
const suffixes = fc.constantFrom(...SUFFIXES)
/** Bytes that look like replies and ends, which random bytes hardly ever do. */
const wireLike = fc
  .array(fc.oneof(fc.constantFrom(0x02, 0x00, 0x01, 0x0d, 0x0a, 0x33, 0x31), fc.nat(255)), { maxLength: 200 })
  .map((bytes) => Uint8Array.from(bytes))

/** Commands of the sheet with their CRC. [QR §2.5] */
const COMMANDS: readonly (readonly [string, Uint8Array])[] = [
  ['7E 00 08 01 00 02 01 02 DA', writeZone(0x02, 1)],
  ['7E 00 08 01 00 02 00 12 FB', writeZone(0x02, 0)],
  ['7E 00 07 01 00 00 01 01 41', readZone(0x00)],
  ['7E 00 07 01 00 0A 01 EE 8A', readZone(0x0a)],
  ['7E 00 07 01 00 E0 01 11 F3', readZone(0xe0)],
  ['7E 00 07 01 00 E2 01 77 91', readZone(0xe2)],
  ['7E 00 08 01 00 0A 3E 4C CF', writeZone(0x0a, 0x3e)],
  ['7E 00 08 01 00 00 D1 AF C5', writeZone(0x00, 0xd1)],
  ['7E 00 08 01 00 00 D6 DF 22', writeZone(0x00, 0xd6)],
  ['7E 00 08 01 00 00 D7 CF 03', writeZone(0x00, 0xd7)],
  ['7E 00 08 01 00 60 01 6F 92', writeZone(0x60, 0x01)],
  ['7E 00 08 01 00 60 21 4B F0', writeZone(0x60, 0x21)],
  ['7E 00 08 01 00 60 60 13 15', writeZone(0x60, 0x60)],
  ['7E 00 08 01 00 03 02 01 88', writeZone(0x03, 0x02)],
  ['7E 00 08 01 00 05 0A 2A 26', writeZone(0x05, 0x0a)],
  ['7E 00 08 01 00 06 32 C8 2E', writeZone(0x06, 0x32)],
  ['7E 00 08 01 00 13 85 E3 94', writeZone(0x13, 0x85)],
  ['7E 00 09 01 00 00 00 DE C8', saveZones()],
]

describe('qr codec', () => {
  for (const [hex, built] of COMMANDS) {
    it(`writes ${hex}, and the twin obeys it`, () => {
      assert.deepEqual(Buffer.from(built), Buffer.from(bytesOf(hex)))
      const { scanner, send } = twin()
      send(bytesOf(hex))
      assert.equal(scanner.commands, 1)
    })
  }

  it('throws nothing, holds little, and cuts change nothing, on any bytes', () => {
    fc.assert(
      fc.property(suffixes, fc.boolean(), wireLike, fc.nat(200), (suffix, replies, bytes, at) => {
        const whole = new ScanDecoder({ suffix, replies, signed: true })
        const cut = new ScanDecoder({ suffix, replies, signed: true })
        const expected = whole.push(bytes)
        const first = cut.push(bytes.slice(0, at))
        const second = cut.push(bytes.slice(at))
        assert.deepEqual([...first.codes, ...second.codes], expected.codes)
        assert.equal(first.bad + second.bad, expected.bad)
        assert.ok(whole.held <= bytes.length && whole.held === cut.held)
        whole.silence()
        assert.equal(whole.held, 0)
      }),
      RUNS,
    )
  })

  it('gives every text back as it was, whatever the suffix', () => {
    const texts = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 100 }).filter((text) => !/\p{Cc}|\uFEFF|\p{Cs}/u.test(text)) // prettier-ignore
    const ends = { cr: '\r', lf: '\n', crlf: '\r\n', tab: '\t', none: '' }
    fc.assert(
      fc.property(suffixes, texts, (suffix, text) => {
        const decoder = new ScanDecoder({ suffix })
        const { codes } = decoder.push(Buffer.from(text + ends[suffix]))
        assert.deepEqual(suffix === 'none' ? decoder.silence().codes : codes, [text])
      }),
      RUNS,
    )
  })

  it('takes 4096 bytes and not one more (E20)', () => {
    const decoder = new ScanDecoder({ suffix: 'cr' })
    const longest = 'x'.repeat(MAX_CODE_BYTES)
    assert.deepEqual(decoder.push(Buffer.from(`${longest}\r`)).codes, [longest])
    const over = decoder.push(Buffer.from(`${longest}x\r`))
    assert.deepEqual([over.codes, over.bad, over.discarded], [[], 1, 2_048])
    assert.deepEqual(decoder.push(Buffer.from('next\r')).codes, ['next'])
  })

  it('takes no reply whose CRC is wrong in any bit', () => {
    const reply = bytesOf('02 00 00 01 3E E4 AC')
    for (let bit = 0; bit < reply.length * 8; bit++) {
      const wrong = Uint8Array.from(reply)
      wrong[bit >> 3]! ^= 1 << (bit & 7)
      assert.deepEqual(new ScanDecoder({ suffix: 'cr', replies: true }).push(wrong).replies, [], `bit ${bit}`)
    }
  })
})

describe('qr twin', () => {
  it('is silent on a wrong CRC, as a GM65, or answers, as a Newland', () => {
    const wrong = bytesOf('7E 00 07 01 00 0A 01 EE 8B')
    const gm65 = twin()
    gm65.send(wrong)
    assert.deepEqual(gm65.sent(), [])
    const newland = twin({ newland: true })
    newland.send(wrong)
    newland.send(bytesOf('7E 00 05 01 00 0A 01 AB CD'))
    assert.deepEqual(newland.sent(), ['02000101000401', '02000301006a61'])
  })

  it('takes AB CD for a CRC, and answers as the sheet says', () => {
    const { send, sent } = twin({ zones: { 0x0a: 0x3e } })
    send(bytesOf('7E 00 08 01 00 02 00 AB CD'))
    send(bytesOf('7E 00 07 01 00 0A 01 EE 8A'))
    assert.deepEqual(sent(), ['02000001003331', '020000013ee4ac'])
  })

  it('forgets half a command after 400 ms', async () => {
    const { send, scanner, clock } = twin()
    send(bytesOf('7E 00 07 01 00'))
    await clock.advance(401)
    send(bytesOf('0A 01 EE 8A'))
    assert.equal(scanner.commands, 0)
    send(bytesOf('7E 00 07 01 00'))
    await clock.advance(300)
    send(bytesOf('0A 01 EE 8A'))
    assert.equal(scanner.commands, 1)
  })

  it('loses what was not saved when it is switched off', () => {
    const { send, scanner } = twin()
    send(writeZone(0x05, 7))
    send(saveZones())
    send(writeZone(0x06, 7))
    scanner.restart()
    assert.deepEqual([scanner.zone(5), scanner.zone(6)], [7, 0x32])
  })
})

function twin(options: Partial<ConstructorParameters<typeof QrScanner>[0]> = {}) {
  const clock = new FakeClock()
  const { line } = memoryLine(clock, new AbortController().signal)
  const out: string[] = []
  const spied = {
    ...line,
    send: (bytes: Uint8Array) => {
      out.push(Buffer.from(bytes).toString('hex'))
      return 'whole' as const
    },
  }
  const scanner = new QrScanner({ clock, line: spied, ...options })
  return { clock, scanner, send: (bytes: Uint8Array) => spied.onReceive?.(bytes), sent: () => out.splice(0) }
}
