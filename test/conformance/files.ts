/** Questions about the folder of a driver: names, sample, README, vectors. */
import { strict as assert } from 'node:assert'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parse } from 'yaml'
import { durationMs, type Option, type OptionFields } from '../../src/config/options.js'
import type { TransportKind } from '../../src/driver.js'
import { parseTransportUrl, schemesOf } from '../../src/transport/url.js'
import { root } from '../support/root.js'
import type { Rig, Vector } from './rig.js'

export function askAboutFiles<Fields extends OptionFields, Kind extends TransportKind>(rig: Rig<Fields, Kind>): void {
  const { driver } = rig
  const read = (file: string): string => readFileSync(join(root, rig.folder, file), 'utf8')

  it('has one name: of the folder, of the driver, in the registry', async () => {
    assert.match(driver.name, /^[a-z0-9-]{1,32}$/)
    assert.equal(basename(rig.folder), driver.name)
    const registry = join(root, 'dist/drivers/index.js')
    const listed: unknown = await import(pathToFileURL(registry).href)
    assert.ok(namesIn(listed).includes(driver.name), `${driver.name} is missing in drivers/index.ts`)
  })

  it('has a sample entry that is valid and stands verbatim in its README', () => {
    const sample = read('sample.yaml')
    checkSample(parse(sample), rig)
    assert.ok(read('README.md').includes(sample.trim()), 'README.md does not quote sample.yaml verbatim')
  })

  it('decodes every vector to its meaning', () => {
    const vectors = readVectors(rig.folder)
    assert.ok(vectors.length > 0)
    for (const vector of vectors) {
      assert.deepEqual(rig.decode([bytesOf(vector.hex)], vector), vector.meaning, vector.name)
    }
  })
}

export function readVectors(folder: string): Vector[] {
  const vectors: unknown = JSON.parse(readFileSync(join(root, folder, 'vectors.json'), 'utf8'))
  assert.ok(Array.isArray(vectors))
  return vectors.map((vector: Record<string, unknown>) => {
    const { name, hex, meaning, source, card } = vector
    assert.ok(typeof name === 'string' && typeof source === 'string' && source !== '', 'a vector needs name and source')
    assert.ok(typeof hex === 'string' && /^[0-9A-Fa-f]{2}( [0-9A-Fa-f]{2})*$/.test(hex), `${name}: hex "02 41 …"`)
    return { name, hex, meaning, source, card: card === true }
  })
}

export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
}

/** The registry exports `drivers`: a list, a Map or a record of drivers. */
function namesIn(module: unknown): string[] {
  assert.ok(typeof module === 'object' && module !== null && 'drivers' in module, 'drivers/index.ts exports `drivers`')
  const { drivers } = module
  assert.ok(typeof drivers === 'object' && drivers !== null)
  const list: unknown[] = drivers instanceof Map ? [...drivers.values()] : Object.values(drivers)
  return list.map((entry) => (typeof entry === 'object' && entry && 'name' in entry ? String(entry.name) : ''))
}

function checkSample<Fields extends OptionFields, Kind extends TransportKind>(
  sample: unknown,
  { driver }: Rig<Fields, Kind>,
): void {
  const isList = Array.isArray(sample) && sample.length === 1
  assert.ok(isList, 'sample.yaml must be a YAML list with one entry ("- id: …")')
  const entry = sample[0] as Record<string, unknown> // Parse boundary.
  assert.equal(entry['driver'], driver.name)
  assert.match(String(entry['id']), /^[a-z0-9-]{1,32}$/)
  const url = parseTransportUrl(String(entry['transport']))
  assert.ok(!('problem' in url), 'problem' in url ? url.problem : '')
  assert.ok(schemesOf(driver).includes(url.scheme), `${driver.name} does not speak over ${url.scheme}:`)
  for (const [name, value] of Object.entries(entry['options'] ?? {})) {
    const option = driver.options[name]
    assert.ok(option, `options.${name} is not an option of ${driver.name}`)
    assert.ok(fits(option, value), `options.${name}: ${String(value)} is no ${option.kind}`)
  }
}

function fits(option: Option, value: unknown): boolean {
  switch (option.kind) {
    case 'duration':
      return typeof value === 'string' && durationMs(value) !== undefined
    case 'choice':
      return typeof value === 'string' && option.values.includes(value)
    case 'flag':
      return typeof value === 'boolean'
    case 'whole':
      return Number.isInteger(value) && Number(value) >= option.min && Number(value) <= option.max
    case 'text':
      return typeof value === 'string'
    case 'watch':
      return Array.isArray(value)
    case 'secret':
      return typeof value === 'string' || (typeof value === 'object' && value !== null)
  }
}
