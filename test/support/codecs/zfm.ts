import { parametersIn, PacketDecoder, productIn, slotFound, slotsIn } from '../../../drivers/zfm/codec.js'
import { hexOf, places, sumOf, type Codec } from './codec.js'

export const zfm: Codec = {
  driver: 'zfm',
  maxHeld: 267,
  open: () => {
    const decoder = new PacketDecoder(0xffff_ffff)
    return {
      feed: (piece) =>
        decoder.push(piece).packets.map(({ pid, payload }) => {
          for (const read of [parametersIn, productIn, slotFound]) read(payload)
          slotsIn(payload, 0)
          return hexOf([pid, ...payload])
        }),
      get held() {
        return decoder.held
      },
    }
  },
  bears: (bytes, claim) => [...places(bytes)].some((place) => packetAt(place) === claim),
}

/** EF 01, address (4), kind, length (2) of payload and sum, payload, 16-bit sum from the kind on. */
function packetAt(place: Uint8Array): string | undefined {
  if (place[0] !== 0xef || place[1] !== 0x01) return undefined
  const length = (place[7] ?? 0) * 256 + (place[8] ?? 0)
  const summed = place.subarray(6, 7 + length)
  const sum = (place[7 + length] ?? 0) * 256 + (place[8 + length] ?? 0)
  if (length < 2 || place.length < 9 + length || sumOf(summed) % 65_536 !== sum) return undefined
  return hexOf([place[6] ?? 0, ...place.subarray(9, 7 + length)])
}
