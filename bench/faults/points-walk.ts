/** Ways through the daemon and its verbs: which points they pass, and dying there. */
import { join } from 'node:path'
import type { Config } from '../../src/config/config.js'
import { between, seeded, type Random } from '../../simulators/random.js'
import { Series, type Kind } from './points-series.js'
import type { Tally } from './points-tally.js'
import { runVerb, VERBS, type VerbName } from './points-verbs.js'

export interface Ways {
  readonly folder: string
  /** Data of a journal in use. */
  readonly grown: string
  /** The copies, with calls. */
  readonly daemon: string
  readonly verbs: string
}

export type Way = Kind | VerbName
/** By way, how often a point is passed. */
export type Where = ReadonlyMap<Way, number>

const KINDS: readonly Kind[] = ['first', 'later', 'receipt']
/** Later passes differ in nothing. */
const MOST_PASSES = 64
const MORE_TRIES = 2

/** One life of each kind and one run of each verb, none killed: the points that they passed. */
export async function walk(ways: Ways, seed: number, tally: Tally): Promise<Map<string, Map<Way, number>>> {
  const passed = new Map<string, Map<Way, number>>()
  const note = (way: Way, passes: ReadonlyMap<string, number>): void => {
    for (const [point, count] of passes) {
      const where = passed.get(point) ?? new Map<Way, number>()
      passed.set(point, where.set(way, Math.max(count, where.get(way) ?? 0)))
    }
  }
  const kinds = KINDS.map((kind) =>
    live(ways, kind, `walk, ${kind}`, { random: seeded(seed), tally }, async (series) => {
      note(kind, (await series.live()).passes)
      // What was held in the life before is sent with the next connection.
      note(kind, (await series.live()).passes)
    }),
  )
  const verbs = VERBS.map(async (name) => {
    const living = { random: seeded(seed), tally }
    const { told } = await beside(ways, name, `walk, ${name}`, { TORTURE_TOLD: '1' }, living)
    note(name, new Map(told.map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])])))
  })
  await Promise.all([...kinds, ...verbs])
  return passed
}

interface Living {
  readonly random: Random
  readonly tally: Tally
  readonly cheat?: boolean
}

/** A series from its begin to its end, counted. */
async function live(ways: Ways, kind: Kind, what: string, living: Living, act: (series: Series) => Promise<unknown>) {
  const { random, tally, cheat = false } = living
  const folder = join(ways.folder, what.replace(', ', '-'))
  const series = await Series.run({ kind, folder, grown: ways.grown, program: ways.daemon, random, cheat }, act)
  tally.took(series, what)
}

export interface Killing extends Living {
  readonly ways: Ways
  readonly point: string
  readonly times: number
  readonly where: Where
}

/** Dies at the point so often: by turns in each way that passes it, at a pass that chance chooses. */
export async function killAtPoint(killing: Killing): Promise<void> {
  const { point, times, where, tally } = killing
  const ways = [...where]
  for (const [index, [way, passes]] of ways.entries()) {
    const share = Math.floor((times + index) / ways.length)
    if (share === 0) continue
    if (way === 'first') await killFirst(killing, share, passes)
    else if (way === 'later' || way === 'receipt') await killLater(killing, way, share, passes)
    else await killVerb(killing, way, share, passes)
  }
  tally.notKilled(point)
}

/** Which pass chance chooses, of half of those that were seen; then, if that was not reached, the first of the next lives. */
function aimsAt({ random }: Killing, passes: number): number[] {
  const chosen = between(random, 1, Math.max(1, Math.min(MOST_PASSES, passes >> 1)))
  return [chosen, ...new Array<number>(MORE_TRIES).fill(1)]
}

async function killOnce(killing: Killing, passes: number, tryAt: (pass: number) => Promise<boolean>): Promise<void> {
  for (const pass of aimsAt(killing, passes)) {
    const killed = await tryAt(pass)
    killing.tally.aimed(killing.point, killed)
    if (killed) return
  }
}

/** Each time from nothing. */
async function killFirst(killing: Killing, times: number, passes: number): Promise<void> {
  const { ways, point } = killing
  for (let time = 1; time <= times; time++)
    await killOnce(killing, passes, async (pass) => {
      let killed = false
      await live(ways, 'first', `${point}, first start ${time} pass ${pass}`, killing, async (series) => {
        killed = (await series.live({ point, pass })).killed
        await series.live()
      })
      return killed
    })
}

/** Again and again on one journal. */
async function killLater(killing: Killing, kind: Kind, times: number, passes: number): Promise<void> {
  const { ways, point } = killing
  await live(ways, kind, `${point}, ${kind}`, killing, async (series) => {
    for (let time = 1; time <= times; time++)
      await killOnce(killing, passes, async (pass) => (await series.live({ point, pass })).killed)
  })
}

async function killVerb(killing: Killing, name: VerbName, times: number, passes: number): Promise<void> {
  const { ways, point } = killing
  for (let time = 1; time <= times; time++)
    await killOnce(killing, passes, async (pass) => {
      const what = `${point}, ${name} ${time} pass ${pass}`
      return (await beside(ways, name, what, { TORTURE_POINT: `${point}:${pass}` }, killing)).killed
    })
}

/** A verb beside a daemon that nobody kills. */
async function beside(ways: Ways, name: VerbName, what: string, env: NodeJS.ProcessEnv, living: Living) {
  const found = { killed: false, told: [] as string[] }
  await live(ways, 'later', what, living, (series) =>
    series.live(undefined, async (config: Config) => {
      const run = await runVerb({ name, program: ways.verbs, folder: series.folder, config, round: 1, env })
      if (run.wrong !== undefined) living.tally.wrong(`${what}: ${run.wrong}`)
      Object.assign(found, run)
    }),
  )
  return found
}
