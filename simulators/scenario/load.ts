/** From a YAML file to a Scenario, or to every problem at once: the machinery of the configuration, used again. */
import { readFileSync } from 'node:fs'
import { checkValue } from '../../src/config/check.js'
import { parseSource, syntaxProblems } from '../../src/config/load.js'
import { isRecord } from '../../src/config/overrides.js'
import { placeProblems, type Path, type PlacedProblem, type Problem, type Source } from '../../src/config/problems.js'
import { messageOf } from '../../src/errors.js'
import { parseExpectation, USUAL, type Expectation } from './expectations.js'
import { Known } from './known.js'
import { makePeople } from './people.js'
import { readPeople } from './read-people.js'
import { checkReaders } from './read-readers.js'
import type { Scenario } from './scenario.js'
import { fileSchema, type FileValues } from './schema.js'
import { readTimeline } from './timeline.js'

export interface LoadedScenario {
  /** Absent when there are problems. */
  readonly scenario?: Scenario
  readonly problems: readonly PlacedProblem[]
}

/** Reads and checks a scenario file. Never throws for what the file contains. `seed` replaces that of the file. */
export function loadScenario(file: string, seed?: number): LoadedScenario {
  try {
    return checkScenario(file, readFileSync(file, 'utf8'), seed)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    const unreadable: Problem = {
      severity: 'error',
      path: [],
      message: `cannot be read: ${messageOf(error)}`,
      origin: file,
    }
    return { problems: placeProblems(parseSource(file, ''), [unreadable]) }
  }
}

export function checkScenario(file: string, text: string, seed?: number): LoadedScenario {
  const source = parseSource(file, text)
  const syntax = syntaxProblems(source)
  if (syntax.length > 0) return { problems: placeProblems(source, syntax) }
  const { scenario, problems } = readScenario(source, seed)
  return scenario ? { scenario, problems: [] } : { problems: placeProblems(source, problems) }
}

function readScenario(source: Source, givenSeed: number | undefined): { scenario?: Scenario; problems: Problem[] } {
  const raw: unknown = source.document.toJS() ?? {}
  const top = checkValue<FileValues>(fileSchema, raw)
  const parts = isRecord(raw) ? raw : {}
  const listed = readPeople(parts['people'])
  const readers = checkReaders(parts['readers'])
  const seed = givenSeed ?? top.value?.seed ?? 1
  const people = makePeople(listed.people, listed.generate, seed)
  const timeline = readTimeline(listIn(parts, 'timeline'), new Known(people, readers.twins), source)
  const expect = readExpectations(parts['expect'])
  const problems = [top, listed, readers, timeline, expect].flatMap((part) => part.problems)
  if (!top.value || problems.length > 0) return { problems }
  const { name, speed, site, repeatWindow } = top.value
  const { steps } = timeline
  const { timezone } = site
  const scenario = {
    name,
    seed,
    speed,
    timezone,
    repeatWindow,
    people,
    readers: readers.plans,
    steps,
    expect: expect.list,
  }
  return { scenario, problems: [] }
}

function readExpectations(raw: unknown): { list: readonly Expectation[]; problems: Problem[] } {
  if (!Array.isArray(raw)) return { list: USUAL, problems: [] }
  const list: Expectation[] = []
  const problems: Problem[] = []
  for (const [index, entry] of raw.entries()) {
    const read = parseExpectation(entry)
    if ('kind' in read) {
      list.push(read)
      continue
    }
    const { message, suggestion, key } = read
    const path: Path = key === undefined ? ['expect', index] : ['expect', index, key]
    problems.push({ severity: 'error', path, message, suggestion })
  }
  return { list, problems }
}

function listIn(parts: Readonly<Record<string, unknown>>, key: string): readonly unknown[] {
  const value = parts[key]
  return Array.isArray(value) ? value : []
}
