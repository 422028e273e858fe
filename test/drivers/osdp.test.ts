/** OSDP: the standard's vectors to the byte, several devices on a bus, and what somebody at the wires can try. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  COMMAND,
  crc,
  head,
  identityIn,
  keysIn,
  rawBits,
  ReplyDecoder,
  sealed,
  type Command,
} from '../../drivers/osdp/codec.js'
import { fields, pointFields, type Config, type PointOptions } from '../../drivers/osdp/config.js'
import { driver } from '../../drivers/osdp/index.js'
import { Handshake, INSTALL_KEY } from '../../drivers/osdp/secure.js'
import type { Point } from '../../src/driver.js'
import { memoryLine, type Line } from '../../simulators/line.js'
import { OsdpBus, type OsdpDevice, type OsdpOptions } from '../../simulators/osdp.js'
import { cardBits } from '../../simulators/wiegand.js'
import { FakeClock } from '../support/fake-clock.js'
import { optionDefaults, RecordingSession } from '../support/session.js'

const hex = (bytes: Iterable<number>): string =>
  Buffer.from([...bytes])
    .toString('hex')
    .toUpperCase()
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'))
const KEY = '101112131415161718191A1B1C1D1E1F'
const CARD = cardBits(26, 123, 4_567)

describe('OSDP packets', () => {
  const crcOf = { address: 0, check: 'crc' } as const
  const cases: readonly (readonly [string, Command, string])[] = [
    ['POLL 1', { ...crcOf, sequence: 1, id: COMMAND.poll }, '53000800056 0DA99'],
    ['POLL, checksum', { address: 0, check: 'checksum', sequence: 1, id: COMMAND.poll }, '53000700016045'],
    ['ID 1', { ...crcOf, sequence: 1, id: COMMAND.id, data: [0] }, '5300090005 6100F051'],
    ['CAP 2', { ...crcOf, sequence: 2, id: COMMAND.capabilities, data: [0] }, '530009000 66200F35D'],
    ['LSTAT 3', { ...crcOf, sequence: 3, id: COMMAND.localStatus }, '5300080007643CBF'],
    ['BUZ', { ...crcOf, sequence: 1, id: COMMAND.buzzer, data: [0, 2, 1, 1, 2] }, '53000D00056A0002010102BB76'],
  ]
  for (const [name, command, expected] of cases)
    it(name, () => assert.equal(hex(sealed(head(command), command.check)).slice(2), expected.replace(/\s/g, '')))

  it('CRC', () => assert.deepEqual([crc(Buffer.from('123456789')), crc([])], [0xe5cc, 0x1d0f]))

  it('identity, bits and keys', () => {
    assert.deepEqual(identityIn(bytes('0C0B0A990104030201 0A0B0C')), { model: 'vendor 0A0B0C model 153.1', serial: '01020304', firmware: '10.11.12' }) // prettier-ignore
    assert.equal(rawBits(bytes('00011A00BD88EB80')), CARD)
    assert.equal(rawBits(bytes('00011A00BD88EB')), undefined)
    assert.equal(keysIn(bytes('0005313233340D')), '1234#')
    assert.equal(keysIn(bytes('0006313233340D')), undefined)
  })

  it('never come out of bytes without a right check (E06)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000 }), (noise) => {
        const decoder = new ReplyDecoder()
        const { replies, discarded } = decoder.push(noise)
        const used = replies.reduce((sum, { signed, mac }) => sum + signed.length + (mac?.length ?? 0), 0)
        assert.ok(used + discarded + decoder.held <= noise.length && decoder.held <= 1_440)
      }),
    )
  })
})

describe('the secure session of the standard', () => {
  const handshake = new Handshake(INSTALL_KEY, bytes('B0B1B2B3B4B5B6B7'))
  const clientAnswer = bytes('0C0B0A9901040302 A0A1A2A3A4A5A6A7 FDE5D2F428EC16312471EA3C02BD7796')

  it('gives every packet of the vectors, in order', () => {
    const opening = handshake.answered(clientAnswer)
    assert.equal(hex(opening?.cryptogram ?? []), '26D3356E07762D262801FC8E6665A891')
    const session = opening?.session(bytes('B2A30057EB98BA2229EC1F875662B524'))
    assert.ok(session)
    const command = (sequence: number, id: number, data: readonly number[]): string => {
      const content = data.length > 0 ? session.encrypted(data) : []
      const signed = head(
        { address: 0, sequence, check: 'crc', block: [2, data.length > 0 ? 0x17 : 0x15], id, data: content },
        4,
      )
      return hex(sealed([...signed, ...session.sign(signed)], 'crc')).slice(2)
    }
    const reply = (text: string): string => {
      const [found] = new ReplyDecoder().push(bytes(text)).replies
      assert.ok(found?.mac && session.accepts(found.signed, found.mac), text)
      return found.security === 0x18 ? hex(session.decrypted(found.data) ?? []) : ''
    }
    assert.equal(command(2, 0x60, []), '53000E000E0215 6074DD15A53277'.replace(' ', ''))
    reply('53800E000E021640438EDA790D4E')
    assert.equal(
      command(3, 0x69, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0]),
      '53001E000F0217697E0C1712A70D18F5E7E6A93B5947D8026D6BFD8DFD22',
    )
    reply('53800E000F02164082AEF740C89D')
    assert.equal(command(1, 0x60, []), '53000E000D021560166ADE2A5BDA')
    assert.equal(reply('53801E000D0218503F7BCF5220BA8D2AEB10541EAE6DB98AC3A1CC05FD68'), '00011A00BD88EB80')
    const key = Array.from({ length: 16 }, (_, index) => 0x10 + index)
    assert.equal(
      command(2, 0x75, [1, 16, ...key]),
      '53002E000E02177557E0E6F7B3299B0A685D5A6C8D2FB426E304064E40FBFB6761EBBDB7A7000D017C1CBD1B4450',
    )
    reply('53800E000E0216403BE280B8A84F')
  })

  it('is not opened for a device that does not know the key, nor by a wrong first MAC', () => {
    const wrong = Uint8Array.from(clientAnswer)
    wrong[20] = (wrong[20] ?? 0) ^ 1
    assert.equal(handshake.answered(wrong), undefined)
    assert.equal(handshake.answered(clientAnswer)?.session(bytes('B2A30057EB98BA2229EC1F875662B525')), undefined)
  })
})

class Bus {
  readonly clock = new FakeClock()
  readonly stop = new AbortController()
  readonly session: RecordingSession<Config, 'bytes'>
  readonly devices: OsdpDevice[]
  readonly line: Line
  readonly running: Promise<void>

  constructor(
    devices: readonly OsdpOptions[],
    options: readonly Partial<PointOptions>[] = [],
    over: Partial<Config> = {},
  ) {
    const { line, transport } = memoryLine(this.clock, this.stop.signal)
    this.line = line
    const bus = new OsdpBus(line)
    this.devices = devices.map((device) => bus.add(device))
    const points = devices.map(({ address }, index): Point => ({
      id: `p${address}`,
      name: '',
      match: { address },
      options: { ...optionDefaults(pointFields.options), ...options[index] },
    }))
    const config = { ...optionDefaults(fields), ...over }
    this.session = new RecordingSession({ config, transport, clock: this.clock, signal: this.stop.signal, points })
    this.running = driver.run(this.session)
  }
  get states() {
    return this.session.pointStates.map(([point, state]) => [point, state === 'up' ? 'up' : state.code])
  }
  get types(): string[] {
    return this.session.events.map(({ type }) => type)
  }
}

describe('an OSDP bus', () => {
  let bus: Bus
  afterEach(async () => {
    bus.stop.abort()
    await bus.running
  })
  const start = async (...args: ConstructorParameters<typeof Bus>): Promise<OsdpDevice> => {
    bus = new Bus(...args)
    await bus.clock.advance(1_000)
    const [first] = bus.devices
    assert.ok(first)
    return first
  }

  it('has every device up, and tells their punches apart', async () => {
    await start([{ address: 0 }, { address: 5 }, { address: 126 }])
    assert.deepEqual(bus.states, [['p0', 'up'], ['p5', 'up'], ['p126', 'up']]) // prettier-ignore
    bus.devices.forEach((device, index) => device.card(cardBits(26, 1, index)))
    await bus.clock.advance(1_000)
    assert.deepEqual(bus.session.sightings.map(({ point, credential }) => [point, credential.value]).sort(), [['p0', '010000'], ['p126', '010002'], ['p5', '010001']]) // prettier-ignore
  })

  it('goes on when one device is dead, and has it back when it lives again', async () => {
    const dead = await start([{ address: 0 }, { address: 1 }])
    dead.isMute = true
    await bus.clock.advance(60_000)
    assert.deepEqual(bus.states.slice(2), [['p0', 'point-silent'], ...Array.from({ length: bus.states.length - 3 }, () => ['p0', 'point-silent'])]) // prettier-ignore
    const other = bus.devices[1]
    for (let card = 0; card < 20; card++) {
      other?.card(cardBits(26, 2, card))
      await bus.clock.advance(1_000)
    }
    assert.equal(bus.session.values.length, 20)
    dead.isMute = false
    await bus.clock.advance(15_000)
    assert.deepEqual(bus.states.at(-1), ['p0', 'up'])
    dead.card(CARD)
    await bus.clock.advance(1_000)
    assert.equal(bus.session.values.at(-1), '7B11D7')
  })

  it('loses and doubles nothing when answers are lost, damaged, truncated, or the device is busy (E15)', async () => {
    for (const key of [undefined, KEY]) {
      const device = await start([{ address: 0, ...(key && { key }) }], [{ keySecret: key ?? '' }])
      for (let card = 0; card < 60; card++) {
        const fault = (['lost', 'damaged', 'truncated', 'busy'] as const)[card % 4]
        if (fault) device.faults[fault] = 1 + (card % 2)
        device.card(cardBits(26, 3, card))
        await bus.clock.advance(3_000)
      }
      assert.deepEqual(
        bus.session.values,
        Array.from({ length: 60 }, (_, card) => cardValue(3, card)),
      )
      bus.stop.abort()
      await bus.running
    }
  })

  it('opens the channel again after a device lost its power', async () => {
    const device = await start([{ address: 0, key: KEY, enforceSecure: true }], [{ keySecret: KEY }])
    device.powerCycle()
    await bus.clock.advance(2_000)
    device.card(CARD)
    await bus.clock.advance(1_000)
    assert.deepEqual(bus.session.values, ['7B11D7'])
  })

  it('takes PINs, formatted cards and UIDs', async () => {
    const device = await start([{ address: 0 }], [{ order: 'reversed' }])
    device.keys('12*98')
    device.keys('76#')
    device.formatted('1ea68671')
    device.card((0x7186a61e).toString(2).padStart(32, '0'))
    await bus.clock.advance(3_000)
    assert.deepEqual(bus.session.sightings.map(({ credential }) => [credential.type, credential.value]), [['pin', '9876'], ['card', '1EA68671']]) // prettier-ignore
  })

  it('refuses a card whose parity is wrong', async () => {
    const device = await start([{ address: 0 }])
    device.card(`1${CARD.slice(1)}`.replace(/^1/, CARD.startsWith('1') ? '0' : '1'))
    await bus.clock.advance(1_000)
    assert.deepEqual([bus.session.values, bus.session.counters.badFrames], [[], 1])
  })

  it('tells tamper and power as edges', async () => {
    const device = await start([{ address: 0 }])
    for (const [tamper, power] of [
      [1, 0],
      [1, 0],
      [1, 1],
      [0, 0],
    ] as const) {
      // prettier-ignore
      device.status(tamper, power)
      await bus.clock.advance(500)
    }
    assert.deepEqual(bus.session.events.map(({ type, detail, point }) => [type, detail['state'], point]), [['tamper', 'open', 'p0'], ['power-failure', 'failed', 'p0'], ['tamper', 'closed', 'p0'], ['power-failure', 'ok', 'p0']]) // prettier-ignore
  })

  it('shows its load, and the latency of each device', async () => {
    await start([{ address: 0 }])
    await bus.clock.advance(11_000)
    assert.ok('busLoadPercent' in bus.session.figures && 'latencyMs' in bus.session.figures)
  })

  describe('with somebody at the wires', () => {
    for (const [what, fault] of [
      ['forged', 'forged'],
      ['sent in the clear', 'clear'],
    ] as const)
      // prettier-ignore
      it(`takes no punch from a reply that is ${what}, says so, and opens the channel anew (E15)`, async () => {
        const device = await start([{ address: 0, key: KEY }], [{ keySecret: KEY }])
        device.faults[fault] = 1
        device.card(CARD)
        await bus.clock.advance(3_000)
        assert.deepEqual([bus.session.values, bus.types], [[], ['secure-channel-broken']])
        device.card(CARD)
        await bus.clock.advance(1_000)
        assert.deepEqual(bus.session.values, ['7B11D7'])
      })

    for (const fault of ['forged', 'refused'] as const)
      it(`fills neither journal nor log when every poll is ${fault}`, async () => {
        const device = await start([{ address: 0, key: KEY }], [{ keySecret: KEY }])
        device.faults[fault] = 1_000_000
        await bus.clock.advance(600_000)
        assert.ok(bus.types.filter((type) => type === 'secure-channel-broken').length <= 1)
        assert.ok(bus.states.length < 300, `${bus.states.length} changes of state in ten minutes`)
        device.faults[fault] = 0
        await bus.clock.advance(15_000)
        device.card(CARD)
        await bus.clock.advance(1_000)
        assert.deepEqual(bus.session.values, ['7B11D7'])
      })

    it('takes no punch from a replayed reply (E15)', async () => {
      const device = await start([{ address: 0, key: KEY }], [{ keySecret: KEY, hold: 0 }])
      device.card(CARD)
      while (bus.session.values.length === 0) await bus.clock.advance(20)
      device.replays = 1
      await bus.clock.advance(3_000)
      assert.deepEqual(bus.session.values, ['7B11D7'])
      assert.deepEqual(bus.types, ['secure-channel-broken'])
    })

    it('never speaks in the clear to a device whose key it was given, nor to one with another key', async () => {
      const device = await start([{ address: 0, key: KEY }], [{ keySecret: 'FF'.repeat(16) }])
      device.card(CARD)
      await bus.clock.advance(60_000)
      assert.deepEqual([bus.session.values, bus.states[0]], [[], ['p0', 'point-key']])
    })

    it('refuses the install key, and a key that is none (E16)', async () => {
      for (const keySecret of [hex(INSTALL_KEY), 'abc']) {
        const device = await start([{ address: 0 }], [{ keySecret }])
        device.card(CARD)
        await bus.clock.advance(5_000)
        assert.deepEqual([bus.session.values, bus.states[0]], [[], ['p0', 'point-key']])
        assert.doesNotMatch(
          JSON.stringify([bus.session.log.lines, bus.session.pointStates]),
          new RegExp(keySecret, 'i'),
        )
        bus.stop.abort()
        await bus.running
      }
    })

    it('a device that insists on encryption says so to a panel without its key', async () => {
      await start([{ address: 0, key: KEY, enforceSecure: true }])
      await bus.clock.advance(5_000)
      assert.ok(bus.states.some(([, state]) => state === 'point-refused'))
    })
  })

  describe('asked to set a key', () => {
    const ask = async (key: string): Promise<unknown> => {
      const asked = bus.session.requests
        .ask({ kind: 'set-key', point: 'p0', args: { key } })
        .catch((error: unknown) => String(error))
      await bus.clock.advance(5_000)
      return asked
    }
    it('gives a new device its key over the install key, and goes on with it', async () => {
      const device = await start([{ address: 0 }], [], { installKey: 'allow' })
      assert.deepEqual(await ask(KEY), { verified: true })
      assert.equal(hex(device.key), KEY)
      device.card(CARD)
      await bus.clock.advance(1_000)
      assert.deepEqual(bus.session.values, ['7B11D7'])
    })
    it('refuses to do so in the clear, and the key of the standard', async () => {
      await start([{ address: 0 }])
      assert.match(String(await ask(KEY)), /only be set over a secure channel/)
      bus.stop.abort()
      await bus.running
      await start([{ address: 0, key: KEY }], [{ keySecret: KEY }])
      assert.match(String(await ask(hex(INSTALL_KEY))), /everybody has it/)
    })
  })

  it('shows which reader it is', async () => {
    const device = await start([{ address: 0 }])
    void bus.session.requests.ask({ kind: 'identify', point: 'p0' })
    await bus.clock.advance(1_000)
    assert.equal(device.shown.length, 2)
  })
})

function cardValue(facility: number, card: number): string {
  return (facility * 65_536 + card).toString(16).toUpperCase().padStart(6, '0')
}
