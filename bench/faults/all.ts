/** Everything that `npm run torture` breaks, in the order in which it does. */
import type { Fault } from './fault.js'
import { kill } from './kill.js'
import { points } from './points.js'

export const FAULTS: readonly Fault[] = [kill, points]
