import { choice, duration, flag, options, secret, whole, type OptionValues } from '../../src/driver.js'

export const fields = options({
  poll: duration('100ms', 'Each device is asked once in this time; with many devices on a slow line it takes longer.'),
  // Of a device itself it is 200 ms; converters over the network add theirs. [OSDP §1]
  reply: duration('200ms', 'A device that has not begun to answer by then is asked again.'),
  check: choice(['crc', 'checksum'], 'crc', 'How packets are checked; checksum for devices of the first days only.'),
  installKey: choice(
    ['refuse', 'allow'],
    'refuse',
    'allow: devices without a key of their own are spoken to with the public key, to give them one. Switch it off again.',
  ),
})

export const pointFields = {
  match: options({ address: whole(0, 126, 0, 'Address of the device on the bus.') }),
  options: options({
    keySecret: secret('Key of the secure channel (SCBK), 32 hex digits; with it nothing is taken in the clear.'),
    order: choice(
      ['as-sent', 'reversed'],
      'as-sent',
      'reversed: this device sends the bytes of a UID last byte first.',
    ),
    formats: choice(
      ['checked', 'raw'],
      'checked',
      'raw: cards of 26, 34, 35 and 37 bits are taken without looking at their parity.',
    ),
    format37: choice(['h10302', 'h10304'], 'h10302', 'h10304: a 37-bit card has 16 bits of facility.'),
    feedback: flag(true, 'Show the verdict with light and buzzer of the device.'),
    hold: duration('1s', 'Some devices send a held card again and again: silence after which it counts anew.'),
    pinTimeout: duration('10s', 'A PIN whose next key does not come is forgotten.'),
  }),
} as const

export type Config = OptionValues<typeof fields>
export type PointOptions = OptionValues<typeof pointFields.options>
