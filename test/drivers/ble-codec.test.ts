/** What an advertisement says, and whose an address is. Vectors of the fact sheet; conformance asks about vectors.json. */
import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import { Phones } from '../../drivers/ble/address.js'
import { badgeServices, beaconsOf } from '../../drivers/ble/codec.js'
import { altBeacon, badge, eddystoneUid, iBeacon, phone, resolvableAddress } from '../../simulators/hci-air.js'
import { extendedReports, legacyReports } from '../../simulators/hci-wire.js'
import { readable } from '../../src/transport/host/ble-events.js'
import { partsOf } from '../support/adverts.js'

const NONE = new Set<string>()
const IBEACON = 'E2C56DB5DFFB48D2B060D0F5A71096E000010002'
const UID = '0102030405060708090A010203040506'
const CORE_IRK = 'ec0234a357c8ad05341010a60a397d9b'
const MINUTE = 60_000

const read = (data: Uint8Array, badges = ''): unknown => beaconsOf(partsOf(data), badgeServices(badges).services)
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('ble: advertisements', () => {
  it('of the twin are those of the sheet', () => {
    assert.equal(Buffer.from(iBeacon(IBEACON)).toString('hex'), '0201061aff4c000215e2c56db5dffb48d2b060d0f5a71096e000010002c5') // prettier-ignore
    assert.equal(Buffer.from(eddystoneUid(UID)).toString('hex'), '0201060303aafe1716aafe00ee0102030405060708090a0102030405060000') // prettier-ignore
    assert.equal(Buffer.from(altBeacon('2f234454cf6d4a0fadf2f4911ba9ffa600010002')).toString('hex'), '1bff1801beac2f234454cf6d4a0fadf2f4911ba9ffa600010002c500') // prettier-ignore
  })

  it('are read alike in every form of the twin', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (id) => {
        const text = Buffer.from(id).toString('hex')
        const upper = text.toUpperCase()
        assert.deepEqual(read(iBeacon(text)), { beacons: [upper], bad: 0 })
        assert.deepEqual(read(altBeacon(text)), { beacons: [upper], bad: 0 })
        for (const old of [false, true])
          assert.deepEqual(read(eddystoneUid(text.slice(0, 32), { old })), { beacons: [upper.slice(0, 32)], bad: 0 })
        assert.deepEqual(read(badge('fce7', text.slice(0, 16)), 'fce7'), { beacons: [upper.slice(0, 16)], bad: 0 })
      }),
    )
  })

  it('of any bytes are read without a throw, and a badge is nobody where none is configured', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 254 }), (data) => {
        const { beacons } = beaconsOf(partsOf(data), new Set(['fce7']))
        for (const beacon of beacons) assert.match(beacon, /^(?:[0-9A-F]{2}){1,124}$/)
      }),
    )
    assert.deepEqual(read(badge('fce7', 'c0de')), { beacons: [], bad: 0 })
    assert.deepEqual(read(phone()), { beacons: [], bad: 0 })
  })

  it('with more than one number give each, and each once', () => {
    const both = Buffer.concat([altBeacon(IBEACON), badge('fce7', 'c0de'), badge('fce7', 'c0de')])
    assert.deepEqual(read(both, 'fce7'), { beacons: [IBEACON, 'C0DE'], bad: 0 })
  })

  it('are cut one byte: bad, nobody', () => {
    for (const data of [iBeacon(IBEACON), eddystoneUid(UID), altBeacon(IBEACON)]) {
      const cut = Buffer.from(data.subarray(0, -1))
      // The length of the last structure follows, or it would be beyond the end and nobody would look at it.
      const at = data.length === 30 ? 3 : data.length === 31 ? 7 : 0
      cut[at] = (cut[at] ?? 0) - 1
      assert.deepEqual(read(cut), { beacons: [], bad: 1 })
    }
  })

  it('find services in all their lengths', () => {
    const long = badgeServices('FCE7, 0000FCE7-0000-1000-8000-00805F9B34FB 6e400001-b5a3-f393-e0a9-e50e24dcca9e')
    assert.deepEqual([...long.services], ['fce7', '6e400001b5a3f393e0a9e50e24dcca9e'])
    assert.equal(long.wrong, undefined)
    for (const wrong of ['fce', 'xyz1', '0x12', 'fce7fce7f']) assert.equal(badgeServices(`fce7 ${wrong}`).wrong, wrong)
    assert.deepEqual(badgeServices('').services, NONE)
    assert.deepEqual(read(badge('0000fce700001000800000805f9b34fb', 'c0de'), 'fce7'), { beacons: ['C0DE'], bad: 0 })
  })
})

describe('ble: resolvable addresses', () => {
  it('of the sheet belong to their keys, and to no other', () => {
    const phones = new Phones([
      { name: 'other', irk: '00112233445566778899AABBCCDDEEFF' },
      { name: 'core', irk: CORE_IRK },
    ])
    assert.equal(phones.nameOf('7081940DFBAA', 0), 'core')
    assert.equal(phones.nameOf('4A5B6C9DCCCD', 0), 'other')
    assert.equal(phones.nameOf('7081940DFBAB', 0), undefined)
  })

  it('are not found with the key reversed', () => {
    const reversed = new Phones([{ name: 'core', irk: '9b7d390aa610103405adc857a33402ec' }])
    assert.equal(reversed.nameOf('7081940DFBAA', 0), undefined)
    // What the sheet says the reversed key makes of the same random part.
    assert.equal(reversed.nameOf('708194A0CD8F', 0), 'core')
  })

  it('are only those of the kind: static and non-resolvable ones cost nothing', () => {
    const phones = new Phones([{ name: 'core', irk: CORE_IRK }])
    for (const address of ['C01122334455', '0281940DFBAA', 'F081940DFBAA', '3081940DFBAA']) phones.nameOf(address, 0)
    assert.equal(phones.kept, 0)
  })

  it('are kept for 20 minutes, both answers, and never more than 4,096 of them', () => {
    const phones = new Phones([{ name: 'core', irk: CORE_IRK }])
    for (let random = 0; random < 10_000; random++) phones.nameOf(resolvableAddress(CORE_IRK, random), 0)
    assert.equal(phones.kept, 4_096)
    phones.nameOf('41000000000A', 21 * MINUTE)
    assert.equal(phones.kept, 1, 'the old ones have gone')
    phones.nameOf('41000000000A', 30 * MINUTE)
    assert.equal(phones.kept, 1)
  })

  it('of the twin are found whatever the key and the random part', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(0xffffff), (key, random) => {
        const irk = Buffer.from(key).toString('hex')
        const address = resolvableAddress(irk, random)
        assert.equal(new Phones([{ name: 'mine', irk }]).nameOf(address, 0), 'mine')
      }),
      { numRuns: 200 },
    )
    assert.equal(resolvableAddress(CORE_IRK, 0x708194), '7081940DFBAA')
  })
})

/** Vectors of the sheet, each decoded by btmon. [BLE §3] */
const LEGACY = [
  '043e2a020103015544332211c01e0201061aff4c000215e2c56db5dffb48d2b060d0f5a71096e000010002c5c5',
  '043e2b020103015544332211c01f0201060303aafe1716aafe00ee0102030405060708090a0102030405060000b5',
  '043e2102010301aafb0d948170150201060303aafe0d16aafe30ee3439c83a6564bfdfb5',
  '043e28020103015544332211c01c1bff1801beac2f234454cf6d4a0fadf2f4911ba9ffa600010002c500b5',
]
const TWO = '043e1c020200000605040302c103020106c80401aafb0d948170030309aab0'
const EXTENDED = '043e390d011000015544332211c00100ff7fc50000000000000000001f0201060303aafe1716aafe00ee0102030405060708090a0102030405060000' // prettier-ignore
const EXTENDED_TWO = '043e660d021000015544332211c00100ff7fc50000000000000000001f0201060303aafe1716aafe00ee0102030405060708090a0102030405060000000001aafb0d94817001010304ba000000000000000000150201060303aafe0d16aafe30ee3439c83a6564bfdf' // prettier-ignore

describe('ble: events before noble reads them', () => {
  it('of the sheet go on as they are, with one report each', () => {
    for (const event of [...LEGACY, EXTENDED]) assert.deepEqual(readable(hex(event)), [hex(event)])
    assert.deepEqual(readable(hex(TWO))?.map((event) => event.toString('hex')), [
      '043e0f020100000605040302c103020106c8',
      '043e0f02010401aafb0d948170030309aab0',
    ]) // prettier-ignore
    const [first, second] = readable(hex(EXTENDED_TWO)) ?? []
    assert.deepEqual([first, second?.length], [hex(EXTENDED), 3 + 2 + 24 + 21])
    assert.deepEqual(readable(hex('040e0401010c00')), [hex('040e0401010c00')], 'others are left alone')
    assert.deepEqual(readable(hex('010c20020100')), [hex('010c20020100')])
  })

  it('are those that the twin makes', () => {
    const data = iBeacon(IBEACON)
    const report = { address: 'C01122334455', rssiDbm: -59, data }
    assert.equal(legacyReports([report]).toString('hex'), LEGACY[0])
    const uid = { address: 'C01122334455', rssiDbm: -59, data: eddystoneUid(UID) }
    assert.equal(extendedReports([uid]).toString('hex'), EXTENDED)
  })

  it('are nothing when they are cut anywhere, or say another length', () => {
    for (const event of [...LEGACY, TWO, EXTENDED, EXTENDED_TWO].map(hex)) {
      for (let length = 0; length < event.length; length++) {
        const cut = Buffer.from(event.subarray(0, length))
        assert.equal(readable(cut), undefined, `cut at ${length}`)
        // The outer length may be right, and what is inside be cut all the same.
        if (length >= 3) cut[2] = length - 3
        assert.equal(readable(cut), undefined, `cut at ${length}, length right`)
      }
    }
    assert.equal(readable(hex('043e020200')), undefined, 'no report at all')
  })

  it('of any bytes do not throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => void readable(Buffer.from(bytes))))
    fc.assert(
      fc.property(fc.constantFrom(0x02, 0x0d), fc.uint8Array({ maxLength: 80 }), (subevent, bytes) => {
        readable(Buffer.concat([Buffer.of(0x04, 0x3e, bytes.length + 1, subevent), bytes]))
      }),
    )
  })
})
