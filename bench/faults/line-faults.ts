/** What can be wrong with a line, by name. Times are real; `speed` says how fast the daemon's clock runs. */
import { setTimeout as sleep } from 'node:timers/promises'
import { generate, parser, type Packet } from 'mqtt-packet'
import { between, type Random } from '../../simulators/random.js'
import type { LineFault, Way } from './proxy.js'

/** Ends each connection after a while. */
export function cutting(how: 'fin' | 'reset', random: Random): LineFault {
  return (cable) => {
    setTimeout(() => cable.cut(how), between(random, 40, 300)).unref()
    return {}
  }
}

/** All that comes arrives later, in order. */
export function delaying(random: Random, mostMs: number): LineFault {
  return () => ({ up: later(() => between(random, 1, mostMs)), down: later(() => between(random, 1, mostMs)) })
}

/** Passes each piece on after `delayMs` of it, and never before the one ahead of it. */
function later(delayMs: (bytes: Buffer) => number): Way {
  let last: Promise<unknown> = Promise.resolve()
  return (bytes, pass) => {
    const due = performance.now() + delayMs(bytes)
    last = last.then(async () => {
      await sleep(Math.max(0, due - performance.now()))
      pass(bytes)
    })
  }
}

/** A dead peer that nobody notices: after `afterMs` what goes up, comes down, or both, is lost, and nothing ends. */
export function swallowing(which: 'up' | 'down' | 'both', afterMs: number): LineFault {
  return () => {
    const from = performance.now() + afterMs
    const lost: Way = (bytes, pass) => {
      if (performance.now() < from) pass(bytes)
    }
    return { ...(which !== 'down' && { up: lost }), ...(which !== 'up' && { down: lost }) }
  }
}

/** A few bytes at a time. */
export function trickling(random: Random): LineFault {
  const slow = (): Way => {
    let waiting: Buffer = Buffer.alloc(0)
    let busy = false
    return (bytes, pass) => {
      waiting = Buffer.concat([waiting, bytes])
      const step = (): void => {
        busy = waiting.length > 0
        if (!busy) return
        const count = between(random, 1, 40)
        pass(waiting.subarray(0, count))
        waiting = waiting.subarray(count)
        setImmediate(step)
      }
      if (!busy) step()
    }
  }
  return () => ({ up: slow(), down: slow() })
}

/** So many bytes a second, and so long for each way: a modem with room for all that waits. */
export function shaping(bytesASecond: number, oneWayMs: number): LineFault {
  const modem = (): Way => {
    let free = 0
    const line = later(({ length }) => {
      free = Math.max(free, performance.now()) + (length / bytesASecond) * 1_000
      return free + oneWayMs - performance.now()
    })
    return (bytes, pass) => {
      for (let at = 0; at < bytes.length; at += SLICE) line(bytes.subarray(at, at + SLICE), pass)
    }
  }
  // One modem, whatever the number of connections: what an ended one left in it is still sent.
  const ways = { up: modem(), down: modem() }
  return () => ways
}
const SLICE = 256

/** The packets that go one way, each to be passed or not. */
function packets(version: 4 | 5, judge: (packet: Packet, pass: () => void) => void): Way {
  let forward: ((bytes: Buffer) => void) | undefined
  const reader = parser({ protocolVersion: version })
  reader.on('packet', (packet) => judge(packet, () => forward?.(generate(packet, { protocolVersion: version }))))
  return (bytes, pass) => {
    forward = pass
    reader.parse(bytes)
  }
}

/** One acknowledgement in so many gets lost, until `mended`. */
export function losingAcks(random: Random, oneIn: number): LineFault {
  return (_cable, proxy) => ({
    down: packets(5, (packet, pass) => {
      if (packet.cmd !== 'puback' || proxy.fault === undefined || between(random, 1, oneIn) !== 1) pass()
    }),
  })
}

/** Ends the connection when the first record was taken: with its acknowledgement, or, so many times, before it. */
export function endingAtRecords(withoutAcks: number): LineFault {
  let left = withoutAcks
  return (cable) => {
    const ids = new Set<number | undefined>()
    const up = packets(5, (packet, pass) => {
      if (packet.cmd === 'publish' && isRecord(packet.topic)) ids.add(packet.messageId)
      pass()
    })
    const down = packets(5, (packet, pass) => {
      const ofRecord = packet.cmd === 'puback' && ids.has(packet.messageId)
      if (!ofRecord) return pass()
      if (left > 0) left -= 1
      else pass()
      setImmediate(() => cable.cut('fin'))
    })
    return { up, down }
  }
}

export function isRecord(topic: string): boolean {
  return /\/(punch|event|presence|correction)\//.test(topic)
}
