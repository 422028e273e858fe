/**
 * `npm run torture -- [--quick] [--kills N] [--seed N] [--dir PATH] [--cheat]`: SIGKILL at random moments, all on one
 * growing journal. Whatever was shown a green light must be stored, once; whatever is stored must arrive.
 */
import { parseArgs } from 'node:util'
import { seeded } from '../simulators/random.js'
import { BenchError } from './outcome.js'
import { machine } from './table.js'
import { isClean, report } from './torture-report.js'
import { torture } from './torture-run.js'
import { Workspace } from './workspace.js'

const KILLS = 200
const QUICK_KILLS = 20
/** The control ends with its first find; without one it has seen enough. */
const CONTROL_KILLS = 40
const USAGE = 64

function parse(): { kills: number; seed: number; dir: string; cheat: boolean } {
  const usage = 'usage: npm run torture -- [--quick] [--kills N] [--seed N] [--dir PATH] [--cheat]'
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        kills: { type: 'string' },
        seed: { type: 'string', default: String(Date.now() % 1_000_000) },
        dir: { type: 'string', default: '.bench' },
        cheat: { type: 'boolean', default: false },
      },
    })
    const kills = Number(values.kills ?? (values.quick ? QUICK_KILLS : KILLS))
    const seed = Number(values.seed)
    if (!Number.isInteger(kills) || kills < 1 || kills > 0xffff)
      throw new Error('--kills takes a whole number from 1 to 65535')
    if (!Number.isInteger(seed)) throw new Error('--seed takes a whole number')
    return { kills, seed, dir: values.dir, cheat: values.cheat }
  } catch (error) {
    throw new BenchError(`${error instanceof Error ? error.message : String(error)}\n${usage}`, USAGE)
  }
}

async function main(): Promise<void> {
  const { kills, seed, dir, cheat } = parse()
  const workspace = new Workspace(dir)
  const print = (text: string): void => void process.stdout.write(`${text}\n`)
  print(
    `seed ${seed} (again: npm run torture -- --kills ${kills} --seed ${seed}; the moments of the kills repeat, what they meet does not)`,
  )
  const found = await torture({ folder: workspace.folder('run'), kills, random: seeded(seed), cheat, control: false })
  print(report(cheat ? 'a daemon that lies (--cheat):' : 'the daemon:', found))
  if (!isClean(found)) process.exitCode = 1
  if (!cheat) await positiveControl(workspace.folder('control'), seed, print)
  print(machine(dir))
  print(
    'This cannot find what only a power cut shows: the kernel survives a SIGKILL and still writes what it was given.',
  )
}

/** The same harness against a daemon that shows green too early: it must find it out. */
async function positiveControl(folder: string, seed: number, print: (text: string) => void): Promise<void> {
  const found = await torture({ folder, kills: CONTROL_KILLS, random: seeded(seed), cheat: true, control: true })
  const { length } = found.stored.missing
  const verdict =
    length > 0
      ? `found out: ${length} missing after ${found.kills} kills`
      : 'NOT FOUND OUT: the result above proves nothing'
  print(`control, a daemon that shows green before it stores: ${verdict}`)
  if (length === 0) process.exitCode = 1
}

main().catch((error: unknown) => {
  const text =
    error instanceof BenchError
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error)
  process.stderr.write(`torture: ${text}\n`)
  process.exit(error instanceof BenchError ? error.exitCode : 1)
})
