/**
 * Bad lines, dying brokers and brokers that answer anything: whatever is stored must arrive, once, in order, and the
 * daemon must not knock in a tight loop (D02, D03, D04, D06, D07, D11, D12, D13, D21, D22, D23).
 */
import { join } from 'node:path'
import { everyCode } from './codes.js'
import type { Fault, FaultOptions, Finding } from './fault.js'
import { hostileBrokers } from './hostile.js'
import { controlOf, rowOf, violationsOf } from './line-report.js'
import { runTrial } from './line-run.js'
import { brokerTrials, controlTrial, lineTrials, receiptTrials } from './line-trials.js'
import { sideBySide } from './side-by-side.js'

const LOAD = { quick: 300, usual: 2_000, full: 20_000 }
const HEAVY = { quick: 1_000, usual: 10_000, full: 100_000 }
const CONTROL_LOAD = 200
/** Two cores: the starts of so many daemons at once still do not starve each other. */
const AT_ONCE = 5

export const broker: Fault = {
  name: 'broker',
  title: 'bad lines, brokers that die, brokers that answer anything',

  async run(options) {
    const { folder, say, seed } = options
    say('every reason code and every wrong answer, side by side; behind them, bad lines')
    // Most of it is waiting.
    const found = await Promise.all([
      everyCode(join(folder, 'codes')),
      hostileBrokers(join(folder, 'hostile'), seed),
      onLines(options),
    ])
    return { rows: found.flatMap(({ rows }) => rows), violations: found.flatMap(({ violations }) => violations) }
  },
}

async function onLines({ folder, size, seed, say, times }: FaultOptions): Promise<Finding> {
  const load = times ?? LOAD[size]
  const folderOf = (name: string): string => join(folder, name.replaceAll(' ', '-'))
  const trials = [
    ...lineTrials(load, seed),
    ...brokerTrials(load, folderOf),
    ...receiptTrials(load, times ?? HEAVY[size], seed, folderOf),
  ]
  let done = 0
  const found = await sideBySide([...trials, controlTrial(CONTROL_LOAD, folderOf)], AT_ONCE, async (trial) => {
    const result = await runTrial(trial, folderOf(trial.name))
    say(`${++done}/${trials.length + 1}: ${trial.name}, ${result.subscriber.received} received`)
    return result
  })
  const trialed = found.filter(({ trial }) => !trial.away)
  const controls = found.filter(({ trial }) => trial.away).map(controlOf)
  return {
    rows: [...trialed.map(rowOf), ...controls.map(({ row }) => row)],
    violations: [...trialed.flatMap(violationsOf), ...controls.flatMap(({ violations }) => violations)],
  }
}
