import { options, presenceOptions } from '../../src/driver.js'

// Phones doze for minutes: only a long silence is a departure. [WIFI §2]
export const fields = options({ ...presenceOptions({ samples: 1, within: '2m', away: '15m' }) })
