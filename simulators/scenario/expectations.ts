/** What a scenario can expect at its end. Each has a name people can read and a check over what was found. */
import { didYouMean } from '../../src/config/problems.js'

/** Expected without a number. */
export const SENTENCES = {
  'all presented are stored': 'every presentation has its record in the journal',
  'all stored are received exactly once':
    'every record reached the subscriber, told apart by id; none came from elsewhere',
  'nothing shown green is missing': 'whatever a light showed as accepted is in the journal',
  'prev is unbroken': 'each punch received names the one before it',
  'order by seq is kept': 'punches were first received in the order in which they were stored',
  'backlog is 0': 'nothing waits for the broker at the end, and nothing is parked',
  'all readers are up': 'every reader is up at the end',
} as const
export type SentenceName = keyof typeof SENTENCES
const SENTENCE_NAMES = Object.keys(SENTENCES).filter((name): name is SentenceName => name in SENTENCES)

/** Expected as `name: 4` or `name: 0..3`. */
export const COUNTS = {
  presented: 'presentations',
  stored: 'punches in the journal',
  received: 'punches received, told apart by id',
  accepted: 'punches stored as accepted',
  repeats: 'punches stored as repeats',
  redeliveries: 'deliveries of a punch beyond the first: QoS 1 may',
} as const
export type CountName = keyof typeof COUNTS
const COUNT_NAMES = Object.keys(COUNTS).filter((name): name is CountName => name in COUNTS)

export type Expectation =
  | { readonly kind: 'sentence'; readonly name: SentenceName }
  | { readonly kind: 'count'; readonly name: CountName; readonly min: number; readonly max: number }

/** What a scenario without `expect` is held to. */
export const USUAL: readonly Expectation[] = SENTENCE_NAMES.filter((name) => name !== 'all readers are up').map(
  (name) => ({
    kind: 'sentence',
    name,
  }),
)

export interface Wrong {
  readonly message: string
  readonly suggestion: string | undefined
  /** The key that is wrong, in the map form. */
  readonly key?: string
}

/** Reads one entry of `expect`: a sentence, or a map of one count. */
export function parseExpectation(raw: unknown): Expectation | Wrong {
  if (typeof raw === 'string') {
    const name = SENTENCE_NAMES.find((candidate) => candidate === raw.trim().replace(/\s+/g, ' '))
    return name === undefined ? unknownExpectation(raw) : { kind: 'sentence', name }
  }
  const entries = typeof raw === 'object' && raw !== null && !Array.isArray(raw) ? Object.entries(raw) : []
  const [entry] = entries
  if (!entry || entries.length > 1)
    return { message: 'must be a sentence or one count, such as "repeats: 4"', suggestion: undefined }
  return parseCount(...entry)
}

function parseCount(key: string, value: unknown): Expectation | Wrong {
  const name = COUNT_NAMES.find((candidate) => candidate === key)
  if (name === undefined) {
    const suggestion = didYouMean(key, COUNT_NAMES) ?? `counts: ${COUNT_NAMES.join(', ')}`
    return { message: `there is no count "${key}"`, suggestion, key }
  }
  const match = /^(\d{1,7})(?:\.\.(\d{1,7}))?$/.exec(String(value))
  const min = Number(match?.[1])
  const max = Number(match?.[2] ?? min)
  if (!match || max < min) return { message: 'must be a whole number or a range like 0..3', suggestion: undefined, key }
  return { kind: 'count', name, min, max }
}

function unknownExpectation(raw: string): Wrong {
  const close = didYouMean(raw, SENTENCE_NAMES) ?? closest(raw)
  return {
    message: `there is no expectation "${raw}"`,
    suggestion: close ?? `write one of: ${SENTENCE_NAMES.join('; ')}`,
  }
}

/** Sentences differ by more than two letters: the one that shares most words. */
function closest(raw: string): string | undefined {
  const words = new Set(raw.toLowerCase().split(/\s+/))
  const scored = SENTENCE_NAMES.map((name) => ({
    name,
    shared: name.split(' ').filter((word) => words.has(word)).length,
  }))
  const [best] = scored.sort((a, b) => b.shared - a.shared)
  return best && best.shared >= 2 ? `did you mean "${best.name}"?` : undefined
}

export function expectationText(expectation: Expectation): string {
  if (expectation.kind === 'sentence') return expectation.name
  const { name, min, max } = expectation
  return min === max ? `${name}: ${min}` : `${name}: ${min}..${max}`
}
