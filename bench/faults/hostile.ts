/** Brokers that break the rules, side by side: the process lives, does not knock in a tight loop, and loses nothing. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { seeded } from '../../simulators/random.js'
import { WINDOW } from '../fixture.js'
import type { Finding } from './fault.js'
import { actsFor, type Act } from './hostile-acts.js'
import { MINUTE_MS, ScriptedRig, USUAL_A_MINUTE } from './scripted-rig.js'
import { sideBySide } from './side-by-side.js'

const RECORDS = 40
/** All live in this process, and their clocks run fast: with more, a second of theirs is too short to answer in. */
const AT_ONCE = 10
/** Longer than the longest thing that is waited for in earnest, ten seconds for a CONNACK. */
const FAULT_MS = 4 * MINUTE_MS

interface ActFound {
  readonly act: Act
  readonly connectsAMinute: number
  readonly wrong: readonly string[]
}

export async function hostileBrokers(folder: string, seed: number): Promise<Finding> {
  const acts = actsFor(seeded(seed))
  const numbered = acts.map((act, index) => ({ act, own: join(folder, String(index)) }))
  const found = await sideBySide(numbered, AT_ONCE, ({ act, own }) => runAct(act, own))
  const worst = Math.max(...found.map(({ connectsAMinute }) => connectsAMinute))
  const kept = found.filter(({ wrong }) => wrong.length === 0).length
  const names = acts.map(({ name }) => name).join(', ')
  return {
    rows: [['hostile', kept, `of ${acts.length} kinds of wrong answers; at most ${worst} connects a minute: ${names}`]],
    violations: found.flatMap(({ act, wrong }) => wrong.map((what) => `${act.name}: ${what}`)),
  }
}

async function runAct(act: Act, folder: string): Promise<ActFound> {
  const rig = await ScriptedRig.start(folder, (made) => act.script(made), RECORDS, { window: act.window ?? WINDOW })
  await sleep(FAULT_MS)
  const { connectsAMinute } = rig
  const wrong: string[] = []
  const connects = rig.broker.connects.length
  if (act.holds && connects > 1) wrong.push(`${connects} connections instead of one`)
  if (connectsAMinute > USUAL_A_MINUTE) wrong.push(`${connectsAMinute} connects in a minute`)
  if (act.holds && !act.parks && !rig.sending.done) wrong.push('it held up the records')
  if (!act.parks && rig.everParked) wrong.push('innocent records were parked')
  wrong.push(...(await rig.mend()))
  const { disordered } = rig.received
  if (!rig.everParked && disordered > 0) wrong.push(`${disordered} came after a later record`)
  await rig.close()
  return { act, connectsAMinute, wrong }
}
