import { capabilitiesIn, charactersIn, identityIn, keysIn, rawBits, ReplyDecoder } from '../../../drivers/osdp/codec.js'
import { hexOf, places, sumOf, type Codec } from './codec.js'

export const osdp: Codec = {
  driver: 'osdp',
  maxHeld: 1_440,
  open: () => {
    const decoder = new ReplyDecoder()
    return {
      feed: (piece) =>
        decoder.push(piece).replies.map(({ id, data }) => {
          for (const read of [capabilitiesIn, charactersIn, identityIn, keysIn, rawBits]) read(data)
          return hexOf([id, ...data])
        }),
      get held() {
        return decoder.held
      },
    }
  },
  bears: (bytes, claim) => [...places(bytes)].some((place) => packetAt(place)?.includes(claim)),
}

/** 53, address, length (2, low first), control …, and a CRC-16 or an 8-bit sum as bit 2 of the control says. */
function packetAt(place: Uint8Array): string | undefined {
  const length = (place[2] ?? 0) + (place[3] ?? 0) * 256
  if (place[0] !== 0x53 || length < 7 || place.length < length) return undefined
  const whole = place.subarray(0, length)
  const isRight = ((whole[4] ?? 0) & 4) === 0 ? sumOf(whole) % 256 === 0 : hasCrc(whole)
  return isRight ? hexOf(whole) : undefined
}

function hasCrc(whole: Uint8Array): boolean {
  let value = 0x1d0f
  for (const byte of whole.subarray(0, -2)) {
    for (let bit = 7; bit >= 0; bit--) {
      const isSet = ((value >> 15) ^ (byte >> bit)) & 1
      value = ((value << 1) & 0xffff) ^ (isSet === 1 ? 0x1021 : 0)
    }
  }
  return whole.at(-2) === (value & 0xff) && whole.at(-1) === value >> 8
}
