import { choice, duration, flag, options, secret, text, type OptionValues } from '../../src/driver.js'

export const fields = options({
  suffix: choice(
    ['cr', 'lf', 'crlf', 'tab', 'none'],
    'cr',
    'What the scanner sends after a code; none: a pause ends it.',
  ),
  gap: duration('100ms', 'With suffix none: the pause that ends a code.'),
  prefix: text('', 'What the scanner puts before each code, such as ]Q1; it is taken off.'),
  setup: choice(
    ['none', 'trigger', 'continuous'],
    'none',
    'GM65 class: set it up at the start to read when told (trigger) or all the time; none leaves it as it is.',
  ),
  readBeep: flag(
    false,
    'With setup: let the scanner beep when it has read a code. It does not mean that the punch is stored.',
  ),
  feedback: choice(['none', 'flash'], 'none', 'With setup: show the verdict with the light of the scanner.'),
  // Scanners in continuous mode repeat a code about twice a second. [QR §1]
  hold: duration('3s', 'Silence after which the same code counts as presented again.'),
  signed: choice(
    ['off', 'accept', 'require'],
    'off',
    'Signed rotating codes: off takes them as text, require takes nothing else.',
  ),
  publicKeys: text('', 'Ed25519 public keys of the issuers, base64, separated by spaces (punchd qr keygen --ed25519).'),
  hmacSecret: secret('Secret of the issuer, base64 of 16 bytes or more (punchd qr keygen --hmac).'),
  clockSkew: duration('5s', 'How far the clock of a phone may be off.'),
  maxLifetime: duration('5m', 'Signed codes that are valid for longer are refused.'),
})
export type Config = OptionValues<typeof fields>
