import type { Credential } from '../../src/driver.js'
import { LineDecoder } from '../../drivers/wiegand/codec.js'
import { driver } from '../../drivers/wiegand/index.js'
import { cardOfNumber } from '../../drivers/wiegand/number.js'
import { memoryLine } from '../../simulators/line.js'
import { cardBits, WiegandReader } from '../../simulators/wiegand.js'
import { describeDriver } from './driver.js'

const CARDS = [cardBits(26, 123, 4567), cardBits(26, 18, 13_398)]
const credentials = ['7B11D7', '123456'].map((value): Credential => ({ type: 'card', value, scope: 'global' }))

describeDriver({
  driver,
  folder: 'drivers/wiegand',
  shows: 'none',
  silence: 'normal',
  open: (clock, signal) => {
    const { line, transport } = memoryLine(clock, signal)
    const twin = new WiegandReader({ line })
    const written: string[] = []
    line.onReceive = (bytes) => written.push(Buffer.from(bytes).toString('hex'))
    return {
      transport,
      credentials,
      present: (index) => void twin.send(CARDS[index] ?? ''),
      withdraw: () => undefined,
      unplug: () => line.unplug(),
      mute: () => undefined,
      shown: () => written.splice(0),
      send: (bytes) => void line.send(bytes),
    }
  },
  decode: (pieces) => {
    const decoder = new LineDecoder()
    const found = pieces.map((piece) => decoder.push(piece))
    const cards = found.flatMap(({ lines }) => lines.flatMap((line) => cardOfNumber(line, 'hex', 24)?.value ?? []))
    return { cards, discarded: found.reduce((sum, { discarded }) => sum + discarded, 0) }
  },
  stream: {
    maxHeld: 160,
    checked: false,
    delimiter: '\r',
    held: (bytes) => {
      const decoder = new LineDecoder()
      decoder.push(bytes)
      return decoder.held
    },
  },
})
