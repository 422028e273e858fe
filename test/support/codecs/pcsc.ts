import { cardKind, isAtrIntact, isObeyed, parseLedCommand, parseUid } from '../../../drivers/pcsc/codec.js'
import { hexOf, type Codec } from './codec.js'

const LENGTHS = [4, 7, 8, 10]

export const pcsc: Codec = {
  driver: 'pcsc',
  maxHeld: 0,
  // pcscd hands over whole answers under checks of its own: an answer is a number only with the status of success.
  whole: true,
  open: () => ({
    held: 0,
    feed: (response) => {
      cardKind(response)
      parseLedCommand(response)
      isObeyed(response)
      const answer = parseUid(response)
      return [...(answer.kind === 'uid' ? [answer.value] : []), ...(isAtrIntact(response) ? ['ATR'] : [])]
    },
  }),
  bears: (bytes, claim) => {
    if (claim === 'ATR') return bytes.subarray(1).reduce((sum, byte) => sum ^ byte, 0) === 0
    const uid = bytes.subarray(0, -2)
    const isBlank = uid.every((byte) => byte === 0x00) || uid.every((byte) => byte === 0xff)
    return hexOf(bytes) === `${claim}9000` && LENGTHS.includes(uid.length) && !isBlank
  },
}
