import { choice, duration, options, text, whole } from '../../src/driver.js'

export const fields = options({
  type: choice(['card', 'qr', 'pin'], 'card', 'What is typed: a card number, the text of a code, or a PIN.'),
  end: choice(
    ['enter', 'tab', 'none'],
    'enter',
    'Key that ends a code (Enter always does); none: silence ends it, after the time-out.',
  ),
  // A gap above 500 ms inside a code is a person at a keyboard. [WEDGE §1.4]
  timeout: duration('500ms', 'Silence within a code after which it is lost, or over with end none; 5s for PIN pads.'),
  hold: duration('1s', 'The same code again within this time is the same presentation.'),
  format: choice(['decimal', 'hex', 'facility'], 'decimal', 'Cards: how the number is typed; facility: 134,62532.'),
  digits: whole(0, 32, 10, 'Cards: how many digits are typed; 0 for any number of them. Not for facility.'),
  bytes: whole(3, 10, 4, 'Cards: how many bytes a decimal number stands for; 4 for ten digits.'),
  order: choice(['big', 'little'], 'big', 'Cards: little when the reader types the least significant byte first.'),
  strip: text('', 'Cards: characters that the reader types before the number.'),
  prefix: text('', 'Cards: hex digits to put before the number, such as the first byte of an EM4100 card.'),
  layout: choice(
    ['auto', '64-bit', '32-bit'],
    'auto',
    'Size of an event; auto is right for input:, the others are for tcp:.',
  ),
})
