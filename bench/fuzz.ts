/** fuzz: a million bent inputs for every codec; codecs that went wrong ÷ codecs must be nothing. */
import { CODECS } from '../test/support/codecs.js'
import { fuzz as feed } from '../test/support/fuzz.js'
import { outcomeOf, round, type Bench } from './outcome.js'

const INPUTS = 1_000_000
const QUICK_INPUTS = 2_000

export const fuzz: Bench = {
  name: 'fuzz',
  title: 'codecs that threw, held too much or believed what has no right check ÷ codecs',
  goal: { bound: 'at most', limit: 0 },

  run({ quick, say }) {
    const inputs = quick ? QUICK_INPUTS : INPUTS
    const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
    const figures: Record<string, number | string> = { inputsEach: inputs, seed }
    let wrong = 0
    for (const codec of CODECS) {
      const { failures, slowest, mostHeld } = feed(codec, inputs, seed)
      say(`fuzz ${codec.driver}: ${failures.length === 0 ? 'nothing wrong' : failures.join('\n')}`)
      figures[codec.driver] = `held at most ${mostHeld} B, slowest ${round(slowest)} ms for 100 B`
      if (failures.length > 0) wrong += 1
    }
    return Promise.resolve(outcomeOf(this.goal, 'codecs', [wrong / CODECS.length], figures))
  },
}
