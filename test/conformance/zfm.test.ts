import type { Credential } from '../../src/driver.js'
import { PacketDecoder } from '../../drivers/zfm/codec.js'
import { driver } from '../../drivers/zfm/index.js'
import { forget } from '../../drivers/zfm/library.js'
import { memoryLine } from '../../simulators/line.js'
import { Zfm } from '../../simulators/zfm.js'
import { describeDriver } from './driver.js'

const FINGERS = ['anna', 'ben']
const credentials = FINGERS.map((_, slot): Credential => ({
  type: 'fingerprint',
  value: String(slot),
  scope: 'under-test',
}))
const ADDRESS = 0xffff_ffff

describeDriver({
  driver,
  folder: 'drivers/zfm',
  shows: { accepted: ['3502300401'], repeat: ['3502180402'], unknown: ['3501600101'], refused: ['3502180103'] },
  silence: { timeoutMs: 10_000 },
  startMs: 100,
  open: (clock, signal) => {
    forget('under-test')
    const { line, transport } = memoryLine(clock, signal)
    const twin = new Zfm({ clock, line })
    FINGERS.forEach((name, slot) => twin.slots.set(slot, name))
    return {
      transport,
      credentials,
      present: (index) => twin.place(FINGERS[index] ?? ''),
      withdraw: () => twin.lift(),
      unplug: () => line.unplug(),
      mute: () => void (twin.isMute = true),
      shown: () => twin.lights.splice(0),
      send: (bytes) => void line.send(bytes),
    }
  },
  decode: (pieces) => {
    const decoder = new PacketDecoder(ADDRESS)
    const total = { packets: new Array<string>(), bad: 0, discarded: 0 }
    for (const piece of pieces) {
      const { packets, bad, discarded } = decoder.push(piece)
      total.packets.push(
        ...packets.map(({ pid, payload }) => `0${pid}:${Buffer.from(payload).toString('hex').toUpperCase()}`),
      )
      total.bad += bad
      total.discarded += discarded
    }
    return total
  },
  stream: {
    asked: true,
    maxHeld: 267,
    held: (bytes) => {
      const decoder = new PacketDecoder(ADDRESS)
      decoder.push(bytes)
      return decoder.held
    },
  },
})
