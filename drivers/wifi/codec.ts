/** What the address of a station tells. Pure. [WIFI §3] */

/**
 * `fixed`: given by the maker of the device. `random`: invented by the device, for this network or this day. `none`: an
 * address of many, or no address at all.
 */
export type AddressKind = 'fixed' | 'random' | 'none'

/** `address`: 12 upper-case hex digits. */
export function addressKind(address: string): AddressKind {
  if (!/^[0-9A-F]{12}$/.test(address)) return 'none'
  const first = Number.parseInt(address.slice(0, 2), 16)
  if ((first & 0x01) !== 0 || /^0+$/.test(address)) return 'none'
  // Locally administered: the second digit is 2, 6, A or E.
  return (first & 0x02) !== 0 ? 'random' : 'fixed'
}
