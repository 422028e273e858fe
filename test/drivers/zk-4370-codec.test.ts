/** Packets, keys, times and tables of the ZK4370 sheet. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  frameBytes,
  packetBytes,
  packetOf,
  scrambledKey,
  StreamDecoder,
  timeOf,
  u32,
  words,
} from '../../drivers/zk-4370/codec.js'
import { methodOf } from '../../drivers/zk-4370/methods.js'
import { countsOf, isRowSize, liveOf, rowOf, usersOf } from '../../drivers/zk-4370/records.js'
import { HostStream, keyFor, localParts, packedTime, wirePacket } from '../../simulators/zk-4370-wire.js'
import { bytesOf, readVectors } from '../conformance/files.js'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe('packets of port 4370', () => {
  it('are written as the sheet has them, as datagram and over TCP', () => {
    const frames = readVectors('drivers/zk-4370').filter(({ source }) => source.includes('recomputed'))
    assert.ok(frames.length > 20)
    for (const { hex: written, name } of frames) {
      const whole = bytesOf(written)
      const packet = packetOf(whole.subarray(8))
      assert.ok(packet, name)
      assert.equal(hexOf(packetBytes(packet)), hexOf(whole.subarray(8)), name)
      assert.equal(hexOf(frameBytes(packet)), hexOf(whole), name)
      const { command, session, reply, data } = packet
      assert.equal(hexOf(wirePacket('tcp', command, session, reply, data)), hexOf(whole), `the twin: ${name}`)
    }
  })

  it('are the same to driver and twin, whatever is in them, and a wrong bit is none', () => {
    const word = fc.integer({ min: 0, max: 0xffff })
    fc.assert(
      fc.property(
        word,
        word,
        word,
        fc.uint8Array({ maxLength: 90 }),
        fc.nat(),
        (command, session, reply, data, bit) => {
          const bytes = packetBytes({ command, session, reply, data })
          assert.deepEqual(packetOf(bytes), { command, session, reply, data })
          const [asked] = new HostStream('udp').take(bytes)
          assert.deepEqual([asked?.command, asked?.session, asked?.id], [command, session, reply])
          assert.equal(hexOf(asked?.data ?? new Uint8Array()), hexOf(data))
          const at = bit % (bytes.length * 8)
          const wrong = bytes.map((byte, index) => (index === at >> 3 ? byte ^ (1 << (at & 7)) : byte))
          assert.equal(packetOf(wrong), undefined)
        },
      ),
    )
  })

  it('whose sum is zero are taken in both ways to write it', () => {
    const packet = { command: 0xffff, session: 0, reply: 0, data: new Uint8Array() }
    const bytes = packetBytes(packet)
    assert.equal(hexOf(bytes), 'ffff000000000000')
    bytes.set([0xff, 0xff], 2)
    assert.deepEqual(packetOf(bytes), packet)
    bytes.set([0xfe, 0xff], 2)
    assert.equal(packetOf(bytes), undefined)
  })

  it('are found in any stream, however it is cut and joined', () => {
    const piece = fc.uint8Array({ minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 50 }), (datas, step) => {
        const stream = datas.flatMap((data, reply) => [...frameBytes({ command: 1501, session: 7, reply, data })])
        const decoder = new StreamDecoder()
        const found: string[] = []
        for (let at = 0; at < stream.length; at += step) {
          const { packets, bad, discarded } = decoder.push(Uint8Array.from(stream.slice(at, at + step)))
          assert.equal(bad + discarded, 0)
          found.push(...packets.map(({ data }) => hexOf(data)))
        }
        assert.deepEqual(found, datas.map(hexOf))
        assert.equal(decoder.held, 0)
      }),
    )
  })

  it('behind half a frame are found when that is given up', () => {
    const good = frameBytes({ command: 2000, session: 1, reply: 2, data: new Uint8Array() })
    const decoder = new StreamDecoder()
    assert.equal(decoder.push(Uint8Array.from([...hex('5050827d00100000'), ...good])).packets.length, 0)
    const { packets, discarded } = decoder.giveUp()
    assert.deepEqual([packets.length, discarded, decoder.held], [1, 8, 0])
  })
})

describe('the comm key', () => {
  const KEYS: readonly [key: number, session: number, hex: string][] = [
    [0, 0, '617d3279'],
    [0, 0x1f2e, '617d3266'],
    [1, 0x1f2e, '61fd3266'],
    [1234, 0x1f2e, '41363266'],
    [1234, 0x1f99, '41363266'],
    [1234, 0x2e2e, '41363257'],
    [5678, 0x1f2e, '09093266'],
    [123456, 0xabcd, '297f3252'],
    [999999, 0xffff, '22813296'],
    [12345, 1, '6de13279'],
  ]
  for (const [key, session, scrambled] of KEYS) {
    it(`${key} in session ${session.toString(16)}`, () => {
      assert.equal(hexOf(scrambledKey(key, session)), scrambled)
      assert.equal(hexOf(keyFor(key, session)), scrambled)
    })
  }
})

describe('packed times', () => {
  const TIMES: readonly [text: string, bytes: string][] = [
    ['2000-01-01 00:00:00', '00000000'],
    ['2018-06-25 17:41:05', '31b16823'],
    ['2018-06-25 17:50:35', '6bb36823'],
    ['2024-02-29 12:34:56', '70c9482e'],
    ['2025-12-31 23:59:59', 'ff2bcf31'],
    ['2026-01-01 00:00:00', '002ccf31'],
    ['2099-12-31 23:59:59', 'fff792bf'],
  ]
  for (const [text, bytes] of TIMES) {
    it(text, () => {
      assert.equal(timeOf(u32(hex(bytes), 0)), text)
      const packed = packedTime(localParts(Date.parse(`${text.replace(' ', 'T')}Z`)))
      assert.equal(hexOf(words(packed)), bytes)
    })
  }

  it('that no calendar has are none', () => {
    const packed = (...parts: [number, number, number]): number => packedTime([...parts, 8, 0, 0])
    assert.equal(timeOf(packed(26, 2, 29)), undefined)
    assert.equal(timeOf(packed(26, 4, 31)), undefined)
    assert.equal(timeOf(packed(24, 2, 29)), '2024-02-29 08:00:00')
    assert.equal(timeOf(0xffffffff), undefined)
    assert.deepEqual(liveOf(hex(`${'31'.padEnd(48, '0')}0100 1a0d05083b3a`)), [])
  })
})

describe('tables', () => {
  it('of 40 byte rows', () => {
    const row = hex(`0d00 393939313131333333 ${'00'.repeat(15)} 01 bb9b6823 00 00000000ff000000`)
    assert.equal(row.length, 40)
    assert.deepEqual(rowOf(row, 'verify-state'), {
      user: '999111333',
      uid: undefined,
      verify: 1,
      state: 0,
      time: '2018-06-25 16:09:31',
    })
  })

  it('of 16 byte rows, in either order', () => {
    const row = hex('e9030000 31b16823 0f01 0000 00000000')
    const { user, verify, state, time } = rowOf(row, 'verify-state')
    assert.deepEqual([user, verify, state, time], ['1001', 15, 1, '2018-06-25 17:41:05'])
    const other = rowOf(row, 'state-verify')
    assert.deepEqual([other.verify, other.state], [1, 15])
  })

  it('of 8 byte rows, which have a slot', () => {
    assert.deepEqual(rowOf(hex('0d00 01 31b16823 04'), 'verify-state'), {
      user: undefined,
      uid: 13,
      verify: 1,
      state: 4,
      time: '2018-06-25 17:41:05',
    })
    assert.deepEqual([8, 16, 40, 49, 12, 39, 40.4, Infinity, NaN].filter(isRowSize), [8, 16, 40, 49])
  })

  it('of users, in both sizes; of neither size it is none', () => {
    const long = hex(`0d0000${'00'.repeat(45)}${Buffer.from('999111333').toString('hex').padEnd(48, '0')}`)
    assert.equal(long.length, 72)
    assert.deepEqual(usersOf(long, 1), new Map([[13, '999111333']]))
    const short = hex(`0700${'00'.repeat(22)}e9030000`)
    assert.equal(short.length, 28)
    assert.deepEqual(usersOf(short, 1), new Map([[7, '1001']]))
    assert.equal(usersOf(short, 2), undefined)
  })

  it('of counts', () => {
    const sizes = new Uint8Array(80)
    sizes.set([3], 16)
    sizes.set([0x10, 0x27], 32)
    assert.deepEqual(countsOf(sizes), { users: 3, records: 10_000 })
    assert.equal(countsOf(sizes.subarray(0, 20)), undefined)
  })
})

describe('live events', () => {
  const user24 = '31303031'.padEnd(48, '0')
  const TIME = '1a0105083b3a'
  const KNOWN: readonly [length: number, hex: string, user: string | undefined][] = [
    [10, `0d00 0f00 ${TIME}`, undefined],
    [12, `e9030000 0f00 ${TIME}`, '1001'],
    [14, `0d00 0f00 ${TIME} 00000000`, undefined],
    [32, `${user24} 0f00 ${TIME}`, '1001'],
    [36, `${user24} 0f00 ${TIME} 00000000`, '1001'],
    [37, `${user24} 0f00 ${TIME} 0000000000`, '1001'],
    [52, `${user24} 0f00 ${TIME} ${'00'.repeat(20)}`, '1001'],
  ]
  for (const [length, written, user] of KNOWN) {
    it(`of ${length} bytes`, () => {
      const bytes = hex(written)
      assert.equal(bytes.length, length)
      assert.deepEqual(liveOf(bytes), [{ user, time: '2026-01-05 08:59:58' }])
    })
  }

  it('come several in one packet', () => {
    const both = hex(`${user24} 0f00 ${TIME} ${'32'.padEnd(48, '0')} 0100 ${TIME}`)
    assert.deepEqual(
      liveOf(both).map(({ user }) => user),
      ['1001', '2'],
    )
  })

  it('of lengths that nobody described are none', () => {
    for (const length of [0, 1, 20, 40, 44, 51, 200, 1_000]) assert.deepEqual(liveOf(new Uint8Array(length)), [])
  })
})

describe('verify codes', () => {
  it('name a method, by the table of the firmware', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 15, 25].map((code) => methodOf(code, 'new')),
      ['fingerprint', 'fingerprint', 'pin', 'pin', 'card', 'face', 'fingerprint'],
    )
    assert.deepEqual(
      [0, 1, 2, 4, 15].map((code) => methodOf(code, 'old')),
      ['pin', 'fingerprint', 'card', 'card', 'face'],
    )
  })
})
