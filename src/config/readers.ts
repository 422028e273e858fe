/** What a schema of shapes cannot say about readers: drivers, their options, their transports, unique ids. */
import type { AnyDriver } from '../driver.js'
import { parseTransportUrl, schemesOf } from '../transport/url.js'
import { checkValue } from './check.js'
import type { PointConfig, ReaderConfig } from './config.js'
import { isRecord } from './overrides.js'
import type { OptionFields, OptionValue, Watched } from './options.js'
import { didYouMean, pathText, type Path, type Problem } from './problems.js'
import { optionsSchema, type FileValues } from './schema.js'
import { readSecret, type SecretSource } from './secret.js'

type Placed = Pick<FileValues['readers'][number], 'id' | 'name' | 'place' | 'direction'>
type Raw = Readonly<Record<string, unknown>>

/** Looks at the raw values, so that its findings join those of the schema in one go. */
export function checkReaders(raw: unknown, drivers: readonly AnyDriver[]): Problem[] {
  const readers = isRecord(raw) ? raw['readers'] : undefined
  if (!Array.isArray(readers)) return []
  const firstWithId = new Map<string, string>()
  return readers.flatMap((reader: unknown, index) => {
    if (!isRecord(reader)) return []
    const at: Path = ['readers', index]
    return [...checkIds(reader, at, firstWithId), ...checkDriver(reader, at, drivers)]
  })
}

/** Readers and points share one set of ids: both stand in topics. */
function checkIds(reader: Raw, at: Path, firstWithId: Map<string, string>): Problem[] {
  const points = pointsOf(reader).map((point, nth) => [point, [...at, 'points', nth]] as const)
  return [[reader, at] as const, ...points].flatMap(([item, path]) => {
    const id = item['id']
    if (typeof id !== 'string') return []
    const first = firstWithId.get(id)
    if (first !== undefined) return [error([...path, 'id'], `reader id "${id}" is already used by ${first}`)]
    firstWithId.set(id, pathText(path))
    return []
  })
}

function pointsOf(reader: Raw): Raw[] {
  const points = reader['points']
  return Array.isArray(points) ? points.filter(isRecord) : []
}

function checkPoints(reader: Raw, at: Path, { name, points: fields }: AnyDriver): Problem[] {
  const points = pointsOf(reader)
  if (!fields) {
    return points.length === 0 ? [] : [error([...at, 'points'], `driver ${name} serves one device and has no points`)]
  }
  if (points.length === 0) {
    const keys = Object.keys(fields.match).join(', ')
    return [error(at, `driver ${name} needs points`, `points: [{ id: gate-1, match: { ${keys}: … } }]`)]
  }
  const seen = new Map<string, number>()
  return points.flatMap((point, nth) => {
    const path: Path = [...at, 'points', nth]
    const key = JSON.stringify(point['match'] ?? {})
    const twin = seen.get(key)
    seen.set(key, nth)
    return [
      ...checkMapping(point['match'] ?? {}, fields.match, [...path, 'match']),
      ...checkMapping(point['options'] ?? {}, fields.options ?? {}, [...path, 'options']),
      ...(twin === undefined ? [] : [error([...path, 'match'], `points[${twin}] has the same match`)]),
    ]
  })
}

function checkMapping(raw: unknown, fields: OptionFields, path: Path): Problem[] {
  return isRecord(raw) ? checkValue(optionsSchema(fields), raw, path).problems : []
}

function checkDriver(reader: Raw, at: Path, drivers: readonly AnyDriver[]): Problem[] {
  const name = reader['driver']
  const driver = drivers.find((candidate) => candidate.name === name)
  if (typeof name !== 'string') return checkTransport(reader, at, undefined)
  if (!driver) {
    const names = drivers.map((candidate) => candidate.name)
    const suggestion = didYouMean(name, names) ?? `drivers: ${names.join(', ')}`
    return [
      error([...at, 'driver'], `there is no driver "${name}"`, suggestion),
      ...checkTransport(reader, at, undefined),
    ]
  }
  return [
    ...checkTransport(reader, at, driver),
    ...checkMapping(reader['options'] ?? {}, driver.options, [...at, 'options']),
    ...checkPoints(reader, at, driver),
  ]
}

function checkTransport(reader: Raw, at: Path, driver: AnyDriver | undefined): Problem[] {
  const written = reader['transport']
  if (typeof written !== 'string') return []
  const path = [...at, 'transport']
  const url = parseTransportUrl(written)
  if ('problem' in url) return [error(path, url.problem)]
  if (driver && !schemesOf(driver).includes(url.scheme)) {
    const fitting = schemesOf(driver).map((scheme) => `${scheme}:`)
    return [error(path, `driver ${driver.name} does not speak over ${url.scheme}:`, `use ${fitting.join(' or ')}`)]
  }
  if (url.scheme === 'serial' && /^\/dev\/tty(USB|ACM)\d/.test(url.path)) {
    const message = `${url.path} may be another device after a reboot`
    return [{ severity: 'warning', path, message, suggestion: 'use the name under /dev/serial/by-id/' }]
  }
  return []
}

function error(path: Path, message: string, suggestion?: string): Problem {
  return { severity: 'error', path, message, suggestion }
}

/** The reader with its defaults filled in and its secrets read; undefined when its driver, options or transport are wrong. */
export function readerConfig(
  values: FileValues['readers'][number],
  index: number,
  { drivers, env }: { readonly drivers: readonly AnyDriver[]; readonly env: NodeJS.ProcessEnv },
): { readonly reader?: ReaderConfig; readonly problems: readonly Problem[] } {
  const driver = drivers.find((candidate) => candidate.name === values.driver)
  const transport = parseTransportUrl(values.transport)
  if (!driver || 'problem' in transport) return { problems: [] }
  const problems: Problem[] = []
  const read = (fields: OptionFields | undefined, raw: unknown, path: Path): Readonly<Record<string, OptionValue>> => {
    const found = optionValues(fields ?? {}, raw, path, env)
    problems.push(...found.problems)
    return found.values
  }
  const at: Path = ['readers', index]
  const { sim, enabled } = values
  const options = read(driver.options, values.options, [...at, 'options'])
  const points = values.points.map((point, nth) => ({
    ...placed(point),
    match: read(driver.points?.match, point.match, [...at, 'points', nth, 'match']),
    options: read(driver.points?.options, point.options, [...at, 'points', nth, 'options']),
  }))
  return { reader: { ...placed(values), driver: driver.name, transport, options, sim, enabled, points }, problems }
}

/** What a reader and a point have in common. */
function placed({
  id,
  name = id,
  place = id,
  direction,
}: Placed): Pick<PointConfig, 'id' | 'name' | 'place' | 'direction'> {
  return { id, name, place, direction }
}

/** Values of declared options; what is wrong with their shape was said before and gives none here. */
function optionValues(
  fields: OptionFields,
  raw: unknown,
  path: Path,
  env: NodeJS.ProcessEnv,
): { values: Readonly<Record<string, OptionValue>>; problems: Problem[] } {
  const checked = checkValue(optionsSchema(fields), raw).value ?? {}
  const problems: Problem[] = []
  const values = Object.entries(fields).map(([name, { kind }]) => {
    const value = checked[name]
    if (kind === 'watch') {
      const read = watchedValues((value ?? []) as readonly RawWatched[], [...path, name], env)
      problems.push(...read.problems)
      return [name, read.watched] as const
    }
    if (kind !== 'secret') return [name, value] as const
    if (value === undefined) return [name, ''] as const
    const read = readSecret(value as SecretSource, [...path, name], env)
    problems.push(...read.problems)
    return [name, read.value ?? ''] as const
  })
  // Parse boundary: the schema has checked each value against its declaration.
  return { values: Object.fromEntries(values) as Record<string, OptionValue>, problems }
}

type RawWatched = Omit<Watched, 'irk'> & { readonly irk?: SecretSource }

/** Phones with their keys read. */
function watchedValues(
  entries: readonly RawWatched[],
  path: Path,
  env: NodeJS.ProcessEnv,
): { watched: readonly Watched[]; problems: Problem[] } {
  const problems: Problem[] = []
  const watched = entries.map(({ irk, ...entry }, nth): Watched => {
    if (irk === undefined) return entry
    const at = [...path, nth, 'irk']
    const read = readSecret(irk, at, env)
    problems.push(...read.problems)
    if (read.value !== undefined && !/^[0-9a-f]{32}$/i.test(read.value)) {
      problems.push(error(at, 'holds no identity resolving key', 'a key is 32 hex digits'))
    }
    return { ...entry, irk: read.value ?? '' }
  })
  return { watched, problems }
}
