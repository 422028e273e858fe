/** What a schema of shapes cannot say about readers: drivers, their options, their transports, unique ids. */
import type { AnyDriver } from '../driver.js'
import { KIND_OF, parseTransportUrl } from '../transport/url.js'
import { checkValue } from './check.js'
import type { ReaderConfig } from './config.js'
import { isRecord } from './overrides.js'
import { didYouMean, type Path, type Problem } from './problems.js'
import { optionsSchema, type FileValues } from './schema.js'

type Raw = Readonly<Record<string, unknown>>

/** Looks at the raw values, so that its findings join those of the schema in one go. */
export function checkReaders(raw: unknown, drivers: readonly AnyDriver[]): Problem[] {
  const readers = isRecord(raw) ? raw['readers'] : undefined
  if (!Array.isArray(readers)) return []
  const firstWithId = new Map<string, number>()
  return readers.flatMap((reader: unknown, index) => {
    if (!isRecord(reader)) return []
    const at: Path = ['readers', index]
    return [...checkId(reader, at, index, firstWithId), ...checkDriver(reader, at, drivers)]
  })
}

function checkId(reader: Raw, at: Path, index: number, firstWithId: Map<string, number>): Problem[] {
  const id = reader['id']
  if (typeof id !== 'string') return []
  const first = firstWithId.get(id)
  if (first === undefined) {
    firstWithId.set(id, index)
    return []
  }
  return [error([...at, 'id'], `reader id "${id}" is already used by readers[${first}]`)]
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
  const options = reader['options'] ?? {}
  const wrong = isRecord(options) ? checkValue(optionsSchema(driver.options), options, [...at, 'options']).problems : []
  return [...checkTransport(reader, at, driver), ...wrong]
}

function checkTransport(reader: Raw, at: Path, driver: AnyDriver | undefined): Problem[] {
  const written = reader['transport']
  if (typeof written !== 'string') return []
  const path = [...at, 'transport']
  const url = parseTransportUrl(written)
  if ('problem' in url) return [error(path, url.problem)]
  if (driver && KIND_OF[url.scheme] !== driver.transport) {
    const fitting = Object.entries(KIND_OF).flatMap(([scheme, kind]) =>
      kind === driver.transport ? [`${scheme}:`] : [],
    )
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

/** The reader with its defaults filled in; undefined when its driver, options or transport are wrong. */
export function readerConfig(
  values: FileValues['readers'][number],
  drivers: readonly AnyDriver[],
): ReaderConfig | undefined {
  const driver = drivers.find((candidate) => candidate.name === values.driver)
  const transport = parseTransportUrl(values.transport)
  if (!driver || 'problem' in transport) return undefined
  const options = checkValue(optionsSchema(driver.options), values.options).value
  if (!options) return undefined
  const { id, direction, sim, enabled } = values
  return {
    id,
    name: values.name ?? id,
    driver: driver.name,
    transport,
    direction,
    place: values.place ?? id,
    options,
    sim,
    enabled,
  }
}
