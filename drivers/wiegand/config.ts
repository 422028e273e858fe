import { choice, duration, flag, options, text, whole, type OptionValues } from '../../src/driver.js'

export const fields = options({
  lines: choice(
    ['hex', 'decimal', 'bits'],
    'hex',
    'How a converter writes a card: hex or decimal number of the data bits, or all bits as 0 and 1. gpio: needs none.',
  ),
  dataBits: whole(16, 64, 24, 'Data bits of those numbers: 24 for 26-bit cards, 32 for 34-bit cards.'),
  formats: text('26,34,35,37', 'Bit counts that are taken for cards.'),
  format37: choice(['h10302', 'h10304'], 'h10302', 'h10304: a 37-bit card has 16 bits of facility.'),
  unknown: choice(
    ['ignore', 'raw'],
    'ignore',
    'raw: other bit counts from 17 on are taken as they are, without a check.',
  ),
  order: choice(['as-sent', 'reversed'], 'as-sent', 'reversed: this reader sends the bytes of a UID last byte first.'),
  swapped: flag(false, 'D0 and D1 are swapped: every bit is inverted.'),
  keypad: choice(['none', '4bit', '8bit'], 'none', 'Bursts of this length are keys; # ends a PIN, * clears it.'),
  pinTimeout: duration('10s', 'A PIN whose next key does not come is forgotten.'),
  gap: duration('30ms', 'Silence that ends a burst of bits.'),
  hold: duration('1s', 'Some readers send a held card again and again: silence after which it counts anew.'),
})

export type Config = OptionValues<typeof fields>
