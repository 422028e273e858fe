import type { Credential } from '../../src/driver.js'
import { FrameDecoder } from '../../drivers/rdm6300/codec.js'
import { driver } from '../../drivers/rdm6300/index.js'
import { memoryLine } from '../../simulators/line.js'
import { Rdm6300 } from '../../simulators/rdm6300.js'
import { describeDriver } from './driver.js'

const TAGS = ['0A00123456', '62E3086CED']
const credentials = TAGS.map((value): Credential => ({ type: 'card', value, scope: 'global' }))

describeDriver({
  driver,
  folder: 'drivers/rdm6300',
  shows: 'none',
  silence: 'normal',
  open: (clock, signal) => {
    const { line, transport } = memoryLine(clock, signal)
    const twin = new Rdm6300({ clock, line })
    const written: string[] = []
    line.onReceive = (bytes) => written.push(Buffer.from(bytes).toString('hex'))
    return {
      transport,
      credentials,
      present: (index) => void twin.put(TAGS[index] ?? ''),
      withdraw: () => twin.remove(),
      unplug: () => line.unplug(),
      mute: () => twin.remove(),
      shown: () => written.splice(0),
      send: (bytes) => void line.send(bytes),
    }
  },
  decode: (pieces) => {
    const decoder = new FrameDecoder()
    const total = { cards: new Array<string>(), bad: 0, discarded: 0 }
    for (const piece of pieces) {
      const { cards, bad, discarded } = decoder.push(piece)
      total.cards.push(...cards)
      total.bad += bad
      total.discarded += discarded
    }
    return total
  },
  stream: {
    maxHeld: 16,
    held: (bytes) => {
      const decoder = new FrameDecoder()
      decoder.push(bytes)
      return decoder.held
    },
  },
})
