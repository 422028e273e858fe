/** What light and buzzer of a device show. */
import type { Verdict } from '../../src/driver.js'
import type { Pattern } from './codec.js'

/** Told apart with the eyes shut, or with the ears shut. Times in 100 ms. */
export const PATTERNS: Readonly<Record<Verdict | 'identify', Pattern>> = {
  accepted: { colour: 'green', on: 3, off: 0, times: 1 },
  repeat: { colour: 'green', on: 2, off: 2, times: 2 },
  unknown: { colour: 'red', on: 10, off: 0, times: 1 },
  refused: { colour: 'red', on: 2, off: 2, times: 3 },
  identify: { colour: 'green', on: 5, off: 5, times: 5 },
}
