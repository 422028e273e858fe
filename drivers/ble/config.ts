import { options, presenceOptions, text } from '../../src/driver.js'

export const fields = options({
  ...presenceOptions({ samples: 3, within: '10s', away: '60s' }),
  badges: text(
    '',
    'Services of badges whose service data are their number: UUIDs of 4 or 32 digits, separated by spaces.',
  ),
})
