/** zod's issues as problems with paths, and the keys a schema knows: for "did you mean". */
import { z } from 'zod'
import { didYouMean, type Path, type Problem } from './problems.js'

type Issue = z.core.$ZodIssue

/** Validates `value`; the output, or every problem. `at` is prefixed to the paths. */
export function checkValue<T>(schema: z.ZodType<T>, value: unknown, at: Path = []): { value?: T; problems: Problem[] } {
  const result = schema.safeParse(value)
  if (result.success) return { value: result.data, problems: [] }
  return { problems: result.error.issues.flatMap((issue) => problemsOf(schema, value, issue, at)) }
}

function problemsOf(schema: z.ZodType, value: unknown, issue: Issue, at: Path): Problem[] {
  const inner = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))
  const path = [...at, ...inner]
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, inner)
    return issue.keys.map((key) => ({
      severity: 'error',
      path: [...path, key],
      message: `unknown key "${key}"`,
      suggestion: didYouMean(key, known) ?? (known.length > 0 ? `known keys: ${known.join(', ')}` : undefined),
      atKey: true,
    }))
  }
  if (inner.length > 0 && valueAt(value, inner) === undefined) {
    return [{ severity: 'error', path, message: 'is missing' }]
  }
  return [{ severity: 'error', path, message: plainMessage(issue) }]
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, step) => (inner as Record<string, unknown> | undefined)?.[step], value)
}

function plainMessage(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${article(issue.expected)}`
    case 'too_small':
      return `must be at least ${issue.minimum}${issue.origin === 'string' ? ' characters' : ''}`
    case 'too_big':
      return issue.origin === 'array' ? issue.message : `must be at most ${issue.maximum}`
    default:
      return issue.message
  }
}

function article(type: string): string {
  const words: Readonly<Record<string, string>> = {
    int: 'a whole number',
    object: 'a mapping',
    array: 'a list',
    string: 'a text',
    boolean: 'true or false',
  }
  return words[type] ?? `a ${type}`
}

/** Keys of the object schema at `path`. */
export function keysAt(schema: z.ZodType, path: Path): string[] {
  let current: unknown = schema
  for (const step of path) {
    const bare = unwrapped(current)
    if (bare instanceof z.ZodObject) current = bare.shape[String(step)]
    else if (bare instanceof z.ZodArray) current = bare.element
    else return []
  }
  const bare = unwrapped(current)
  return bare instanceof z.ZodObject ? Object.keys(bare.shape) : []
}

/** Every key that a schema has at any depth. */
export function allKeys(schema: unknown): string[] {
  const bare = unwrapped(schema)
  if (bare instanceof z.ZodArray) return allKeys(bare.element)
  if (bare instanceof z.ZodUnion) return bare.options.flatMap(allKeys)
  if (!(bare instanceof z.ZodObject)) return []
  return Object.entries(bare.shape).flatMap(([key, inner]) => [key, ...allKeys(inner)])
}

/** A schema without its default, optional and pipe wrappers. */
export function unwrapped(schema: unknown): unknown {
  let current = schema
  for (;;) {
    if (current instanceof z.ZodOptional || current instanceof z.ZodDefault || current instanceof z.ZodPrefault) {
      current = current.unwrap()
    } else if (current instanceof z.ZodPipe) current = current.in
    else return current
  }
}
