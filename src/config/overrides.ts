/** `PUNCHD_MQTT__URL=…` overrides one value of the file; a double underscore goes one level down. */
import { parse } from 'yaml'
import { keysAt } from './check.js'
import { didYouMean, type Path, type Problem } from './problems.js'
import { fileSchema } from './schema.js'

const PREFIX = 'PUNCHD_'
/** Variables of punchd itself, not of the configuration. */
const OURS = ['PUNCHD_CONFIG', 'PUNCHD_DEBUG']

export interface Override {
  readonly variable: string
  readonly path: Path
  readonly value: unknown
}

/** Reads the overrides in `env`; a name that leads to no key is a problem. */
export function readOverrides(env: NodeJS.ProcessEnv): { overrides: Override[]; problems: Problem[] } {
  const overrides: Override[] = []
  const problems: Problem[] = []
  for (const [variable, written] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX) || OURS.includes(variable) || written === undefined) continue
    const found = resolvePath(variable.slice(PREFIX.length).split('__'))
    if ('path' in found) overrides.push({ variable, path: found.path, value: valueOf(written) })
    else problems.push({ severity: 'error', path: [], origin: `environment ${variable}`, ...found })
  }
  return { overrides, problems }
}

function resolvePath(words: readonly string[]): { path: Path } | { message: string; suggestion: string | undefined } {
  const path: (string | number)[] = []
  for (const word of words) {
    if (/^\d+$/.test(word)) {
      path.push(Number(word))
      continue
    }
    const known = keysAt(fileSchema, path)
    const plain = word.replaceAll('_', '').toLowerCase()
    // Below `options` the driver decides, not this schema: the word stands as it is written.
    const key =
      known.find((candidate) => candidate.toLowerCase() === plain) ?? (path.includes('options') ? word : undefined)
    if (key === undefined)
      return { message: `leads to no key: "${word}" is unknown`, suggestion: didYouMean(plain, known) }
    path.push(key)
  }
  return { path }
}

/** The value as YAML would read it, so that numbers, true and { file: … } work; else the text itself. */
function valueOf(written: string): unknown {
  try {
    return parse(written)
  } catch {
    return written
  }
}

/** A copy of `values` with the overrides set. */
export function withOverrides(values: unknown, overrides: readonly Override[]): unknown {
  return overrides.reduce((result, { path, value }) => withValue(result, path, value), values)
}

function withValue(values: unknown, path: Path, value: unknown): unknown {
  const [step, ...rest] = path
  if (step === undefined) return value
  if (typeof step === 'number') {
    const list: unknown[] = Array.isArray(values) ? Array.from<unknown>(values) : []
    list[step] = withValue(list[step], rest, value)
    return list
  }
  const map = isRecord(values) ? values : {}
  return { ...map, [step]: withValue(map[step], rest, value) }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
