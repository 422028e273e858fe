import { ScanDecoder } from '../../../drivers/qr/codec.js'
import { parseToken } from '../../../drivers/qr/token.js'
import { standsInOrder, type Codec } from './codec.js'

export const qr: Codec = {
  driver: 'qr',
  maxHeld: 4_096 + 64,
  open: () => {
    const decoder = new ScanDecoder({ suffix: 'cr', replies: true, signed: true })
    return {
      feed: (piece) => {
        const { codes } = decoder.push(piece)
        codes.forEach((code) => parseToken(code))
        return codes
      },
      get held() {
        return decoder.held
      },
    }
  },
  // The text of a code has no check on the wire: it must stand there, apart from answers to commands, which come in between
  // and are taken out. Signatures are checked behind the codec.
  bears: standsInOrder,
}
