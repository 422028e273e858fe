/** fuzz: a million bent inputs for every codec; what goes wrong ÷ what was fed must be nothing. */
import { CODECS } from '../test/support/codecs.js'
import { fuzz as feed } from '../test/support/fuzz.js'
import { outcomeOf, round, type Bench } from './outcome.js'

const INPUTS = 1_000_000
const QUICK_INPUTS = 2_000

export const fuzz: Bench = {
  name: 'fuzz',
  title: 'inputs that made a codec throw, hold too much or believe what has no right check ÷ inputs',
  goal: { bound: 'at most', limit: 0 },

  run({ quick, say }) {
    const inputs = quick ? QUICK_INPUTS : INPUTS
    const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
    const figures: Record<string, number | string> = { inputsEach: inputs, seed }
    const ratios: number[] = []
    for (const codec of CODECS) {
      const { failures, slowest, mostHeld } = feed(codec, inputs, seed)
      say(`fuzz ${codec.driver}: ${failures.length === 0 ? 'nothing wrong' : failures.join('\n')}`)
      figures[codec.driver] = `held at most ${mostHeld} B, slowest ${round(slowest)} ms for 100 B`
      ratios.push(failures.length / inputs)
    }
    return Promise.resolve(outcomeOf(this.goal, 'inputs', ratios, figures))
  },
}
