/** From a YAML file to a `Config`, or to every problem at once. */
import { accessSync, constants, readFileSync } from 'node:fs'
import { LineCounter, parseDocument, visit } from 'yaml'
import type { AnyDriver } from '../driver.js'
import { messageOf } from '../errors.js'
import { allKeys, checkValue } from './check.js'
import type { Config } from './config.js'
import { policyConfig, policyProblems } from './policy.js'
import { isRecord, readOverrides, withOverrides, type Override } from './overrides.js'
import { placeProblems, type PlacedProblem, type Problem, type Source } from './problems.js'
import { checkReaders, readerConfig } from './readers.js'
import { fileSchema, type FileValues } from './schema.js'
import { readSecret } from './secret.js'
import { zoneOffsets } from './zone.js'

export interface Loaded {
  /** Absent when there is an error among the problems. */
  readonly config?: Config
  readonly problems: readonly PlacedProblem[]
  /** The parsed file and what overrode it, for `config show`. */
  readonly source: Source
  readonly overrides: readonly Override[]
}

export interface LoadContext {
  readonly drivers: readonly AnyDriver[]
  readonly env: NodeJS.ProcessEnv
}

/** Reads and checks a configuration file. Never throws for what the file contains. */
export function loadConfig(file: string, context: LoadContext): Loaded {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const problem = {
      severity: 'error',
      path: [],
      message: `cannot be read: ${messageOf(error)}`,
      origin: file,
    } as const
    const source = parseSource(file, '')
    return { problems: placeProblems(source, [problem]), source, overrides: [] }
  }
  return checkConfig({ ...parseSource(file, text), words: knownWords(context.drivers) }, context)
}

function knownWords(drivers: readonly AnyDriver[]): ReadonlySet<string> {
  return new Set([...allKeys(fileSchema), ...drivers.flatMap(declaredKeys)])
}

function declaredKeys({ options, points }: AnyDriver): string[] {
  return [options, points?.match ?? {}, points?.options ?? {}].flatMap((fields) => Object.keys(fields))
}

/** Parses YAML 1.2, keeping positions. */
export function parseSource(file: string, text: string): Source {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', uniqueKeys: true, prettyErrors: false })
  return { file, text, document, lines }
}

/** What the YAML parser itself complains about. */
export function syntaxProblems(source: Source): Problem[] {
  const problems = source.document.errors.map(({ message, pos }) => syntaxProblem(message, pos[0]))
  // Left to the conversion by the parser, which then throws without a place.
  visit(source.document, {
    Alias: (_, alias) => {
      if (alias.resolve(source.document)) return
      problems.push(syntaxProblem('no anchor of this name stands before this alias', alias.range?.[0] ?? 0))
    },
  })
  return problems
}

function syntaxProblem(message: string, offset: number): Problem {
  // After a colon the parser quotes what it read, secrets included.
  return { severity: 'error', path: [], message: message.split(/:\s|\n/)[0] ?? 'is not YAML', offset }
}

function checkConfig(source: Source, context: LoadContext): Loaded {
  const syntax = syntaxProblems(source)
  if (syntax.length > 0) return { problems: placeProblems(source, syntax), source, overrides: [] }
  const { overrides, problems } = readOverrides(context.env)
  const values = plainValues(source)
  if (values instanceof Error) {
    return { problems: placeProblems(source, [syntaxProblem(values.message, 0)]), source, overrides }
  }
  const raw = withOverrides(values, overrides)
  const checked = checkValue<FileValues>(fileSchema, raw)
  problems.push(...checked.problems, ...checkReaders(raw, context.drivers))
  let config: Config | undefined
  if (checked.value) {
    const built = buildConfig(checked.value, context)
    problems.push(...built.problems)
    if (!problems.some(({ severity }) => severity === 'error')) config = built.config
  }
  const all = placeProblems(
    source,
    problems.map((problem) => withOrigin(problem, overrides)),
  )
  return config
    ? { config: deepFreeze(config), problems: all, source, overrides }
    : { problems: all, source, overrides }
}

/** The file as plain values; aliases that multiply without end are an error. */
function plainValues({ document }: Source): unknown {
  try {
    return document.toJS() ?? {}
  } catch (error) {
    return new Error(messageOf(error))
  }
}

/** A problem of a value that a variable set belongs to the variable, not to a line of the file. */
function withOrigin(problem: Problem, overrides: readonly Override[]): Problem {
  if (problem.origin !== undefined) return problem
  const by = overrides.find(({ path }) => path.every((step, depth) => problem.path[depth] === step))
  return by ? { ...problem, origin: `environment ${by.variable}` } : problem
}

function buildConfig(values: FileValues, context: LoadContext): { config: Config; problems: Problem[] } {
  const { site, data, policy, log } = values
  const gateway = { id: values.gateway.id ?? machineId() }
  const { tls, password: _source, url, clientId = `punchd-${site.id}-${gateway.id}`, ...mqtt } = values.mqtt
  const secret =
    values.mqtt.password === undefined
      ? { problems: [] }
      : readSecret(values.mqtt.password, ['mqtt', 'password'], context.env)
  const readers = values.readers.map((reader, index) => readerConfig(reader, index, context))
  const config: Config = {
    site: { id: site.id, name: site.name ?? site.id, timezone: site.timezone, offsets: zoneOffsets(site.timezone) },
    gateway,
    data: { path: data.path, keepSettledMs: data.keepSettled },
    mqtt: { ...mqtt, urls: [url].flat(), clientId, tls, username: mqtt.username, password: secret.value },
    readers: readers.flatMap(({ reader }) => reader ?? []),
    policy: policyConfig(policy),
    log: { level: log.level },
  }
  const found = [...secret.problems, ...readers.flatMap(({ problems }) => problems), ...policyProblems(config)]
  return { config, problems: [...found, ...tlsProblems(tls)] }
}

/** Files that TLS needs and this user cannot read: said now, not as a broker that cannot be reached. */
function tlsProblems(tls: FileValues['mqtt']['tls']): Problem[] {
  return Object.entries(tls).flatMap(([name, file]): Problem[] => {
    try {
      if (file !== undefined) accessSync(file, constants.R_OK)
      return []
    } catch (error) {
      // Punches are kept without a broker: no reason not to start.
      const message = `the file cannot be read: ${messageOf(error)}`
      return [{ severity: 'warning', path: ['mqtt', 'tls', name], message }]
    }
  })
}

function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim().slice(0, 8) || 'gw'
  } catch {
    return 'gw'
  }
}

function deepFreeze<T>(value: T): T {
  if (Array.isArray(value) || isRecord(value)) Object.values(value).forEach(deepFreeze)
  return Object.freeze(value)
}
