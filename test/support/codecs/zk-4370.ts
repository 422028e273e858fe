import { packetOf, StreamDecoder, timeOf, u32, type Packet } from '../../../drivers/zk-4370/codec.js'
import { countsOf, liveOf, rowOf, usersOf } from '../../../drivers/zk-4370/records.js'
import { hexOf, places, type Codec } from './codec.js'

export const zk4370: Codec = {
  driver: 'zk-4370',
  maxHeld: 65_552,
  open: () => {
    const decoder = new StreamDecoder()
    return {
      feed: (piece) => {
        packetOf(piece)
        return decoder.push(piece).packets.map((packet) => {
          readAll(packet)
          const { command, session, reply, data } = packet
          return hexOf([...[command, session, reply].flatMap((value) => [value & 0xff, value >> 8]), ...data])
        })
      },
      get held() {
        return decoder.held
      },
    }
  },
  bears: (bytes, claim) => [...places(bytes)].some((place) => packetAt(place) === claim),
}

/** What the driver would make of it, were it asked for. */
function readAll({ data }: Packet): void {
  liveOf(data)
  countsOf(data)
  timeOf(u32(data, 0))
  for (const size of [8, 16, 40, data.length]) rowOf(data.subarray(0, size), 'verify-state')
  usersOf(data, Math.floor(data.length / 28))
}

/** 50 50 82 7D, length (4), then command, sum, session, reply (2 each) and data; the sum of all words is FFFF. */
function packetAt(place: Uint8Array): string | undefined {
  if (hexOf(place.subarray(0, 4)) !== '5050827D' || place.length < 16) return undefined
  const packet = place.subarray(8, 8 + Buffer.from(place).readUInt32LE(4))
  if (packet.length < 8 || packet.length !== Buffer.from(place).readUInt32LE(4)) return undefined
  let sum = 0
  packet.forEach((byte, at) => (sum += at % 2 === 0 ? byte : byte * 256))
  // With its own checksum in it the sum is all ones, or zero as the other way to write that.
  if (sum % 0xffff !== 0) return undefined
  return hexOf([...packet.subarray(0, 2), ...packet.subarray(4)])
}
