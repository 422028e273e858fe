/**
 * SIGKILL at named points: between any two steps of what makes a punch durable, takes it away and looks after it. Which
 * points there are stands in the sources; none may be left out, and each must really be passed (A10).
 */
import { join } from 'node:path'
import { between, seeded } from '../../simulators/random.js'
import { timesOf, type Fault, type FaultOptions, type Finding } from './fault.js'
import { builtPoints, copyWithCalls, type Point } from './points-copy.js'
import { growJournal } from './points-grown.js'
import { Tally } from './points-tally.js'
import { sideBySide } from './side-by-side.js'
import { killAtPoint, walk, type Ways } from './points-walk.js'

const TIMES = { quick: 1, usual: 5, full: 25 }
/** Of so many points; the others have all. */
const QUICK_POINTS = 12
/** Fewer, and somebody has taken them out. */
const LEAST_POINTS = 40
/** Series side by side: each mostly waits for its disk, its broker and its people. */
const LANES = 3

export const points: Fault = {
  name: 'points',
  title: 'SIGKILL at named points, from the wire to the receipt',

  async run(options) {
    const { folder, seed, say, size } = options
    const copy = copyWithCalls(join(folder, 'copy'))
    const ways: Ways = {
      folder,
      grown: join(folder, 'grown'),
      daemon: copy('bench/faults/child-points'),
      verbs: copy('src/main'),
    }
    growJournal(ways.grown)
    const all = [...builtPoints(), ...LIGHTS]
    const tally = new Tally(all.length)
    tally.wrong(...wrongNames(all))
    say('one life of each kind, to see which points are passed')
    const passed = await walk(ways, seed, tally)
    const never = all.filter(({ name }) => !passed.has(name))
    tally.wrong(...never.map(({ name, file }) => `the point ${name} (${file}) is never passed`))
    const reached = all.filter(({ name }) => passed.has(name)).map(({ name }) => name)
    const chosen = size === 'quick' ? someOf(reached, QUICK_POINTS, seed) : reached
    await sideBySide([...chosen.entries()], LANES, async ([index, point]) => {
      const random = seeded(seed + index)
      await killAtPoint({ ways, point, times: timesOf(options, TIMES), where: passed.get(point)!, random, tally })
      say(`${point}: ${tally.progress}`)
    })
    return withControl(options, ways, tally)
  },
}

/** In the driver of the harness: a light is nothing of the daemon's. */
const LIGHTS: readonly Point[] = ['light.before', 'light.after'].map((name) => ({ name, file: 'bench' }))

export function wrongNames(all: readonly Point[]): string[] {
  const names = all.map(({ name }) => name)
  const twice = names.filter((name, index) => names.indexOf(name) !== index)
  const few = names.length < LEAST_POINTS ? [`there are ${names.length} points, and were at least ${LEAST_POINTS}`] : []
  return [...few, ...twice.map((name) => `two points have the name ${name}`)]
}

/** A daemon that shows green before it reports must be found out, wherever it is killed in between. */
async function withControl({ seed }: FaultOptions, ways: Ways, tally: Tally): Promise<Finding> {
  const control = new Tally(1)
  const random = seeded(seed)
  const where = new Map([['first', 8]] as const)
  await killAtPoint({ ways, point: 'session.reported', times: 1, where, random, tally: control, cheat: true })
  const found = control.violations.filter((violation) => violation.includes('shown green and not stored'))
  if (found.length === 0) tally.wrong('the control was not found out: this run proves nothing')
  const note = 'violations, of a daemon that shows green before it stores: must not be 0'
  return { rows: [...tally.rows, ['control', found.length, note]], violations: tally.violations }
}

function someOf(names: readonly string[], count: number, seed: number): string[] {
  const random = seeded(seed)
  const left = [...names]
  return Array.from({ length: Math.min(count, left.length) }, () => left.splice(between(random, 0, left.length - 1), 1)[0]!) // prettier-ignore
}
