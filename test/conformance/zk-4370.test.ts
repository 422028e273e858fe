import { StreamDecoder } from '../../drivers/zk-4370/codec.js'
import { driver } from '../../drivers/zk-4370/index.js'
import { memoryLine } from '../../simulators/line.js'
import { Zk4370 } from '../../simulators/zk-4370.js'
import { describeDriver } from './driver.js'

const USERS = ['999111333', '1001']

describeDriver({
  driver,
  folder: 'drivers/zk-4370',
  shows: 'none',
  // Quiet for a minute, then ten seconds without an answer.
  silence: { timeoutMs: 75_000 },
  scheme: 'tcp',
  startMs: 500,
  noticeMs: 2_000,
  // Half a frame is given up after five seconds.
  restMs: 6_000,
  open: (clock, signal) => {
    const { line, transport } = memoryLine(clock, signal)
    const twin = new Zk4370({ clock, line })
    return {
      transport,
      credentials: USERS.map((value) => ({ type: 'user', value, scope: 'under-test' })),
      // A row is made when somebody is recognised; a finger that stays there makes no other.
      present: (index) => twin.punch(USERS[index] ?? ''),
      withdraw: () => undefined,
      unplug: () => line.unplug(),
      mute: () => twin.fault('silent'),
      shown: () => [],
      send: (bytes) => void line.send(bytes),
    }
  },
  decode: (pieces) => {
    const decoder = new StreamDecoder()
    const total = { packets: new Array<string>(), bad: 0, discarded: 0 }
    for (const piece of pieces) {
      const { packets, bad, discarded } = decoder.push(piece)
      for (const { command, session, reply, data } of packets) {
        const id = session.toString(16).padStart(4, '0')
        total.packets.push(`${command}:${id}:${reply}:${Buffer.from(data).toString('hex')}`)
      }
      total.bad += bad
      total.discarded += discarded
    }
    return total
  },
  stream: {
    asked: true,
    maxHeld: 65_552,
    held: (bytes) => {
      const decoder = new StreamDecoder()
      decoder.push(bytes)
      return decoder.held
    },
  },
})
