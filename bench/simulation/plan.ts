/** What a seed is like: which rules hold at the site, what may go wrong there, and for how long. */
import type { Config } from '../../src/config/config.js'
import type { FaultPlan } from '../../simulators/faults.js'
import { between, type Random } from '../../simulators/random.js'
import { GATEWAY, mqttConfig, SITE } from '../fixture.js'
import { READERS } from './readers.js'

/** `safety`: whatever may happen at any time; nothing wrong may come of it. `liveness`: then all is well again, and all must arrive. */
export type Mode = 'safety' | 'liveness'

export interface Plan {
  readonly mode: Mode
  readonly settle: 'puback' | 'receipt'
  readonly repeatWindowMs: number
  readonly withinMs: number
  readonly hasPeople: boolean
  readonly retainsReceipts: boolean
  readonly window: number
  /** Faults of the wires, each for one frame. */
  readonly wires: FaultPlan
  /** How many stretches of service there are, and how long one is. */
  readonly stretches: number
  readonly stretchMs: number
  /** From one visit to the next, and from one fault to the next, on the average. */
  readonly visitEveryMs: number
  readonly faultEveryMs: number
}

const MINUTE = 60_000
const WIRES: FaultPlan = { noise: 0.05, split: 0.2, corrupt: 0.05, delay: 0.1, cut: 0.01 }
const FOR_EVER_MS = 10_000 * 86_400_000

export function planOf(random: Random): Plan {
  const some = <T>(values: readonly [T, ...T[]]): T => values[between(random, 0, values.length - 1)] ?? values[0]
  return {
    mode: some(['safety', 'liveness']),
    settle: some(['puback', 'receipt']),
    repeatWindowMs: some([5 * MINUTE, MINUTE / 2]),
    withinMs: some([MINUTE, MINUTE, 15 * MINUTE]),
    hasPeople: some([true, true, false]),
    retainsReceipts: some([true, false]),
    window: some([64, 64, 4, 1]),
    wires: some([WIRES, {}]),
    stretches: between(random, 4, 8),
    stretchMs: between(random, 1, 4) * MINUTE,
    visitEveryMs: between(random, 4, 20) * 1_000,
    faultEveryMs: between(random, 10, 60) * 1_000,
  }
}

export function configOf({ settle, repeatWindowMs, withinMs, window }: Plan, data: string): Config {
  return {
    site: SITE,
    gateway: { id: GATEWAY },
    data: { path: data, keepSettledMs: FOR_EVER_MS },
    mqtt: { ...mqttConfig(1), window, settle },
    readers: READERS,
    policy: {
      repeatWindowMs,
      verify: [{ place: 'vault', factors: ['card', 'pin'], withinMs }],
      unknown: 'publish',
      autoDirection: { dayStartMs: null, maxStayMs: 57_600_000 },
    },
    log: { level: 'info' },
  }
}
