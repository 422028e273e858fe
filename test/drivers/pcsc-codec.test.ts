/** The codec of PC/SC card readers and their twin, against the vectors and each other. */
import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import {
  cardKind,
  getUid,
  isAtrIntact,
  isObeyed,
  ledCommand,
  parseLedCommand,
  parseUid,
} from '../../drivers/pcsc/codec.js'
import { PATTERNS } from '../../drivers/pcsc/feedback.js'
import { Acr122Front } from '../../simulators/pcsc/acr122.js'
import { VirtualCard, type CardModel } from '../../simulators/pcsc/card.js'
import { bytesOf, readVectors } from '../conformance/files.js'

describe('pcsc codec', () => {
  it('never throws, whatever a reader answers', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        parseUid(bytes)
        cardKind(bytes)
        isAtrIntact(bytes)
        isObeyed(bytes)
        parseLedCommand(bytes)
      }),
    )
  })

  it('gives every UID back in reader order, upper-case, and nothing that is none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (uid) => {
        const answer = parseUid(Uint8Array.of(...uid, 0x90, 0x00))
        const blank = uid.every((byte) => byte === 0) || uid.every((byte) => byte === 0xff)
        assert.equal(answer.kind, [4, 7, 8, 10].includes(uid.length) && !blank ? 'uid' : 'bad')
        if (answer.kind !== 'uid') return
        assert.equal(answer.value, Buffer.from(uid).toString('hex').toUpperCase())
        assert.equal(answer.random, uid.length === 4 && uid[0] === 8)
      }),
    )
  })

  it('finds every single wrong byte of an ATR', () => {
    const atrs = readVectors('drivers/pcsc').filter(({ meaning }) => JSON.stringify(meaning).includes('"intact":true'))
    assert.ok(atrs.length > 5)
    for (const { hex } of atrs) {
      const atr = bytesOf(hex)
      for (let at = 1; at < atr.length; at++) {
        assert.ok(!isAtrIntact(atr.map((byte, index) => (index === at ? byte ^ 0x10 : byte))), `${hex} at ${at}`)
      }
    }
  })

  it('asks with a length when the reader wants one', () => {
    assert.deepEqual([...getUid(7)], [0xff, 0xca, 0, 0, 7])
  })

  it('makes four patterns that eyes alone and ears alone can tell apart, none longer than 700 ms', () => {
    const patterns = Object.values(PATTERNS)
    const seen = patterns.map(({ colour, on, times }) => `${colour} ${on} ${times}`)
    const heard = patterns.map(({ on, times }) => `${on} ${times}`)
    assert.deepEqual([new Set(seen).size, new Set(heard).size], [4, 4])
    for (const { on, off, times } of patterns) assert.ok((on + off) * times < 7)
    for (const pattern of patterns) assert.deepEqual(parseLedCommand(ledCommand(pattern)), pattern)
  })
})

describe('ACR122 twin', () => {
  it('answers the examples of the manual as the manual does', () => {
    const front = new Acr122Front()
    const say = (hex: string): string => Buffer.from(front.answer(bytesOf(hex)) ?? []).toString('hex')
    assert.equal(say('FF 00 40 50 04 14 00 01 01'), '9002')
    assert.equal(say('FF 00 40 0F 04 00 00 00 00'), '9003')
    assert.equal(say('FF 00 40 04 04 00 00 00 00'), '9002')
    assert.equal(say('FF 00 40 0C 04 00 00 00 00'), '9000')
    assert.equal(say('FF 00 40 0C 03 00 00 00'), '6300')
    assert.equal(Buffer.from(say('FF 00 48 00 00'), 'hex').toString(), 'ACR122U214')
    assert.equal(front.answer(bytesOf('FF CA 00 00 00')), undefined)
  })

  it('makes the ATRs of the vectors', () => {
    const vectors = new Set(readVectors('drivers/pcsc').map(({ hex }) => hex.replaceAll(' ', '')))
    const models: CardModel[] = ['classic-1k', 'classic-4k', 'ultralight', 'felica', 'icode', 'desfire', 'phone']
    for (const model of models) {
      const { atr } = new VirtualCard({ uid: '04A1B2C3D4E5F6', model })
      assert.ok(vectors.has(Buffer.from(atr).toString('hex').toUpperCase()), model)
    }
  })
})
