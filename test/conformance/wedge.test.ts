import type { Credential } from '../../src/driver.js'
import { EventDecoder } from '../../drivers/wedge/codec.js'
import { driver } from '../../drivers/wedge/index.js'
import { Typing, type Outcome } from '../../drivers/wedge/typing.js'
import { memoryLine } from '../../simulators/line.js'
import { Wedge } from '../../simulators/wedge.js'
import { describeDriver } from './driver.js'

/** What is typed, and the 32 bits of the card that it stands for. */
const CARDS = { '0008844356': '0086F444', '3808980205': 'E3086CED' }
const TYPED = Object.keys(CARDS)
const credentials = Object.values(CARDS).map((value): Credential => ({ type: 'card', value, scope: 'global' }))

/** A decoder and what is typed behind it, as `run` has them. */
function reading() {
  const decoder = new EventDecoder(24)
  const typing = new Typing({ end: 'enter', timeoutMs: 500, most: 64 })
  let discarded = 0
  const outcomes: Outcome[] = []
  const push = (bytes: Uint8Array): void => {
    const decoded = decoder.push(bytes)
    discarded += decoded.discarded
    for (const event of decoded.events) outcomes.push(...[typing.take(event) ?? []].flat())
  }
  const meaning = () => ({
    texts: outcomes.flatMap((outcome) => ('text' in outcome ? [outcome.text] : [])),
    lost: outcomes.flatMap((outcome) => ('lost' in outcome ? [outcome.lost] : [])),
    discarded,
  })
  return { push, meaning, held: () => decoder.held + typing.held }
}

describeDriver({
  driver,
  folder: 'drivers/wedge',
  shows: 'none',
  silence: 'normal',
  scheme: 'input',
  open: (clock, signal) => {
    const { line, transport } = memoryLine(clock, signal)
    const twin = new Wedge({ clock, line })
    const written: string[] = []
    line.onReceive = (bytes) => written.push(Buffer.from(bytes).toString('hex'))
    return {
      transport,
      credentials,
      present: (index) => void twin.put(TYPED[index] ?? ''),
      withdraw: () => twin.remove(),
      unplug: () => line.unplug(),
      mute: () => twin.stop(),
      shown: () => written.splice(0),
      send: (bytes) => void line.send(bytes),
    }
  },
  decode: (pieces) => {
    const { push, meaning } = reading()
    pieces.forEach(push)
    return meaning()
  },
  stream: {
    maxHeld: 47 + 64,
    checked: false, // A keyboard has no checksum.
    held: (bytes) => {
      const { push, held } = reading()
      push(bytes)
      return held()
    },
  },
})
