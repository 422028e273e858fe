import { choice, duration, flag, options, whole, type OptionValues } from '../../src/driver.js'

export const fields = options({
  // Shorter leaves phones no time to wake up. [PN532 §4]
  poll: duration('300ms', 'Pause between two looks into the field.'),
  hold: duration('1500ms', 'A card not seen for so long has left; at least five times the pause.'),
  typeB: flag(false, 'Look for ISO 14443 type B as well; many of those cards give a new number each time.'),
  felica: flag(true, 'Look for FeliCa as well.'),
  randomUid: choice(
    ['refuse', 'report'],
    'refuse',
    'What becomes of numbers that a phone or card invents anew each time: refuse shows red, report stores them.',
  ),
  feedback: choice(['none', 'gpio'], 'none', 'gpio: light and buzzer hang on the pins P30 to P35 of the chip.'),
  greenPin: whole(0, 5, 0, 'P3x of the green light, with feedback: gpio.'),
  redPin: whole(0, 5, 1, 'P3x of the red light.'),
  buzzerPin: whole(0, 5, 3, 'P3x of the buzzer.'),
  activeLow: flag(false, 'The pins switch on when they are low.'),
})

export type Config = OptionValues<typeof fields>
