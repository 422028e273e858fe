/** Everything that `npm run torture` breaks, in the order in which it does. */
import { broker } from './broker.js'
import { drivers } from './drivers.js'
import type { Fault } from './fault.js'
import { kill } from './kill.js'
import { points } from './points.js'
import { simulation } from './simulation.js'
import { torn } from './torn.js'

export const FAULTS: readonly Fault[] = [kill, points, torn, broker, drivers, simulation]
