/** loop: on a card whose fsync takes 20 ms, how long does anything else in the daemon wait? */
import { join } from 'node:path'
import { measure } from './child.js'
import { compile } from './compile.js'
import { outcomeOf, quantile, round, type Bench } from './outcome.js'

/** What the measured process prints. */
export interface Delays {
  /** 99 % of the turns of the main loop were late by less. */
  readonly loopP99Ms: number
  readonly loopMaxMs: number
  /** Milliseconds from arrival to durable, of each report. */
  readonly durable: readonly number[]
}

const SYNC_MS = 20
const LIMIT_MS = 5
const RATES = [20, 2_000]

export const loop: Bench = {
  name: 'loop',
  title: `main-loop delay p99 ÷ one fsync of ${SYNC_MS} ms, at ${RATES.join('/s and ')}/s (${LIMIT_MS} ms allowed)`,
  goal: { bound: 'at most', limit: LIMIT_MS / SYNC_MS },

  async run({ folder, quick, say }) {
    const shim = compile('slow-sync', folder, ['-shared', '-fPIC'])
    if (shim === undefined)
      return { ratios: {}, skipped: 'no C compiler to slow fsync down with (sudo apt install gcc libc6-dev)' }
    const env = { ...process.env, LD_PRELOAD: shim, SLOW_SYNC_MS: String(SYNC_MS) }
    const rounds = quick ? 1 : 5
    const seconds = quick ? 1 : 4
    const found = new Map<number, Delays[]>(RATES.map((rate) => [rate, []]))
    for (let turn = 1; turn <= rounds; turn++) {
      for (const rate of RATES) {
        const delays = await measure<Delays>(
          'child-loop',
          [join(folder, `journal-${turn}-${rate}.db`), rate, seconds],
          env,
        )
        if (Math.min(...delays.durable) < SYNC_MS) throw new Error('loop: the slow fsync did not take hold')
        found.get(rate)?.push(delays)
        say(`loop ${turn}/${rounds}: ${rate}/s, p99 ${round(delays.loopP99Ms)} ms`)
      }
    }
    const all = [...found.values()]
    // A round is as bad as its worse rate.
    const ratios = all[0]!.map((_, turn) => Math.max(...all.map((rounds) => rounds[turn]!.loopP99Ms)) / SYNC_MS)
    return outcomeOf(
      this.goal,
      'fsync20ms',
      ratios,
      Object.fromEntries(RATES.flatMap((rate) => figures(rate, found.get(rate)!))),
    )
  },
}

function figures(rate: number, rounds: readonly Delays[]): (readonly [string, number])[] {
  const durable = rounds.flatMap((round) => round.durable)
  return [
    [
      `loopP99MsAt${rate}`,
      round(
        quantile(
          rounds.map(({ loopP99Ms }) => loopP99Ms),
          0.5,
        ),
      ),
    ],
    [`loopMaxMsAt${rate}`, round(Math.max(...rounds.map(({ loopMaxMs }) => loopMaxMs)))],
    [`durableP50MsAt${rate}`, round(quantile(durable, 0.5))],
    [`durableP99MsAt${rate}`, round(quantile(durable, 0.99))],
  ]
}
