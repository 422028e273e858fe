/** Chapters side by side, their output one after the other. */
import { availableParallelism, totalmem } from 'node:os'
import { ending } from '../outcome.js'
import { runChapter, runProgram, type Run } from './chapter.js'
import { Turns, type Turn } from './turns.js'

/** The linter takes this much at its most; a chapter with its daemons takes less. */
const LANE_BYTES = 1.5 * 2 ** 30
/** More of them would wait for the disk rather than for a processor. */
const MOST_LANES = 4
const SHOWN = 5

export interface Chapter {
  readonly name: string
  readonly file: string
  /** About how long it takes; 0 where that is short. */
  readonly seconds: number
  /** It waits most of the time. */
  readonly quiet: boolean
  /** Nothing else may run beside it. */
  readonly alone: boolean
}

export interface Program {
  readonly name: string
  readonly command: readonly [program: string, ...args: string[]]
}

export interface Plan {
  readonly chapters: readonly Chapter[]
  /** What runs beside the chapters, from the beginning. */
  readonly beside: readonly Program[]
  readonly lanes: number
  /** One lane more, which takes quiet chapters only: those would leave a processor to nobody. */
  readonly quietLane: boolean
  readonly print: (text: string) => void
}

/** As many as there are processors, and memory for. */
export function lanesHere(): number {
  return Math.max(1, Math.min(availableParallelism(), MOST_LANES, Math.floor(totalmem() / LANE_BYTES)))
}

/** Runs all of it and prints the totals; resolves to the number of failures. */
export async function runLanes({ chapters, beside, lanes, quietLane, print }: Plan): Promise<number> {
  const from = performance.now()
  const turns = new Turns(print)
  const runs: Run[] = []
  const queue = (alone: boolean): Queued[] =>
    chapters.filter((chapter) => chapter.alone === alone).map((chapter) => ({ ...chapter, turn: turns.take() }))
  const [together, alone] = [queue(false), queue(true)]
  const lane = async (take: Take, queued: Queued[], programs: readonly Program[] = []): Promise<void> => {
    for (const program of programs) runs.push(await runBeside(program, turns))
    for (let next = take(queued); next; next = take(queued)) {
      const { name, file, turn } = next
      runs.push(await runChapter(name, file, (text) => turn.say(text)))
      turn.end()
    }
  }
  const working = Array.from({ length: lanes }, (_, nth) =>
    lane(nth === 0 ? takeFirst : takeWork, together, nth === lanes - 1 ? beside : []),
  )
  await Promise.all([...working, ...(quietLane ? [lane(takeQuiet, together)] : [])])
  await lane(takeFirst, alone)
  const where = `${lanes} lane${lanes > 1 ? 's' : ''}${quietLane ? ' and a quiet one' : ''}`
  return sumUp(runs, `${inWords((performance.now() - from) / 1_000)} in ${where}`, print)
}

type Queued = Chapter & { readonly turn: Turn }
/** Takes out of the queue what a lane is to run next. */
type Take = (queued: Queued[]) => Queued | undefined

/** The first lane keeps to the order, so that something is heard all the time. */
const takeFirst: Take = (queued) => queued.shift()

/** The others begin with what takes longest, so that all end at about the same time. */
const takeWork: Take = (queued) => takeLongest(queued, ({ quiet }) => !quiet) ?? takeLongest(queued, () => true)

const takeQuiet: Take = (queued) => takeLongest(queued, ({ quiet }) => quiet)

function takeLongest(queued: Queued[], isMeant: (chapter: Chapter) => boolean): Queued | undefined {
  const [longest] = queued.filter(isMeant).sort((a, b) => b.seconds - a.seconds)
  if (longest) queued.splice(queued.indexOf(longest), 1)
  return longest
}

/** It is heard at once when it ends, not when its turn would come. */
async function runBeside({ name, command: [program, ...args] }: Program, turns: Turns): Promise<Run> {
  let text = ''
  const { how, seconds } = await runProgram(program, args, (more) => void (text += more))
  turns.slipIn(`\n${name}: ${how === '' ? 'ok' : how} (${inWords(seconds)})\n${how === '' ? '' : text}\n`)
  const failures = how === '' ? '' : `\n  ${name} ${how}:\n\n${text}\n`
  return { name, seconds, outcome: { passed: 0, failed: how === '' ? 0 : 1, failures, skipped: [] } }
}

function sumUp(runs: readonly Run[], time: string, print: (text: string) => void): number {
  const byName = [...runs].sort((a, b) => (a.name < b.name ? -1 : 1))
  const passed = runs.reduce((sum, { outcome }) => sum + outcome.passed, 0)
  const failed = runs.reduce((sum, { outcome }) => sum + outcome.failed, 0)
  const longest = [...runs].sort((a, b) => b.seconds - a.seconds).slice(0, SHOWN)
  const named = longest.map(({ name, seconds }) => `${name} ${inWords(seconds)}`)
  print(`\n  ${runs.length} chapters in ${time}; the longest: ${named.join(', ')}\n\n`)
  for (const { name, outcome } of byName.filter(({ outcome }) => outcome.failed > 0)) {
    print(`  Failed in ${name}:\n${outcome.failures}\n`)
  }
  print(ending(passed, failed, byName.flatMap(({ outcome }) => outcome.skipped))) // prettier-ignore
  return failed
}

function inWords(seconds: number): string {
  return seconds < 60 ? `${seconds.toFixed(seconds < 10 ? 1 : 0)} s` : `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s` // prettier-ignore
}
