/** The example and the JSON Schema say what the loader takes. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { drivers } from '../drivers/index.js'
import { allKeys } from '../src/config/check.js'
import { exampleText, exampleValues, jsonSchema } from '../src/config/docs.js'
import { loadConfig } from '../src/config/load.js'
import { printProblem } from '../src/config/problems.js'
import { fileSchema } from '../src/config/schema.js'
import { accepts } from './support/json-schema.js'
import { tempFolder } from './support/temp.js'

describe('the example', () => {
  const folder = tempFolder()

  /** All problems, warnings included. */
  function problems(text: string): string[] {
    writeFileSync(folder.file('config.yaml'), text)
    return loadConfig(folder.file('config.yaml'), { drivers, env: {} }).problems.map(printProblem)
  }
  /** With every comment that is a key made one. */
  const uncommented = (): string => exampleText(drivers).replace(/^( *)# ( *)(?=[\w]+:(\s|$))/gm, '$1$2')

  it('is valid as it is', () => {
    assert.deepEqual(problems(exampleText(drivers)), [])
  })

  it('names every key, and every option of every driver', () => {
    const text = exampleText(drivers)
    const ofPoints = drivers.some(({ points }) => points) ? [] : ['points', 'match']
    for (const key of allKeys(fileSchema).filter((name) => !ofPoints.includes(name)))
      assert.match(text, new RegExp(`\\b${key}:`), key)
    for (const driver of drivers) {
      assert.match(text, new RegExp(`driver: ${driver.name}$`, 'm'))
      for (const option of Object.keys(driver.options)) assert.match(text, new RegExp(`${option}:`), option)
    }
  })

  it('stays valid when what is commented out is taken in', () => {
    // The files that the example names are not on this machine, and that is all that may be wrong.
    const found = problems(uncommented()).map((problem) => problem.split('\n')[0])
    assert.deepEqual(
      found.filter((problem) => !/(password|secret|tls\.\w+) {2}.*file cannot be read/i.test(problem ?? '')),
      [],
    )
  })

  it('keeps its defaults: taking one in changes nothing', () => {
    const [asIs, taken] = [exampleText(drivers), uncommented()].map((text) => {
      writeFileSync(
        folder.file('config.yaml'),
        text.replace(/^ *\w*(password|secret): .*$/gim, '').replace(/^ *(tls|username): .*$/gm, ''),
      )
      return loadConfig(folder.file('config.yaml'), { drivers, env: {} }).config
    })
    assert.ok(asIs && taken)
    const places = ({ readers }: typeof asIs) => readers.map(({ place: _place, name: _name, ...reader }) => reader)
    assert.deepEqual({ ...taken, readers: places(taken) }, { ...asIs, readers: places(asIs) })
  })
})

describe('the JSON Schema', () => {
  const schema = jsonSchema(drivers)
  const example = exampleValues(drivers)
  /** The example with one value set; undefined takes it away. */
  const changed = (path: readonly (string | number)[], value: unknown): unknown => {
    const copy: unknown = structuredClone(example)
    let inner = copy as Record<string | number, unknown>
    for (const step of path.slice(0, -1)) inner = inner[step] as Record<string | number, unknown>
    const last = path.at(-1) ?? ''
    if (value === undefined) Reflect.deleteProperty(inner, last)
    else inner[last] = value
    return copy
  }

  it('accepts the example', () => {
    assert.equal(accepts(schema, example), true)
  })

  it('accepts a secret in each of its forms', () => {
    for (const password of ['x', { file: '/x' }, { env: 'X' }, { credential: 'x' }]) {
      assert.equal(accepts(schema, changed(['mqtt', 'password'], password)), true)
    }
  })

  it('refuses what the loader refuses', () => {
    const wrong: [(string | number)[], unknown][] = [
      [['version'], 2],
      [['mqtt'], undefined],
      [['sight'], {}],
      [['site', 'id'], 'HQ'],
      [['mqtt', 'window'], 0],
      [['mqtt', 'protocol'], 3],
      [['mqtt', 'password'], { fil: '/x' }],
      [['readers', 0, 'driver'], 'none'],
      [['readers', 0, 'direction'], 'up'],
      [['readers', 1, 'options'], { hold: 5 }],
      [['readers', 1, 'options'], { holt: '5s' }],
      [['policy'], { repeatWindow: '5 minutes' }],
    ]
    for (const [path, value] of wrong) assert.equal(accepts(schema, changed(path, value)), false, path.join('.'))
  })

  it('is of the draft that editors know, and describes its keys', () => {
    const { $schema, properties } = schema as {
      $schema: string
      properties: Record<string, { properties?: Record<string, { description?: string }> }>
    }
    assert.match($schema, /2020-12/)
    assert.ok(properties['mqtt']?.properties?.['url']?.description)
  })
})
