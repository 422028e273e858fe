/**
 * Torn sectors and writes in another order (B14): what the journal asked of its files is written down, and played to a
 * disk that keeps any part of what was not synced yet. From whatever is left after a cut at any moment, the journal
 * must open with everything that it had called stored, and nothing else.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Journal } from '../../src/journal/journal.js'
import { seeded } from '../../simulators/random.js'
import { timesOf, type Fault, type FaultOptions, type Row } from './fault.js'
import { TornStates, type TornFindings } from './torn-states.js'
import { TRACED, stepsIn } from './torn-trace.js'
import { IDENTITY } from './torn-records.js'

const STATES = { quick: 100, usual: 1_000, full: 20_000 }
/** SQLite checkpoints every thousand pages: some of that must be among what is cut. */
const COMMITS = { quick: 900, usual: 2_500, full: 2_500 }
const CONTROL = { commits: 100, states: 40 }
const CHILD = fileURLToPath(new URL('child-torn.js', import.meta.url))

export const torn: Fault = {
  name: 'torn',
  title: 'torn sectors, and writes in another order',

  async run(options) {
    if (spawnSync('strace', ['-o', '/dev/null', 'true']).status !== 0)
      return { skipped: 'strace is not installed, or may not trace here: apt install strace' }
    const states = timesOf(options, STATES)
    const found = await play(options, 'run', { commits: COMMITS[options.size], states, careless: false })
    const control = await play(options, 'control', { ...CONTROL, careless: true })
    const violations = [...found.violations]
    if (control.lost === 0) violations.push('the control was not found out: this run proves nothing')
    if (found.inCheckpoints === 0) violations.push('no state was of a checkpoint: too few commits')
    return { rows: rowsOf(found, control), violations }
  },
}

interface Plan {
  readonly commits: number
  readonly states: number
  readonly careless: boolean
}

async function play({ folder, seed, say }: FaultOptions, name: string, plan: Plan): Promise<TornFindings> {
  const place = join(folder, name)
  const data = join(place, 'data')
  mkdirSync(data, { recursive: true })
  new Journal(join(data, 'journal.db'), IDENTITY).close()
  const before = filesIn(data)
  say(`${name}: ${plan.commits} commits under strace`)
  const trace = join(place, 'trace')
  const node = [process.execPath, CHILD, '--data', data, '--commits', String(plan.commits)]
  const strace = ['-y', '-xx', '-s', '1000000', '-e', `trace=${TRACED}`, '-e', 'signal=none', '-o', trace]
  const { stderr } = spawnSync('strace', [...strace, ...node, ...(plan.careless ? ['--careless'] : [])])
  const steps = await stepsIn(trace, data)
  const promised = steps.filter(({ kind }) => kind === 'promise').length
  if (promised !== plan.commits)
    throw new Error(`${promised} of ${plan.commits} commits in the trace: ${String(stderr)}`)
  const states = new TornStates({ before, steps, final: data, work: join(place, 'state'), random: seeded(seed) })
  return states.look(plan.states, (done) => say(`${name}: state ${done}/${plan.states}`))
}

/** Everything under a folder, by name from there. */
function filesIn(folder: string): Map<string, Buffer> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return new Map(
    names
      .filter((name) => statSync(join(folder, name)).isFile() && !name.endsWith('-shm'))
      .map((name) => [name, readFileSync(join(folder, name))]),
  )
}

function rowsOf(found: TornFindings, control: TornFindings): Row[] {
  return [
    ['states', found.states, `of cuts at ${found.steps} places, ${found.inCheckpoints} of them in checkpoints`],
    ['unsure', found.unsure, 'in which something was not synced: the others say little'],
    ['lost', found.lost, 'without a record that had been called stored: must be 0'],
    ['changed', found.changed, 'with a record that is not the one that was stored: must be 0'],
    ['refused', found.refused, 'that did not open, or were found damaged: must be 0'],
    ['doubted', found.doubted, 'in which a new journal began: must be 0'],
    ['control', control.lost, `states with loss when commits are not synced (of ${control.states}): must not be 0`],
  ]
}
