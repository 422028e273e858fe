import { badgeServices, beaconsOf } from '../../../drivers/ble/codec.js'
import { partsOf } from '../adverts.js'
import { hexOf, places, type Codec } from './codec.js'

const { services } = badgeServices('fce7')

/** What stands before a number, and where the number begins: nothing else checks it. */
const FORMS: readonly { readonly mark: string; readonly at: number; readonly bytes: number }[] = [
  { mark: 'FF4C000215', at: 5, bytes: 20 },
  { mark: 'BEAC', at: 2, bytes: 20 },
  { mark: '16AAFE00', at: 5, bytes: 16 },
]

export const ble: Codec = {
  driver: 'ble',
  maxHeld: 0,
  // The radio checks each advertisement, and hands over whole ones.
  whole: true,
  open: () => ({ held: 0, feed: (data) => beaconsOf(partsOf(data), services).beacons }),
  bears: (bytes, claim) => {
    for (const here of places(bytes)) {
      const text = hexOf(here)
      if (FORMS.some(({ mark, at, bytes: length }) => text.startsWith(mark) && text.slice(2 * at, 2 * (at + length)) === claim)) return true // prettier-ignore
      // A badge: the service in any of its lengths, least significant byte first, in a list or before its data.
      if (text.startsWith('E7FC') && (claim === 'FCE7' || text.slice(4).replace(/^0000/, '').startsWith(claim)))
        return true
      if (text.startsWith(`E7FC${claim}`)) return true
    }
    return false
  },
}
