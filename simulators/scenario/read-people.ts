/** `people:` of a scenario file: a list of people, `generate: N`, or both in one list. */
import { checkValue } from '../../src/config/check.js'
import { isRecord } from '../../src/config/overrides.js'
import type { Path, Problem } from '../../src/config/problems.js'
import type { Listed } from './people.js'
import { generateSchema, personSchema } from './schema.js'
import { OPENINGS } from './sentences.js'
import { cardKind, CARD_FORMS } from './twins.js'

export interface ReadPeople {
  readonly people: readonly Listed[]
  readonly generate: number
  readonly problems: readonly Problem[]
}

/** Words that begin a sentence cannot be names. */
const RESERVED: readonly string[] = [...OPENINGS, 'everyone', 'somebody']

export function readPeople(raw: unknown): ReadPeople {
  const entries: [unknown, Path][] = Array.isArray(raw)
    ? raw.map((entry: unknown, index) => [entry, ['people', index]])
    : isRecord(raw)
      ? [[raw, ['people']]]
      : []
  const people: Listed[] = []
  const problems: Problem[] = []
  let generate = 0
  for (const [entry, path] of entries) {
    if (isRecord(entry) && ('generate' in entry || path.length === 1)) {
      const { value, problems: found } = checkValue(generateSchema, entry, path)
      problems.push(...found)
      generate += value?.generate ?? 0
      continue
    }
    const read = readPerson(typeof entry === 'string' ? { name: entry } : entry, path, people)
    if ('problems' in read) problems.push(...read.problems)
    else people.push(read)
  }
  return { people, generate, problems }
}

function readPerson(entry: unknown, path: Path, before: readonly Listed[]): Listed | { problems: readonly Problem[] } {
  const { value, problems } = checkValue(personSchema, entry, path)
  if (!value) return { problems: problems.map((problem) => withQuotes(problem, entry)) }
  const { name, card, cards = [] } = value
  const numbers = [
    ...(card === undefined ? [] : [{ number: card, path: [...path, 'card'] }]),
    ...cards.map((number, index) => ({ number, path: [...path, 'cards', index] })),
  ]
  const found = [
    ...nameProblems(name, path, before),
    ...numbers.flatMap((one) => cardProblems(one.number, one.path, before)),
  ]
  const kinds = numbers.flatMap(({ number }) => cardKind(number) ?? [])
  if (new Set(kinds).size < kinds.length)
    found.push(error(path, `${name} has two cards of one kind: one of each can be used`))
  if (found.length > 0) return { problems: found }
  return { name, cards: numbers.flatMap(({ number }) => listedCard(number)) }
}

/** Numbers lose their leading zeros before anybody can look at them. */
function withQuotes(problem: Problem, entry: unknown): Problem {
  if (problem.message !== 'must be a text' || !isRecord(entry)) return problem
  const isCard = problem.path.includes('card') || problem.path.includes('cards')
  return isCard ? { ...problem, message: 'a card number is a text', suggestion: 'put it in quotes' } : problem
}

function listedCard(number: string): Listed['cards'] {
  const kind = cardKind(number)
  return kind === undefined ? [] : [{ kind, number }]
}

function nameProblems(name: string, path: Path, before: readonly Listed[]): Problem[] {
  const at = [...path, 'name']
  if (RESERVED.includes(name)) return [error(at, `"${name}" is a word of the timeline and cannot be a name`)]
  return before.some((person) => person.name === name) ? [error(at, `"${name}" is already listed`)] : []
}

function cardProblems(number: string, path: Path, before: readonly Listed[]): Problem[] {
  if (cardKind(number) === undefined) return [error(path, `"${number}" is no card number`, `write ${CARD_FORMS}`)]
  const owner = before.find(({ cards }) => cards.some((card) => card.number === number))
  return owner ? [error(path, `this card is ${owner.name}'s already`)] : []
}

function error(path: Path, message: string, suggestion?: string): Problem {
  return { severity: 'error', path, message, suggestion }
}
