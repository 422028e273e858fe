import { FrameDecoder } from '../../../drivers/rdm6300/codec.js'
import type { Codec } from './codec.js'

export const rdm6300: Codec = {
  driver: 'rdm6300',
  maxHeld: 16,
  open: () => {
    const decoder = new FrameDecoder()
    return {
      feed: (piece) => decoder.push(piece).cards,
      get held() {
        return decoder.held
      },
    }
  },
  bears: (bytes, claim) => {
    const text = Buffer.from(bytes).toString('latin1').toUpperCase()
    const sum = Buffer.from(claim, 'hex').reduce((total, byte) => total ^ byte, 0)
    const body = `\x02${claim}${sum.toString(16).toUpperCase().padStart(2, '0')}`
    return text.includes(`${body}\x03`) || text.includes(`${body}\r\n\x03`)
  },
}
