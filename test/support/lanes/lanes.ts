/** Chapters side by side, their output one after the other. */
import { availableParallelism, totalmem } from 'node:os'
import { ending } from '../outcome.js'
import { runChapter, runProgram, type Run } from './chapter.js'
import { Turns, type Turn } from './turns.js'

const GIB = 2 ** 30
/** More of them would wait for the disk rather than for a processor. */
const MOST_LANES = 4
const SHOWN = 5

export interface Chapter {
  readonly name: string
  readonly file: string
  /** About how long it takes; 0 where that is short. */
  readonly seconds: number
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
  readonly print: (text: string) => void
}

/** As many as there are processors, and memory for: a chapter with its daemons, or the linter, takes less than 1 GiB. */
export function lanesHere(): number {
  return Math.max(1, Math.min(availableParallelism(), MOST_LANES, Math.floor(totalmem() / GIB)))
}

/** Runs all of it and prints the totals; resolves to the number of failures. */
export async function runLanes({ chapters, beside, lanes, print }: Plan): Promise<number> {
  const from = performance.now()
  const turns = new Turns(print)
  const runs: Run[] = []
  const run = async ({ name, file }: Chapter, turn: Turn): Promise<void> => {
    runs.push(await runChapter(name, file, (text) => turn.say(text)))
    turn.end()
  }
  const together = chapters.filter(({ alone }) => !alone).map((chapter) => ({ ...chapter, turn: turns.take() }))
  const alone = chapters.filter((chapter) => chapter.alone).map((chapter) => ({ ...chapter, turn: turns.take() }))
  const waiting = [...beside]
  const lane = async (number: number): Promise<void> => {
    for (;;) {
      const program = number === lanes - 1 ? waiting.shift() : undefined
      const chapter = program ? undefined : number === 0 ? together.shift() : takeLongest(together)
      if (program) runs.push(await runBeside(program, turns))
      else if (chapter) await run(chapter, chapter.turn)
      else return
    }
  }
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)))
  for (const chapter of alone) await run(chapter, chapter.turn)
  return sumUp(runs, print, `${inWords((performance.now() - from) / 1_000)} in ${lanes} lane${lanes > 1 ? 's' : ''}`)
}

/**
 * The first lane keeps to the order, so that something is heard all the time; the others begin with the longest, so
 * that all end at about the same time.
 */
function takeLongest<Timed extends { readonly seconds: number }>(chapters: Timed[]): Timed | undefined {
  const most = Math.max(...chapters.map(({ seconds }) => seconds))
  const at = chapters.findIndex(({ seconds }) => seconds === most)
  return at === -1 ? undefined : chapters.splice(at, 1)[0]
}

/** It is heard at once when it ends, not when its turn would come. */
async function runBeside({ name, command: [program, ...args] }: Program, turns: Turns): Promise<Run> {
  let text = ''
  const { how, seconds } = await runProgram(program, args, (more) => void (text += more))
  turns.slipIn(`\n${name}: ${how === '' ? 'ok' : how} (${inWords(seconds)})\n${how === '' ? '' : text}\n`)
  const failures = how === '' ? '' : `\n  ${name} ${how}:\n\n${text}\n`
  return { name, seconds, outcome: { passed: 0, failed: how === '' ? 0 : 1, failures, skipped: [] } }
}

function sumUp(runs: readonly Run[], print: (text: string) => void, time: string): number {
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
