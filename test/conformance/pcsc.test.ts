import { cardKind, isAtrIntact, parseLedCommand, parseUid } from '../../drivers/pcsc/codec.js'
import { driver } from '../../drivers/pcsc/index.js'
import { VirtualCard } from '../../simulators/pcsc/card.js'
import { MemorySlots } from '../../simulators/pcsc/slot.js'
import type { Credential } from '../../src/driver.js'
import { describeDriver } from './driver.js'

const UIDS = ['04A1B2C3D4E5F6', '1EA68671']
const credentials = UIDS.map((value): Credential => ({ type: 'card', value, scope: 'global' }))

describeDriver({
  driver,
  folder: 'drivers/pcsc',
  shows: {
    accepted: ['green 200/0 ms ×1, 1 beeps'],
    repeat: ['green 100/100 ms ×2, 2 beeps'],
    unknown: ['red 600/0 ms ×1, 1 beeps'],
    refused: ['red 100/100 ms ×3, 3 beeps'],
  },
  silence: 'normal',
  open: (clock, signal) => {
    const slots = new MemorySlots(clock, signal)
    const front = slots.front()
    // The suite lifts the card before the light comes: then only an escape command reaches the reader.
    slots.takesControl = true
    return {
      transport: slots,
      credentials,
      present: (index) => slots.insert(new VirtualCard({ uid: UIDS[index] ?? '' })),
      withdraw: () => slots.remove(),
      unplug: () => slots.unplug(),
      mute: () => slots.remove(),
      shown: () =>
        front.shown
          .splice(0)
          .map(({ flash, onMs, offMs, times, beeps }) => `${flash} ${onMs}/${offMs} ms ×${times}, ${beeps} beeps`),
    }
  },
  decode: (pieces, { meaning }) => {
    const bytes = Uint8Array.from(Buffer.concat(pieces))
    const keys = typeof meaning === 'object' && meaning !== null ? Object.keys(meaning) : []
    if (keys.includes('colour')) return parseLedCommand(bytes)
    return keys.includes('intact') ? { kind: cardKind(bytes), intact: isAtrIntact(bytes) } : parseUid(bytes)
  },
})
