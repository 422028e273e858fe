/**
 * One card is one credential in every reader: the same card goes through each driver that can read it, twins in memory, and
 * must come out as the same credential. A driver that joins adds a row to READERS.
 */
import { strict as assert } from 'node:assert'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pointFields } from '../../drivers/osdp/config.js'
import { driver as osdp } from '../../drivers/osdp/index.js'
import { driver as pcsc } from '../../drivers/pcsc/index.js'
import { driver as pn532 } from '../../drivers/pn532/index.js'
import { driver as rdm6300 } from '../../drivers/rdm6300/index.js'
import { driver as wedge } from '../../drivers/wedge/index.js'
import { driver as wiegand } from '../../drivers/wiegand/index.js'
import { memoryLine, type Line } from '../../simulators/line.js'
import { OsdpBus } from '../../simulators/osdp.js'
import { VirtualCard } from '../../simulators/pcsc/card.js'
import { MemorySlots } from '../../simulators/pcsc/slot.js'
import { Pn532, type SimCard } from '../../simulators/pn532.js'
import { Rdm6300 } from '../../simulators/rdm6300.js'
import { Wedge } from '../../simulators/wedge.js'
import { cardBits, WiegandReader } from '../../simulators/wiegand.js'
import type { OptionFields, OptionValues } from '../../src/config/options.js'
import type { Clock, Credential, Driver, Point, TransportKind, Transports } from '../../src/driver.js'
import { FakeClock } from '../support/fake-clock.js'
import { root } from '../support/root.js'
import { optionDefaults, RecordingSession } from '../support/session.js'

type Kind = 'em4100' | 'a' | 'felica'
interface TestCard {
  readonly name: string
  readonly kind: Kind
  /** What stands in the records, whatever reader it was. */
  readonly value: string
}

const CARDS: readonly TestCard[] = [
  { name: 'MIFARE Classic, 4 bytes', kind: 'a', value: '1EA68671' },
  { name: 'NTAG, 7 bytes', kind: 'a', value: '04A1B2C3D4E5F6' },
  { name: '10 bytes', kind: 'a', value: '04A1B2C3D4E5F6071829' },
  { name: '7 bytes that begin like a random number', kind: 'a', value: '08A1B2C3D4E5F6' },
  { name: 'FeliCa', kind: 'felica', value: '012E4CD123456789' },
  { name: 'EM4100', kind: 'em4100', value: '0A00123456' },
]

interface ReaderRow {
  readonly name: string
  readonly reads: (card: TestCard) => boolean
  /** What the driver reports for that card. */
  readonly present: (card: TestCard) => Promise<Credential[]>
}

const is13Mhz = ({ kind }: TestCard): boolean => kind !== 'em4100'
const isEm4100 = ({ kind }: TestCard): boolean => kind === 'em4100'
/** Access readers on a bus or two wires hand on 4 or 7 bytes, here without parity. */
const hasBytes =
  (...bytes: readonly number[]) =>
  (card: TestCard): boolean =>
    is13Mhz(card) && bytes.includes(card.value.length / 2)
const bitsOf = (value: string): string =>
  BigInt(`0x${value}`)
    .toString(2)
    .padStart(value.length * 4, '0')
const reversed = (value: string): string => (value.match(/../g) ?? []).reverse().join('')
const w34 = (value: string): string =>
  cardBits(34, Number.parseInt(value.slice(0, 4), 16), Number.parseInt(value.slice(4), 16))

const READERS: readonly ReaderRow[] = [
  {
    name: 'pcsc',
    reads: is13Mhz,
    present: ({ value, kind }) =>
      seen(pcsc, {}, (clock, signal) => {
        const slots = new MemorySlots(clock, signal)
        const model = kind === 'felica' ? 'felica' : 'ultralight'
        return { transport: slots, present: () => slots.insert(new VirtualCard({ uid: value, model })) }
      }),
  },
  {
    name: 'pn532',
    reads: is13Mhz,
    present: ({ value, kind }) =>
      overLine(pn532, {}, (line, clock) => {
        const card: SimCard = kind === 'felica' ? { type: 'felica', idm: value } : { type: 'a', uid: value }
        const twin = new Pn532({ clock, line })
        return () => twin.put(card)
      }),
  },
  ...(['rdm6300', 'id12la'] as const).map((form) => ({
    name: `rdm6300, as ${form}`,
    reads: isEm4100,
    present: ({ value }: TestCard) =>
      overLine(rdm6300, {}, (line, clock) => {
        const twin = new Rdm6300({ clock, line, form })
        return () => void twin.put(value)
      }),
  })),
  {
    name: 'wedge, hex digits',
    reads: isEm4100,
    present: ({ value }) =>
      overLine(wedge, { format: 'hex' } as const, (line, clock) => {
        const twin = new Wedge({ clock, line })
        return () => void twin.put(value)
      }),
  },
  {
    name: 'wedge, ten decimal digits and the first byte of the site',
    reads: isEm4100,
    present: ({ value }) =>
      overLine(wedge, { prefix: value.slice(0, 2) }, (line, clock) => {
        const twin = new Wedge({ clock, line })
        return () => void twin.put(String(Number.parseInt(value.slice(2), 16)).padStart(10, '0'))
      }),
  },
  ...[false, true].map((isReversed) => ({
    name: isReversed ? 'wiegand, 34 bits, reversed reader' : 'wiegand, 34 bits',
    reads: hasBytes(4),
    present: ({ value }: TestCard) =>
      overLine(wiegand, { lines: 'bits', order: isReversed ? 'reversed' : 'as-sent' } as const, (line) => {
        const twin = new WiegandReader({ line, output: 'bits' })
        return () => void twin.send(w34(isReversed ? reversed(value) : value))
      }),
  })),
  ...[false, true].map((isReversed) => ({
    name: isReversed ? 'osdp, reversed device' : 'osdp, raw bits',
    reads: hasBytes(4, 7, 10),
    present: ({ value }: TestCard) =>
      overLine(
        osdp,
        { installKey: 'allow' } as const,
        (line) => {
          const device = new OsdpBus(line).add({ address: 0 })
          return () => device.card(bitsOf(isReversed ? reversed(value) : value))
        },
        [gate(isReversed ? 'reversed' : 'as-sent')],
      ),
  })),
]

function gate(order: 'as-sent' | 'reversed'): Point {
  return {
    id: 'gate',
    name: 'gate',
    match: { address: 0 },
    options: { ...optionDefaults(pointFields.options), order },
  }
}

interface Opened<Kind extends TransportKind> {
  readonly transport: Transports[Kind]
  readonly present: () => void
}

async function seen<Fields extends OptionFields, Kind extends TransportKind>(
  driver: Driver<Fields, Kind>,
  options: Partial<OptionValues<Fields>>,
  open: (clock: Clock, signal: AbortSignal) => Opened<Kind>,
  points: readonly Point[] = [],
): Promise<Credential[]> {
  const clock = new FakeClock()
  const stop = new AbortController()
  const { signal } = stop
  const { transport, present } = open(clock, signal)
  const config = { ...optionDefaults<Fields>(driver.options), ...options }
  const session = new RecordingSession<typeof config, Kind>({ config, transport, clock, signal, points })
  const done = driver.run(session)
  await clock.advance(2_000)
  present()
  await clock.advance(2_000)
  stop.abort()
  await done
  return session.sightings.map(({ credential }) => credential)
}

function overLine<Fields extends OptionFields>(
  driver: Driver<Fields, 'bytes'>,
  options: Partial<OptionValues<Fields>>,
  twin: (line: Line, clock: Clock) => () => void,
  points: readonly Point[] = [],
): Promise<Credential[]> {
  const open = (clock: Clock, signal: AbortSignal): Opened<'bytes'> => {
    const { line, transport } = memoryLine(clock, signal)
    return { transport, present: twin(line, clock) }
  }
  return seen(driver, options, open, points)
}

describe('one card is one credential in every reader', () => {
  for (const card of CARDS) {
    for (const reader of READERS.filter(({ reads }) => reads(card))) {
      it(`${card.name} at ${reader.name}`, async () => {
        assert.deepEqual(await reader.present(card), [{ type: 'card', value: card.value, scope: 'global' }])
      })
    }
  }

  it('and a random number is refused alike', async () => {
    const phone: TestCard = { name: 'phone', kind: 'a', value: '081F2E3D' }
    for (const reader of READERS.slice(0, 2)) assert.deepEqual(await reader.present(phone), [], reader.name)
  })

  it('but 26 bits are less: the last three bytes of a number, and another credential', async () => {
    const data = '1EA68671'.slice(2)
    const bits = cardBits(26, Number.parseInt(data.slice(0, 2), 16), Number.parseInt(data.slice(2), 16))
    const [credential] = await overLine(wiegand, { lines: 'bits' }, (line) => {
      const twin = new WiegandReader({ line, output: 'bits' })
      return () => void twin.send(bits)
    })
    assert.equal(credential?.value, 'A68671')
  })
})

describe('the table of forms in drivers/README.md', () => {
  const readme = readFileSync(join(root, 'drivers/README.md'), 'utf8')
  const section = /\n## One card, one credential\n([^]*?)\n## /.exec(readme)?.[1] ?? ''
  const row = (begin: string): string[] => {
    const line = section.split('\n').find((text) => text.startsWith(`| ${begin}`))
    assert.ok(line, `there is a row "${begin}"`)
    // The columns of the cards; behind them it is said where a form is met, and what to do.
    const cells = line.split('|').slice(2, 5).join(' ')
    return (cells.match(/`[^`]+`/g) ?? []).map((cell) => cell.slice(1, -1))
  }
  const [uid4, uid7, em] = ['1EA68671', '04A1B2C3D4E5F6', '0A00123456'] as const
  const ten = (hex: string): string => String(Number.parseInt(hex, 16)).padStart(10, '0')
  const facility = (hex: string): string =>
    `${String(Number.parseInt(hex.slice(0, 2), 16)).padStart(3, '0')},${String(Number.parseInt(hex.slice(2), 16)).padStart(5, '0')}`

  it('is right in every cell that can be computed', () => {
    assert.deepEqual(row('in punchd'), [uid4, uid7, em])
    assert.deepEqual(row('reversed'), [reversed(uid4), reversed(uid7)])
    assert.deepEqual(row('ten digits, first byte first'), [ten(uid4), ten(em.slice(2))])
    assert.deepEqual(row('ten digits, last byte first'), [ten(reversed(uid4))])
    const last3 = uid4.slice(2)
    assert.deepEqual(row('26 bits, last three bytes'), [last3, facility(last3), em.slice(4), facility(em.slice(4))])
    assert.deepEqual(row('26 bits, first three bytes, reversed'), [reversed(uid4.slice(0, 6))])
    assert.deepEqual(row('seven bytes cut to four'), [`88${uid7.slice(0, 6)}`, reversed(`88${uid7.slice(0, 6)}`)])
  })
})
