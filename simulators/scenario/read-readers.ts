/** `readers:` of a scenario file: a map from id to what stands there. */
import { checkValue } from '../../src/config/check.js'
import { isRecord } from '../../src/config/overrides.js'
import { didYouMean, type Path, type Problem } from '../../src/config/problems.js'
import type { FaultPlan } from '../faults.js'
import type { ReaderPlan } from './scenario.js'
import { readerSchema } from './schema.js'
import { TWIN_NAMES, TWINS, type TwinName } from './twins.js'

export interface ReadReaders {
  readonly plans: readonly ReaderPlan[]
  /** All ids of the file, also those with a problem: nobody shall be told twice. */
  readonly twins: ReadonlyMap<string, TwinName | undefined>
  readonly problems: readonly Problem[]
}

export function checkReaders(raw: unknown): ReadReaders {
  const plans: ReaderPlan[] = []
  const problems: Problem[] = []
  const twins = new Map<string, TwinName | undefined>()
  for (const [id, entry] of isRecord(raw) ? Object.entries(raw) : []) {
    const path: Path = ['readers', id]
    const found = readerProblems(id, entry, path)
    problems.push(...found.problems)
    twins.set(id, found.plan?.twin)
    if (found.plan) plans.push(found.plan)
  }
  return { plans, twins, problems: [...problems, ...tooMany(plans)] }
}

function readerProblems(id: string, entry: unknown, path: Path): { plan?: ReaderPlan; problems: Problem[] } {
  const { value, problems } = checkValue(readerSchema, entry, path)
  if (!/^[a-z0-9-]{1,32}$/.test(id)) {
    problems.push({ severity: 'error', path, message: 'a reader id is 1 to 32 of a-z, 0-9 and -', atKey: true })
  }
  if (!value) return { problems: problems.map(withTwin(entry)) }
  const { twin, over, faults } = value
  const facts = TWINS[twin]
  if (!facts.over.some((possible) => possible === over)) {
    const suggestion = `use ${facts.over.join(' or ')}`
    problems.push({
      severity: 'error',
      path: [...path, 'over'],
      message: `${twin} cannot be had over ${over}`,
      suggestion,
    })
  }
  if (!facts.cable && Object.keys(faults).length > 0) {
    const message = `${twin} has no line of its own that could be spoilt`
    problems.push({ severity: 'error', path: [...path, 'faults'], message, atKey: true })
  }
  if (!facts.checked && (faults.noise !== undefined || faults.corrupt !== undefined)) {
    const message = `${twin} sends plain text without a check: noise and wrong bits would be other codes`
    const suggestion = 'use split, delay or cut'
    problems.push({ severity: 'error', path: [...path, 'faults'], message, suggestion, atKey: true })
  }
  const { direction, place = id, optional } = value
  return { plan: { id, twin, over, direction, place, optional, faults: faultPlan(faults) }, problems }
}

function faultPlan({
  maxDelay,
  ...shares
}: { readonly maxDelay?: number | undefined } & Record<string, number | undefined>): FaultPlan {
  const given = Object.entries({ ...shares, maxDelayMs: maxDelay }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given)
}

/** What zod cannot know: which twin was meant. */
function withTwin(entry: unknown): (problem: Problem) => Problem {
  const written = isRecord(entry) ? entry['twin'] : undefined
  return (problem) => {
    if (problem.path.at(-1) !== 'twin' || typeof written !== 'string') return problem
    return {
      ...problem,
      message: `there is no twin "${written}"`,
      suggestion: didYouMean(written, TWIN_NAMES) ?? problem.message,
    }
  }
}

function tooMany(plans: readonly ReaderPlan[]): Problem[] {
  return TWIN_NAMES.flatMap((twin) => {
    const { most } = TWINS[twin]
    const extra = plans.filter((plan) => plan.twin === twin).slice(most)
    const message = `one machine can have at most ${most} ${twin} readers`
    return extra.map(({ id }): Problem => ({ severity: 'error', path: ['readers', id, 'twin'], message }))
  })
}
