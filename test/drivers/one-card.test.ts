/** One card is one credential in every reader: shown to each, in memory, through its real driver. */
import assert from 'node:assert/strict'
import { fields as osdpFields, pointFields, type Config as OsdpConfig } from '../../drivers/osdp/config.js'
import { driver as osdp } from '../../drivers/osdp/index.js'
import { parseUid } from '../../drivers/pcsc/codec.js'
import { fields as pnFields, type Config as PnConfig } from '../../drivers/pn532/config.js'
import { driver as pn532 } from '../../drivers/pn532/index.js'
import { fields as wiegandFields, type Config as WiegandConfig } from '../../drivers/wiegand/config.js'
import { driver as wiegand } from '../../drivers/wiegand/index.js'
import type { Line } from '../../simulators/line.js'
import { memoryLine } from '../../simulators/line.js'
import { OsdpBus } from '../../simulators/osdp.js'
import { Pn532 } from '../../simulators/pn532.js'
import { cardBits, WiegandReader } from '../../simulators/wiegand.js'
import type { ByteTransport, Clock } from '../../src/driver.js'
import { FakeClock } from '../support/fake-clock.js'
import { optionDefaults, RecordingSession } from '../support/session.js'

interface Wire {
  readonly clock: FakeClock
  readonly line: Line
  readonly transport: ByteTransport
  readonly signal: AbortSignal
}

/** Runs a driver for two seconds; the value it reported. */
async function valueOf(run: (wire: Wire) => { readonly values: readonly string[] }): Promise<string | undefined> {
  const clock = new FakeClock()
  const stop = new AbortController()
  const { line, transport } = memoryLine(clock, stop.signal)
  const session = run({ clock, line, transport, signal: stop.signal })
  await clock.advance(2_000)
  stop.abort()
  await clock.settle()
  assert.ok(session.values.length <= 1)
  return session.values[0]
}

const bits = (hex: string): string =>
  Buffer.from(hex, 'hex').reduce((text, byte) => text + byte.toString(2).padStart(8, '0'), '')

/** What a PC/SC reader answers to Get Data. */
function atPcsc(uid: string): Promise<string | undefined> {
  const answer = parseUid(Uint8Array.from([...Buffer.from(uid, 'hex'), 0x90, 0x00]))
  return Promise.resolve(answer.kind === 'uid' ? answer.value : undefined)
}

function atPn532(uid: string, type: 'a' | 'felica' = 'a'): Promise<string | undefined> {
  return valueOf(({ clock, line, transport, signal }) => {
    const twin = new Pn532({ clock, line })
    twin.put(type === 'a' ? { type, uid } : { type, idm: uid })
    const session = new RecordingSession<PnConfig, 'bytes'>({
      config: optionDefaults(pnFields),
      transport,
      clock,
      signal,
    })
    void pn532.run(session)
    return session
  })
}

function atOsdp(sent: string, order: 'as-sent' | 'reversed' = 'as-sent'): Promise<string | undefined> {
  return valueOf(({ clock, line, transport, signal }) => {
    const device = new OsdpBus(line).add({ address: 0 })
    void later(clock, () => device.card(sent))
    const options = { ...optionDefaults(pointFields.options), order }
    const points = [{ id: 'gate', name: '', match: { address: 0 }, options }]
    const session = new RecordingSession<OsdpConfig, 'bytes'>({
      config: optionDefaults(osdpFields),
      transport,
      clock,
      signal,
      points,
    })
    void osdp.run(session)
    return session
  })
}

function atWiegand(sent: string, over: Partial<WiegandConfig> = {}): Promise<string | undefined> {
  return valueOf(({ clock, line, transport, signal }) => {
    const twin = new WiegandReader({ line, output: 'edges' })
    void later(clock, () => twin.send(sent))
    const config = { ...optionDefaults(wiegandFields), ...over }
    const session = new RecordingSession<WiegandConfig, 'bytes'>({ config, transport, clock, signal, scheme: 'gpio' })
    void wiegand.run(session)
    return session
  })
}

async function later(clock: Clock, act: () => void): Promise<void> {
  await clock.sleep(1_000)
  act()
}

describe('one card is one credential', () => {
  for (const uid of ['1EA68671', '04A1B2C3D4E5F6', '04112233445566778899']) {
    it(`${uid}, at pcsc, pn532 and osdp`, async () => {
      assert.deepEqual([await atPcsc(uid), await atPn532(uid), await atOsdp(bits(uid))], [uid, uid, uid])
    })
  }

  it('1EA68671 with 34 bits, at wiegand and osdp, also by readers that turn it round', async () => {
    const straight = cardBits(34, 0x1ea6, 0x8671)
    const turned = cardBits(34, 0x7186, 0xa61e)
    const order = 'reversed' as const
    assert.deepEqual(
      [
        await atWiegand(straight),
        await atOsdp(straight),
        await atWiegand(turned, { order }),
        await atOsdp(turned, order),
      ],
      ['1EA68671', '1EA68671', '1EA68671', '1EA68671'],
    )
  })

  it('a 26-bit card, at wiegand and osdp', async () => {
    const card = cardBits(26, 123, 4_567)
    assert.deepEqual([await atWiegand(card), await atOsdp(card)], ['7B11D7', '7B11D7'])
  })

  it('FeliCa, at pcsc and pn532', async () => {
    const idm = '0102030405060708'
    assert.deepEqual([await atPcsc(idm), await atPn532(idm, 'felica')], [idm, idm])
  })

  it('but a number that is invented anew is nobody, at either', async () => {
    const answer = parseUid(Uint8Array.of(0x08, 1, 2, 3, 0x90, 0))
    assert.deepEqual(answer, { kind: 'uid', value: '08010203', random: true })
    assert.equal(await atPn532('08010203'), undefined)
  })
})
