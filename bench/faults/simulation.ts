/**
 * The whole way from the card to payroll in one process, in virtual time, with one seeded order of events: whatever can go wrong does,
 * at any time, and the same seed is the same story.
 */
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { PLANTED, type Planted } from '../simulation/controls.js'
import { Crew } from '../simulation/crew.js'
import { FAULT_KINDS, type FaultKind } from '../simulation/kinds.js'
import { runSeed, type SeedResult } from '../simulation/seed.js'
import { timesOf, type Fault, type FaultOptions, type Finding, type Row } from './fault.js'

const SEEDS = { quick: 200, usual: 1_000, full: 10_000 }
/** Of them so many are played a second time. */
const TWICE = { quick: 20, usual: 50, full: 100 }
/** A control must be found out within so many seeds. */
const CONTROL_SEEDS = 200
/** From this many seeds on, a fault that never happened is one of the harness. */
const ALL_KINDS_FROM = 200
/** Seeds that fail are told of up to this many. */
const TOLD = 5
const WRONG_TOLD = 10
const SAY_EVERY = 20
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const IN_MEMORY = '/dev/shm'
/** A database with its log, twice. */
const SEED_BYTES = 16 * 1024 * 1024
const MOST_WORKERS = 8

export const simulation: Fault = {
  name: 'simulation',
  title: 'The whole pipeline in virtual time, by seeds',

  async run(options) {
    const { folder, workers } = placeFor(options)
    const crew = new Crew(folder, workers)
    try {
      return await findingOf(options, crew, folder)
    } finally {
      await crew.close()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

/** In memory, where there is room: what a cut takes away the simulation decides itself, and real fsyncs would only make it slow. */
function placeFor({ folder }: FaultOptions): { folder: string; workers: number } {
  const most = Math.min(availableParallelism(), MOST_WORKERS)
  const inMemory = Math.min(most, Math.floor(roomIn(IN_MEMORY) / SEED_BYTES))
  const path = mkdtempSync(join(inMemory > 0 ? IN_MEMORY : folder, 'punchd-simulation-'))
  process.once('exit', () => rmSync(path, { recursive: true, force: true }))
  return { folder: path, workers: inMemory > 0 ? inMemory : most }
}

function roomIn(path: string): number {
  if (!existsSync(path)) return 0
  const { bavail, bsize } = statfsSync(path)
  return bavail * bsize
}

async function findingOf(options: FaultOptions, crew: Crew, folder: string): Promise<Finding> {
  const times = timesOf(options, SEEDS)
  const begun = performance.now()
  const results = times === 1 ? [await alone(options, folder)] : await played(options, crew, times)
  const seconds = (performance.now() - begun) / 1_000
  const again = await unequal(options, crew, results.slice(0, TWICE[options.size]))
  // One seed alone is looked at again: what the harness is worth was shown when it was found.
  const controls = times === 1 ? [] : await controlled(options, crew)
  return {
    rows: [...rowsOf(results, seconds), again.row, ...faultRows(results), ...controls.map(({ row }) => row)],
    violations: [
      ...results.filter(({ wrong }) => wrong.length > 0).slice(0, TOLD).map(story), // prettier-ignore
      ...again.violations,
      ...controls.flatMap(({ violations }) => violations),
      ...neverHappened(results),
    ],
  }
}

function* seedsFrom(first: number, count: number): Generator<number> {
  for (let index = 0; index < count; index++) yield (first + index) >>> 0
}

/** One seed tells all of its story on stderr. */
function alone({ seed, say }: FaultOptions, folder: string): Promise<SeedResult> {
  return runSeed({ seed, folder, print: say })
}

async function played({ seed, say }: FaultOptions, crew: Crew, times: number): Promise<SeedResult[]> {
  const results: SeedResult[] = []
  let failed = 0
  await crew.play(seedsFrom(seed, times), undefined, (result) => {
    results.push(result)
    if (result.wrong.length > 0) failed += 1
    if (results.length % SAY_EVERY === 0) say(`seed ${results.length}/${times}: ${failed} with something wrong`)
    return 'more'
  })
  // As if one after the other, whichever thread was faster.
  const nth = (result: SeedResult): number => (result.seed - seed) >>> 0
  return results.sort((one, other) => nth(one) - nth(other))
}

/** Plays some a second time: each must have the same trace. */
async function unequal(
  { say }: FaultOptions,
  crew: Crew,
  results: readonly SeedResult[],
): Promise<{ row: Row; violations: string[] }> {
  const hashes = new Map(results.map(({ seed, hash }) => [seed, hash]))
  const violations: string[] = []
  let same = 0
  await crew.play(hashes.keys(), undefined, ({ seed, hash }) => {
    if (hashes.get(seed) === hash) same += 1
    else violations.push(`seed ${seed} had another trace the second time`)
    return 'more'
  })
  say(`${same} of ${hashes.size} seeds had the same trace twice`)
  return { row: ['same trace', same, `of ${hashes.size} seeds that were played twice`], violations }
}

async function controlled(options: FaultOptions, crew: Crew): Promise<{ row: Row; violations: string[] }[]> {
  const controls: { row: Row; violations: string[] }[] = []
  for (const [planted, what] of Object.entries(PLANTED) as [Planted, string][]) {
    let played = 0
    let found: string | undefined
    await crew.play(seedsFrom(options.seed, CONTROL_SEEDS), planted, ({ wrong }) => {
      if (found !== undefined) return 'enough'
      played += 1
      found = wrong[0]
      return found === undefined ? 'more' : 'enough'
    })
    options.say(`control ${planted}: ${found ?? 'not found out'}`)
    const note = `a gateway that ${what}: ${found === undefined ? 'NOT found out' : 'found out'} after so many seeds`
    const violations = found === undefined ? [`the control ${planted} was not found out: this run proves little`] : []
    controls.push({ row: [`control`, played, note], violations })
  }
  return controls
}

function rowsOf(results: readonly SeedResult[], seconds: number): Row[] {
  const sum = (of: (result: SeedResult) => number): number => results.reduce((total, result) => total + of(result), 0)
  const safety = results.filter(({ mode }) => mode === 'safety').length
  const perSeed = sum(({ simulatedMs }) => simulatedMs) / DAY_MS / results.length
  const running = sum(({ ranMs }) => ranMs) / HOUR_MS / results.length
  return [
    ['seeds', results.length, `${safety} in safety mode, ${results.length - safety} in liveness mode; ${(results.length / seconds).toFixed(1)} a second`],
    ['wrong', results.filter(({ wrong }) => wrong.length > 0).length, 'seeds with something that must never be'],
    ['days', Math.round(sum(({ simulatedMs }) => simulatedMs) / DAY_MS), `simulated, ${perSeed.toFixed(0)} a seed; a process ran for ${running.toFixed(2)} hours of them, awake`],
    ['greens', sum(({ greens }) => greens), 'lights that said that a punch is stored'],
    ['stored', sum(({ records }) => records), 'records'],
    ['received', sum(({ received }) => received), 'by the consumer; in safety mode some may still be on their way'],
  ] // prettier-ignore
}

function counted(results: readonly SeedResult[]): Map<FaultKind, number> {
  const counts = new Map<FaultKind, number>(FAULT_KINDS.map((kind) => [kind, 0]))
  for (const { faults } of results)
    for (const [kind, count] of faults) counts.set(kind, (counts.get(kind) ?? 0) + count)
  return counts
}

/** One row for each part of the world. */
const PARTS: readonly (readonly [part: string, of: RegExp])[] = [
  ['process', /^(kill|power-cut|reboot|restart|suspend)/],
  ['disk', /^disk/],
  ['clock', /^clock/],
  ['wires', /^(reader|wire)/],
  ['broker', /^(broker|puback)/],
  ['consumer', /^(consumer|redelivered|receipt)/],
]

function faultRows(results: readonly SeedResult[]): Row[] {
  const counts = [...counted(results)]
  return PARTS.map(([part, of]) => {
    const own = counts.filter(([kind]) => of.test(kind))
    const total = own.reduce((sum, [, count]) => sum + count, 0)
    return [part, total, `faults: ${own.map(([kind, count]) => `${kind} ${count}`).join(', ')}`]
  })
}

function neverHappened(results: readonly SeedResult[]): string[] {
  if (results.length < ALL_KINDS_FROM) return []
  const never = [...counted(results)].filter(([, count]) => count === 0).map(([kind]) => kind)
  return never.length === 0 ? [] : [`never happened: ${never.join(', ')}: this run proves less than it says`]
}

function story({ seed, mode, wrong, last }: SeedResult): string {
  const again = `npm run torture -- simulation --times 1 --seed ${seed}`
  const more = wrong.length > WRONG_TOLD ? [`and ${wrong.length - WRONG_TOLD} more`] : []
  return [
    `seed ${seed} (${mode}; again: ${again}):`,
    ...wrong.slice(0, WRONG_TOLD),
    ...more,
    'the end of its trace:',
    ...last,
  ].join('\n      ')
}
