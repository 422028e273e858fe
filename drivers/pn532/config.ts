import { choice, duration, flag, options, type OptionValues } from '../../src/driver.js'
import { PINS } from './commands.js'

export const fields = options({
  // Shorter leaves phones no time to wake up. [PN532 §4]
  poll: duration('300ms', 'Pause between two looks into the field; below 300ms phones may stay asleep.'),
  hold: duration('1500ms', 'A card has left when no look found it for so long, counted in looks: hold ÷ poll.'),
  felica: flag(true, 'Look for FeliCa as well.'),
  typeB: flag(false, 'Look for ISO 14443 type B as well; many of those cards give a new number each time.'),
  randomUid: choice(
    ['refuse', 'report'],
    'refuse',
    'What becomes of numbers that a phone or card invents anew each time: refuse shows red, report stores them.',
  ),
  feedback: choice(['none', 'gpio'], 'none', 'gpio: lights and buzzer hang on pins of the chip.'),
  greenPin: choice(PINS, 'p30', 'Pin of the green light, with feedback: gpio.'),
  redPin: choice(PINS, 'p31', 'Pin of the red light.'),
  buzzerPin: choice(['none', ...PINS], 'p33', 'Pin of the buzzer; none without one.'),
  active: choice(['low', 'high'], 'low', 'Level at which lights and buzzer are on; the pins are high after power-up.'),
})

export type Config = OptionValues<typeof fields>
