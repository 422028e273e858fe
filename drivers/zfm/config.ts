import { choice, duration, options, secret, text, whole, type OptionValues } from '../../src/driver.js'

export const fields = options({
  address: text('FFFFFFFF', 'Address of the module, 8 hex digits.'),
  passwordSecret: secret('Password of the module, 8 hex digits; absent: 00000000, as it left the factory.'),
  // An empty sensor answers within some 100 ms anyway, so this is the pause between two answers. [ZFM §6]
  poll: duration('150ms', 'Pause between two looks at the sensor.'),
  light: choice(
    ['auto', 'aura', 'aura3', 'backlight', 'none'],
    'auto',
    'aura: ring of the R503; aura3: one of the first generation, without green; backlight: on and off.',
  ),
  captures: whole(0, 6, 0, 'How often a finger is taken to enrol it; 0: four times on an R503, else twice.'),
  // Some AS608 clones report 0. [ZFM §7]
  capacity: whole(0, 5000, 0, 'Slots of the module; 0: as it says itself.'),
  security: whole(0, 5, 0, 'Matching from 1 (lenient) to 5 (strict); 0: as it is set in the module.'),
})

export type Config = OptionValues<typeof fields>
