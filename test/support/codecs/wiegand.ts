import { edgeOf, keyOf, LineDecoder } from '../../../drivers/wiegand/codec.js'
import { cardOfNumber } from '../../../drivers/wiegand/number.js'
import type { Codec } from './codec.js'

export const wiegand: Codec = {
  driver: 'wiegand',
  maxHeld: 160,
  open: () => {
    const decoder = new LineDecoder()
    return {
      feed: (piece) =>
        decoder.push(piece).lines.flatMap((line) => {
          edgeOf(line)
          keyOf(line, '4bit')
          cardOfNumber(line, 'decimal', 32)
          return cardOfNumber(line, 'hex', 24)?.value ?? []
        }),
      get held() {
        return decoder.held
      },
    }
  },
  // A line of a converter has no check: the digits must stand there.
  bears: (bytes, claim) => Buffer.from(bytes).toString('latin1').toUpperCase().replace(/[^0-9A-F]/g, '').includes(claim.replace(/^0+/, '')), // prettier-ignore
}
