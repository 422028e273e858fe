/** The lines of the timeline, sentences and maps alike, as steps with their times. */
import { isNode, isScalar } from 'yaml'
import { checkValue } from '../../src/config/check.js'
import { isRecord } from '../../src/config/overrides.js'
import { didYouMean, type Path, type Problem, type Source } from '../../src/config/problems.js'
import { whenOf } from './durations.js'
import type { Known, Trouble } from './known.js'
import { DEEDS, type Deed, type Step, type Who } from './scenario.js'
import { stepSchema, type StepValues } from './schema.js'
import { parseSentence, type Parsed } from './sentences.js'
import { SentenceError } from './words.js'

/** Reads all lines; every problem of every line. */
export function readTimeline(
  lines: readonly unknown[],
  known: Known,
  source: Source,
): { steps: Step[]; problems: Problem[] } {
  const problems: Problem[] = []
  const steps: Step[] = []
  let end = 0
  for (const [index, line] of lines.entries()) {
    const path: Path = ['timeline', index]
    const read = typeof line === 'string' ? readSentence(line, path, known, source) : readMap(line, path, known)
    if ('problems' in read) {
      problems.push(...read.problems)
      continue
    }
    const step: Step = { ...read, atMs: read.atMs ?? end }
    end = endOf(step)
    steps.push(step)
  }
  return { steps, problems }
}

/** When a step is over, as planned: the next one without a time begins then. */
function endOf({ atMs, untilMs, times, everyMs, forMs }: Step): number {
  return untilMs ?? atMs + (times - 1) * everyMs + (forMs ?? 0)
}

type Read = Parsed | { readonly problems: readonly Problem[] }

function readSentence(line: string, path: Path, known: Known, source: Source): Read {
  try {
    return parseSentence(line, known)
  } catch (error) {
    if (!(error instanceof SentenceError)) throw error
    const { message, suggestion } = error
    return { problems: [{ severity: 'error', path, message, suggestion, offset: offsetIn(source, path, error.at) }] }
  }
}

/** Where a character of a sentence stands in the file; undefined when the sentence is folded or has escapes. */
function offsetIn(source: Source, path: Path, at: number): number | undefined {
  const node = source.document.getIn(path, true)
  if (!isScalar(node) || !isNode(node) || !node.range) return undefined
  const [from, to] = node.range
  const written = source.text.slice(from, to)
  const quote = /^["']/.test(written) ? 1 : 0
  return written.slice(quote, written.length - quote) === node.value ? from + quote + at : undefined
}

/** Which keys a deed has. */
const CARD_KEYS = ['who', 'reader']
const KEYS: Readonly<Record<Deed, { readonly needs: readonly string[]; readonly takes: readonly string[] }>> = {
  tap: { needs: CARD_KEYS, takes: ['times', 'every'] },
  hold: { needs: [...CARD_KEYS, 'for'], takes: [] },
  unplug: { needs: ['reader'], takes: ['for'] },
  plug: { needs: ['reader'], takes: [] },
  'broker-down': { needs: [], takes: ['for'] },
  'broker-up': { needs: [], takes: [] },
  'kill-daemon': { needs: [], takes: ['for'] },
  'stop-daemon': { needs: [], takes: ['for'] },
  'start-daemon': { needs: [], takes: [] },
  'pcscd-down': { needs: [], takes: ['for'] },
  'pcscd-up': { needs: [], takes: [] },
  'pcscd-restart': { needs: [], takes: [] },
}

function readMap(line: unknown, path: Path, known: Known): Read {
  const { value, problems } = checkValue<StepValues>(stepSchema, line, path)
  if (!value) return { problems: problems.map((found) => withDeed(found, line)) }
  const { needs, takes } = KEYS[value.do]
  const given = Object.keys(value).filter((key) => key !== 'do' && key !== 'at')
  const found = [
    ...needs.filter((key) => !given.includes(key)).map((key) => problem([...path, 'do'], `${value.do} needs "${key}"`)),
    ...given
      .filter((key) => !needs.includes(key) && !takes.includes(key))
      .map((key) => ({ ...problem([...path, key], `${value.do} has no "${key}"`), atKey: true })),
    ...referenceProblems(value, path, known),
  ]
  return found.length > 0 ? { problems: found } : stepOf(value)
}

/** What zod cannot know: which deed was meant. */
function withDeed(found: Problem, line: unknown): Problem {
  const written = isRecord(line) ? line['do'] : undefined
  if (found.path.at(-1) !== 'do' || typeof written !== 'string') return found
  const suggestion = didYouMean(written, DEEDS) ?? found.message
  return { ...found, message: `"${written}" is nothing that can be done`, suggestion }
}

function referenceProblems(value: StepValues, path: Path, known: Known): Problem[] {
  const { who: written } = value
  const who = whoOf(written)
  const isStranger = who?.kind === 'person' && !known.hasPerson(who.name)
  const problems = isStranger ? [problem([...path, 'who'], `nobody is called "${who.name}"`)] : []
  for (const reader of readersOf(value)) {
    const trouble: Trouble | undefined =
      value.do === 'plug' || value.do === 'unplug'
        ? known.whyNoCable(reader)
        : known.whyNotAt(who ?? { kind: 'everyone' }, reader)
    if (trouble && !isStranger) problems.push(problem([...path, 'reader'], trouble.message, trouble.suggestion))
  }
  if (value.do.startsWith('pcscd') && !known.hasPcsc)
    problems.push(problem([...path, 'do'], 'there is no pcsc reader in this scenario'))
  const spread = whenOf(value.at ?? '0s')?.untilMs !== undefined
  if (spread && (value.do !== 'tap' || (who?.kind === 'person' && (value.times ?? 1) === 1))) {
    problems.push(problem([...path, 'at'], 'a range of time needs several taps'))
  }
  return problems
}

function stepOf(value: StepValues): Parsed {
  const when = value.at === undefined ? undefined : whenOf(value.at)
  return {
    do: value.do,
    atMs: when?.atMs,
    untilMs: when?.untilMs,
    who: whoOf(value.who),
    readers: readersOf(value),
    times: value.times ?? 1,
    everyMs: value.every ?? 1_000,
    forMs: value.for,
  }
}

function whoOf(written: string | number | undefined): Who | undefined {
  if (written === undefined) return undefined
  if (typeof written === 'number') return { kind: 'some', count: written }
  if (written === 'everyone') return { kind: 'everyone' }
  return written === 'somebody' ? { kind: 'some', count: 1 } : { kind: 'person', name: written }
}

function readersOf({ reader }: StepValues): string[] {
  if (reader === undefined) return []
  return typeof reader === 'string' ? [reader] : reader
}

function problem(path: Path, message: string, suggestion?: string): Problem {
  return { severity: 'error', path, message, suggestion }
}
