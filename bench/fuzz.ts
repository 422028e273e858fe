/** fuzz: of a million mutated inputs per codec, how many does one fall over? */
import { CODECS } from '../test/support/codecs.js'
import { fuzzApart } from '../test/support/fuzz-thread.js'
import type { Failure } from '../test/support/fuzz.js'
import { judged, spreadOf, type Bench, type Figures, type Goal, type Outcome } from './outcome.js'

const INPUTS = 1_000_000
const QUICK_INPUTS = 2_000

export const fuzz: Bench = {
  name: 'fuzz',
  title: 'failures ÷ mutated inputs, over the codecs of all drivers (FUZZ_SEED and FUZZ_INPUTS repeat a run)',
  goal: { bound: 'at most', limit: 0 },

  async run({ quick, say }) {
    const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 0x7fff_ffff))
    const inputs = Number(process.env['FUZZ_INPUTS'] ?? (quick ? QUICK_INPUTS : INPUTS))
    const figures: Record<string, number | string> = { seed, inputsPerCodec: inputs }
    const shares: number[] = []
    for (const { driver } of CODECS) {
      const { failures, claims, bytes, ms } = await fuzzApart(driver, seed, inputs)
      shares.push(failures.length / inputs)
      figures[`${driver}GoodFrames`] = claims
      figures[`${driver}NsPerByte`] = Math.round((ms * 1e6) / Math.max(1, bytes))
      for (const failure of failures) say(`fuzz: ${driver}: ${sentence(failure)}`)
      say(`fuzz ${driver}: ${failures.length} failures, ${Math.round(ms / 1_000)} s`)
    }
    return outcome(this.goal, shares, figures)
  },
}

/** One codec that falls is one too many: no median over codecs. */
function outcome(goal: Goal, shares: readonly number[], figures: Figures): Outcome {
  const worst = judged([{ against: 'inputs', goal, rounds: [Math.max(...shares)] }], figures)
  return { ...worst, spreads: { inputs: spreadOf(shares) } }
}

function sentence({ input, what, detail, hex }: Failure): string {
  return `input ${input} ${what}: ${detail} (${hex})`
}
