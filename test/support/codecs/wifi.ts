import { addressKind } from '../../../drivers/wifi/codec.js'
import { hexOf, type Codec } from './codec.js'

export const wifi: Codec = {
  driver: 'wifi',
  maxHeld: 0,
  whole: true,
  open: () => ({
    held: 0,
    feed: (bytes) => (addressKind(hexOf(bytes)) === 'none' ? [] : [hexOf(bytes)]),
  }),
  bears: (bytes, claim) => bytes.length === 6 && hexOf(bytes) === claim && ((bytes[0] ?? 1) & 1) === 0,
}
