/** The numbers that converters write. */
import { bitCard, type BitCard } from '../../src/driver.js'

/** A number whose data bits a converter sends without parity: 24 are facility and card, 32 are 16 and 16. [WG §4] */
export function cardOfNumber(written: string, base: 'hex' | 'decimal', dataBits: number): BitCard | undefined {
  const shape = base === 'hex' ? /^[0-9A-Fa-f]+$/ : /^[0-9]+$/
  if (!shape.test(written)) return undefined
  // Any other count of digits is another format, or half a line: a card cut short is somebody else's.
  if (base === 'hex' && written.length !== Math.ceil(dataBits / 4)) return undefined
  const value = BigInt(base === 'hex' ? `0x${written}` : written)
  if (value >= 1n << BigInt(dataBits)) return undefined
  const bits = value.toString(2).padStart(dataBits, '0')
  return bitCard(`D${dataBits}`, bits, dataBits === 24 ? 8 : dataBits === 32 ? 16 : 0)
}
