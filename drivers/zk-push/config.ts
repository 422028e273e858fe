import { choice, duration, flag, options, secret, text, type OptionValues } from '../../src/driver.js'

export const fields = options({
  allow: text('', 'Addresses and networks from which terminals may speak, such as 192.168.1.0/24; empty: all.'),
  users: choice(
    ['terminal', 'site'],
    'terminal',
    'Whether user 5 of one terminal is user 5 of all (site), or of that one only.',
  ),
  delay: duration('10s', 'How often terminals ask for commands.'),
  silence: duration('2m', 'A terminal that says nothing for so long is lost.'),
})

export const pointFields = {
  match: options({ serial: text('', 'Serial number of the terminal, as its menu shows it.') }),
  options: options({
    verifyCodes: choice(
      ['new', 'old'],
      'new',
      'Which numbers mean finger, card and face: old for black and white models.',
    ),
    pushPassword: secret('Communication key that the terminal must send (pushcommkey).'),
    countsTables: flag(
      true,
      'Answer tables of access control with their count; false for models that send them for ever.',
    ),
  }),
} as const

export type Config = OptionValues<typeof fields>
export type PointOptions = OptionValues<typeof pointFields.options>
