import type { Credential, Point } from '../../src/driver.js'
import { ReplyDecoder } from '../../drivers/osdp/codec.js'
import { pointFields } from '../../drivers/osdp/config.js'
import { driver } from '../../drivers/osdp/index.js'
import { memoryLine } from '../../simulators/line.js'
import { OsdpBus } from '../../simulators/osdp.js'
import { cardBits } from '../../simulators/wiegand.js'
import { optionDefaults } from '../support/session.js'
import { describeDriver } from './driver.js'

const KEY = '000102030405060708090A0B0C0D0E0F'
const CARDS = [cardBits(26, 123, 4_567), cardBits(34, 0x1ea6, 0x8671)]
const credentials = ['7B11D7', '1EA68671'].map((value): Credential => ({ type: 'card', value, scope: 'global' }))
const points = ['left', 'right'].map((id, address): Point => ({
  id,
  name: id,
  match: { address },
  options: { ...optionDefaults(pointFields.options), keySecret: address === 0 ? KEY : '' },
}))
const light = (on: string, off: string, colour: string, total: string) =>
  `690000 02${on}${off}${colour}00${total}000000000000`.replace(' ', '')

describeDriver({
  driver,
  folder: 'drivers/osdp',
  points,
  shows: {
    accepted: [light('03', '00', '02', '03'), '6a0002030001'],
    repeat: [light('02', '02', '02', '08'), '6a0002020202'],
    unknown: [light('0a', '00', '01', '0a'), '6a00020a0001'],
    refused: [light('02', '02', '01', '0c'), '6a0002020203'],
  },
  // The bus is up though nobody is on it: each point says for itself that it is silent.
  silence: 'normal',
  startMs: 1_000,
  restMs: 1_500,
  open: (clock, signal) => {
    const { line, transport } = memoryLine(clock, signal)
    const bus = new OsdpBus(line)
    const devices = [bus.add({ address: 0, key: KEY, enforceSecure: true }), bus.add({ address: 1 })]
    return {
      transport,
      credentials,
      pointOf: (index) => points[index]?.id ?? '',
      present: (index) => devices[index]?.card(CARDS[index] ?? ''),
      withdraw: () => undefined,
      unplug: () => line.unplug(),
      mute: () => devices.forEach((device) => (device.isMute = true)),
      shown: () => devices.flatMap((device) => device.shown.splice(0)),
      send: (bytes) => void line.send(bytes),
    }
  },
  decode: (pieces) => {
    const decoder = new ReplyDecoder()
    const found = pieces.map((piece) => decoder.push(piece))
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex').toUpperCase()
    const replies = found.flatMap((part) =>
      part.replies.map(({ address, sequence, id, data, mac }) => {
        const text = `${address}/${sequence}:${hex(Uint8Array.of(id))}${hex(data)}`
        return mac ? `${text} mac ${hex(mac)}` : text
      }),
    )
    const sum = (key: 'bad' | 'discarded') => found.reduce((total, part) => total + part[key], 0)
    return { replies, bad: sum('bad'), discarded: sum('discarded') }
  },
  stream: {
    asked: true,
    maxHeld: 1_440,
    held: (bytes) => {
      const decoder = new ReplyDecoder()
      decoder.push(bytes)
      return decoder.held
    },
  },
})
