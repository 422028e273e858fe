/**
 * SIGKILL at random moments (A10), all on one growing journal. Whatever was shown a green light must be stored, once; whatever
 * is stored must arrive.
 */
import { join } from 'node:path'
import { mkdirSync } from 'node:fs'
import { seeded } from '../../simulators/random.js'
import { timesOf, type Fault, type FaultOptions, type Row } from './fault.js'
import { rowsOf, violationsOf } from './kill-report.js'
import { runKills } from './kill-run.js'

const KILLS = { quick: 20, usual: 200, full: 1_000 }
/** The control ends with its first find; without one it has seen enough. */
const CONTROL_KILLS = 40

export const kill: Fault = {
  name: 'kill',
  title: 'SIGKILL at random moments',

  async run(options) {
    const { seed, say } = options
    const kills = timesOf(options, KILLS)
    const found = await runKills({ folder: made(options, 'run'), kills, random: seeded(seed), cheat: false, say })
    const control = await positiveControl(options)
    const notFoundOut = control.missing === 0 ? ['the control was not found out: this run proves nothing'] : []
    return { rows: [...rowsOf(found), control.row], violations: [...violationsOf(found), ...notFoundOut] }
  },
}

/** The same harness against a daemon that shows green too early: it must find it out. */
async function positiveControl(options: FaultOptions): Promise<{ missing: number; row: Row }> {
  const random = seeded(options.seed)
  const folder = made(options, 'control')
  const found = await runKills({ folder, kills: CONTROL_KILLS, random, cheat: true, say: options.say })
  const missing = found.stored.missing.length
  const note = `missing, of a daemon that shows green before it stores (${found.kills} kills): must not be 0`
  return { missing, row: ['control', missing, note] }
}

function made({ folder }: FaultOptions, name: string): string {
  const path = join(folder, name)
  mkdirSync(path)
  return path
}
