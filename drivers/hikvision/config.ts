import {
  choice,
  duration,
  flag,
  options,
  secret,
  text,
  type OptionValues,
  type ReaderSession,
} from '../../src/driver.js'

export const fields = options({
  pathSecret: secret('Stands in the path to which terminals push; pushes without it are refused. Letters and digits.'),
  callback: text(
    '',
    'URL under which terminals reach this listener, http://192.168.1.10:8090: they are told so. Empty: set by hand.',
  ),
  allow: text(
    '',
    'Addresses and networks from which terminals push, 192.168.1.0/24, 10.0.0.5. Empty: from everywhere.',
  ),
  users: choice(
    ['terminal', 'site'],
    'terminal',
    'site: an employee number means the same person at every terminal; terminal: at this one only.',
  ),
  successCodes: text(
    '',
    'Minor numbers that are punches, 0x4b:face, 0x26:fingerprint, 0x01:card. Empty: the list of the vendor.',
  ),
  poll: duration('5m', 'How often a terminal with a url is asked for records that did not come by themselves.'),
})

export const pointFields = {
  match: options({ serial: text('', 'Serial number, as the terminal tells it: K12345678, or the long one.') }),
  options: options({
    url: text('', 'Where the terminal is, http://192.168.1.64. Empty: it only pushes, and gaps cannot be filled.'),
    username: text('admin', 'Login for the url.'),
    password: secret('Password of that login.'),
    stream: flag(false, 'Also read its alert stream, for terminals that cannot push to us.'),
  }),
} as const

export type Config = OptionValues<typeof fields>
export type PointOptions = OptionValues<typeof pointFields.options>
export type Session = ReaderSession<Config, 'http'>
