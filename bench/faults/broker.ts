/**
 * Bad lines, dying brokers and brokers that answer anything: whatever is stored must arrive, once, in order, and the
 * daemon must not knock in a tight loop.
 */
import { join } from 'node:path'
import { everyCode } from './codes.js'
import type { Fault, FaultOptions, Finding } from './fault.js'
import { controlOf, rowOf, violationsOf } from './line-report.js'
import { runTrial } from './line-run.js'
import { brokerTrials, controlTrial, lineTrials } from './line-trials.js'
import { sideBySide } from './side-by-side.js'

const LOAD = { quick: 300, usual: 2_000, full: 20_000 }
/** Two cores: the starts of so many daemons at once still do not starve each other. */
const AT_ONCE = 5

export const broker: Fault = {
  name: 'broker',
  title: 'bad lines, brokers that die, brokers that answer anything',

  async run(options) {
    const found = [await onLines(options), await everyCode(join(options.folder, 'codes'), options.say)]
    return { rows: found.flatMap(({ rows }) => rows), violations: found.flatMap(({ violations }) => violations) }
  },
}

async function onLines({ folder, size, seed, say, times }: FaultOptions): Promise<Finding> {
  const load = times ?? LOAD[size]
  const folderOf = (name: string): string => join(folder, name.replaceAll(' ', '-'))
  const trials = [...brokerTrials(load, folderOf), ...lineTrials(load, seed)]
  const only = process.env['TRIAL']
  let done = 0
  const found = await sideBySide(
    trials.filter(({ name }) => only === undefined || only === name),
    AT_ONCE,
    async (trial) => {
      const result = await runTrial(trial, folderOf(trial.name))
      say(`${++done}/${trials.length}: ${trial.name}, ${result.subscriber.received} received`)
      return result
    },
  )
  const control = controlOf(await runTrial(controlTrial(Math.min(load, 200), folderOf), folderOf('control')))
  return {
    rows: [...found.map(rowOf), control.row],
    violations: [...found.flatMap(violationsOf), ...control.violations],
  }
}
