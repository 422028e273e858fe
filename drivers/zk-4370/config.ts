import { choice, duration, options, secret, type OptionValues, type ReaderSession } from '../../src/driver.js'

export const fields = options({
  password: secret('Comm key of the terminal, digits; absent when it has none.'),
  poll: duration('5m', 'How often the log is compared, besides after every live event.'),
  users: choice(
    ['terminal', 'site'],
    'terminal',
    'terminal: user numbers are those of this terminal only; site: the same person has the same number at all.',
  ),
  // The sources disagree. [ZK4370 §5]
  layout16: choice(
    ['verify-state', 'state-verify'],
    'verify-state',
    'Terminals with records of 16 bytes: which of the two codes comes first.',
  ),
  verifyCodes: choice(
    ['new', 'old'],
    'new',
    'old: black and white terminals, where code 0 is a password, 1 a finger, 2 a card.',
  ),
})

export type Config = OptionValues<typeof fields>
export type Session = ReaderSession<Config, 'bytes'>
