/** DESIGN §4: who may import whom, read from the import statements themselves. */
import assert from 'node:assert/strict'
import { parseSource, readSources, type Import, type SourceFile } from './support/sources.js'

/** Folder or file that alone may import a package, and everything around it that is as native. */
const ONLY_IMPORTER: Readonly<Record<string, string>> = {
  mqtt: 'src/mqtt/',
  'mqtt-packet': 'src/mqtt/',
  'better-sqlite3': 'src/journal/',
  winston: 'src/log',
  serialport: 'src/transport/',
  '@serialport/bindings-cpp': 'src/transport/',
  'nfc-pcsc': 'src/transport/host/',
  '@pokusew/pcsclite': 'src/transport/host/',
  '@abandonware/noble': 'src/transport/host/',
  'node-wifi': 'src/transport/',
  zod: 'src/config/',
  yaml: 'src/config/',
  'csv-stringify': 'src/verbs/export',
  aedes: 'simulators/',
}
const NATIVE = [
  'serialport',
  '@serialport/bindings-cpp',
  'nfc-pcsc',
  '@pokusew/pcsclite',
  '@abandonware/noble',
  'node-wifi',
]
/** What has a heart made of rules only. */
const CORE =
  /^src\/(journal\/.*|attendance|outbox|outbound|parked|tail|receipts\/.*|supervisor|status|people|watermark|session)$/
/** Where an import may wire real drivers and twins. */
const WIRING =
  /^(src\/(main|cli)|src\/verbs\/(sim|demo).*|drivers\/index|simulators\/(main|demo|sim|scenario|registry|index).*)$/
const FORBIDDEN_WORDS = ['manager', 'service', 'helper', 'util', 'utils', 'handler', 'processor', 'entity']
const MOST_LINES = 250
const MANY_FUNCTION_LINES = 30
const MOST_FUNCTION_LINES = 45

const files = readSources('src', 'drivers', 'simulators')
const paths = new Set(files.map(({ path }) => path))
const src = files.filter(({ path }) => path.startsWith('src/'))

/** Lines `file → target` of all imports of `from` that `wrong` finds wrong. */
function wrongImports(from: RegExp, wrong: (found: Import, file: SourceFile) => boolean): string[] {
  const importing = files.filter(({ path }) => from.test(path))
  assert.ok(importing.length > 0, `no file is like ${from}`)
  return importing.flatMap((file) =>
    file.imports.filter((found) => wrong(found, file)).map(({ target }) => `${file.path} → ${target}`),
  )
}

const isNode = ({ target }: Import): boolean => target.startsWith('node:')
const isFile = ({ target }: Import): boolean => /^(src|drivers|simulators|test|bench)\//.test(target)

describe('the layers', () => {
  it('are read from real files, imports of every form included', () => {
    assert.ok(src.length > 40)
    const text = `import a from './a.js'; import type { B } from '../model.js'; export * from './c.js'
      const d = await import('d/sub'); const e = require('e'); type F = typeof import('@f/g/h')`
    assert.deepEqual(
      parseSource('src/x/y.ts', text).imports.map(({ target, typeOnly, lazy }) => [target, typeOnly, lazy]),
      [
        ['src/x/a', false, false],
        ['src/model', true, false],
        ['src/x/c', false, false],
        ['d', false, true],
        ['e', false, false],
        ['@f/g', true, false],
      ],
    )
    const dangling = wrongImports(
      /./,
      (found) => isFile(found) && !found.target.endsWith('.json') && !isKnown(found.target),
    )
    assert.deepEqual(dangling, [])
  })

  it('rest on a model that imports nothing, and on errors and retry that need Node alone', () => {
    assert.deepEqual(
      wrongImports(/^src\/model$/, () => true),
      [],
    )
    assert.deepEqual(
      wrongImports(/^src\/(errors|retry)$/, (found) => !isNode(found)),
      [],
    )
  })

  it('keep the YAML parser and the schemas out of the memory of the daemon', () => {
    const reached = new Set<string>()
    const reach = (target: string): void => {
      if (reached.has(target)) return
      reached.add(target)
      const found = files.find(({ path }) => path === target)
      for (const { target: next, typeOnly } of found?.imports ?? []) if (!typeOnly) reach(next)
    }
    reach('src/daemon')
    assert.ok(reached.has('src/control'), 'the walk gets somewhere')
    assert.deepEqual(['yaml', 'zod', 'commander'].filter((name) => reached.has(name)), []) // prettier-ignore
  })

  it('let policy know the model only, and itself', () => {
    assert.deepEqual(
      wrongImports(/^src\/policy\//, ({ target }) => target !== 'src/model' && !target.startsWith('src/policy/')),
      [],
    )
  })

  it('keep the driver contract small: model, errors, options, requests, and the type of a clock', () => {
    const allowed = [
      'src/model',
      'src/errors',
      'src/config/options',
      'src/requests',
      'src/inbox',
      'src/card-bits',
      'src/presenting',
      'src/presence-options',
      'src/addresses',
    ]
    const wrong = ({ target, typeOnly }: Import): boolean =>
      !allowed.includes(target) && !(['src/clock', 'src/wires', 'src/zone'].includes(target) && typeOnly)
    assert.deepEqual(wrongImports(/^src\/driver$/, wrong), [])
    assert.deepEqual(
      wrongImports(/^src\/config\/options$/, () => true),
      [],
    )
  })

  it('keep the core away from drivers and transports', () => {
    const wrong = ({ target, typeOnly }: Import): boolean =>
      /^(drivers|simulators)\//.test(target) ||
      (target.startsWith('src/transport/') && !(typeOnly && target === 'src/transport/url')) ||
      target.startsWith('src/mqtt/')
    assert.deepEqual(wrongImports(CORE, wrong), [])
  })

  it('give each package one importer', () => {
    const seen = new Set<string>()
    const wrong = files.flatMap(({ path, imports }) =>
      imports.flatMap(({ target }) => {
        const only = ONLY_IMPORTER[target]
        if (only === undefined) return []
        seen.add(target)
        return path.startsWith(only) || path.startsWith('simulators/') ? [] : [`${path} → ${target}`]
      }),
    )
    assert.deepEqual(wrong, [])
    for (const expected of ['mqtt', 'better-sqlite3', 'winston', 'serialport', 'nfc-pcsc'])
      assert.ok(seen.has(expected), expected)
  })

  it('let simulators have one subscriber, and no other package of the core', () => {
    const subscribers = files.filter(
      ({ path, imports }) => path.startsWith('simulators/') && imports.some(({ target }) => target === 'mqtt'),
    )
    assert.ok(subscribers.length <= 1, subscribers.map(({ path }) => path).join(', '))
    const wrong = ({ target }: Import): boolean => ['better-sqlite3', 'winston', ...NATIVE].includes(target)
    assert.deepEqual(wrongImports(/^simulators\//, wrong), [])
  })

  it('let a driver import the contract and itself, and nothing from npm', () => {
    const wrong = (found: Import, { path }: SourceFile): boolean =>
      !['src/driver', 'node:crypto'].includes(found.target) && !found.target.startsWith(`${folderOf(path)}/`)
    assert.deepEqual(wrongImports(/^drivers\/[^/]+\//, wrong), [])
    assert.deepEqual(
      wrongImports(/^drivers\/index$/, ({ target }) => !/^(src\/driver|drivers\/[^/]+\/index)$/.test(target)),
      [],
    )
  })

  it('let a codec import nothing', () => {
    assert.deepEqual(
      wrongImports(/^drivers\/[^/]+\/codec$/, () => true),
      [],
    )
  })

  it('let no twin look at a driver', () => {
    const twins = /^simulators\/(?!(main|demo|sim|scenario|registry|index)\b)/
    assert.deepEqual(
      wrongImports(twins, ({ target }) => target.startsWith('drivers/')),
      [],
    )
    const ofSrc = ({ target }: Import): boolean =>
      target.startsWith('src/') &&
      !['src/driver', 'src/clock', 'src/model', 'src/errors'].includes(target) &&
      !target.startsWith('src/transport/')
    assert.deepEqual(wrongImports(twins, ofSrc), [])
  })

  it('let only the wiring name drivers and simulators', () => {
    const wrong = ({ target }: Import, { path }: SourceFile): boolean =>
      /^(drivers|simulators)\//.test(target) && !WIRING.test(path)
    assert.deepEqual(wrongImports(/^src\//, wrong), [])
    assert.deepEqual(
      wrongImports(/./, ({ target }) => target === 'src/main' || /^(test|bench)\//.test(target)),
      [],
    )
  })

  it('read native packages only when a URL of their scheme is opened', () => {
    const entries = ['src/main', 'src/cli', 'src/daemon', 'src/verbs/all', 'simulators/main', 'src/journal/thread']
    const loaded = new Set(entries.flatMap((entry) => [...loadedAtStart(entry)]))
    assert.ok(loaded.has('commander') && loaded.has('better-sqlite3'), 'the walk reaches what they import')
    assert.deepEqual(
      NATIVE.filter((name) => loaded.has(name)),
      [],
    )
  })

  it('keep out of the daemon what only other verbs need: it lives for months', () => {
    const loaded = new Set(['src/main', 'src/cli', 'src/daemon'].flatMap((entry) => [...loadedAtStart(entry)]))
    const verbs = [...loaded].filter((path) => /^src\/(verbs|verify|import)\/|^simulators\//.test(path))
    assert.deepEqual(verbs.sort(), ['src/verbs/run', 'src/verbs/verb'])
    assert.ok(!loaded.has('better-sqlite3'), 'the journal belongs to its thread')
  })

  it('have no cycles, those of types included', () => {
    assert.deepEqual(cycles(), [])
  })
})

describe('names and sizes', () => {
  it('avoid the words that say nothing', () => {
    const names = files.flatMap(({ path, types }) => [path.split('/').at(-1) ?? '', ...types.map(({ name }) => name)])
    assert.deepEqual(names.filter(saysNothing), [])
    assert.ok(['JournalManager', 'util', 'punch-helper'].every(saysNothing), 'the check finds what it looks for')
  })

  it('have no I before an interface and no base classes', () => {
    const types = files.flatMap((file) => file.types)
    assert.deepEqual(
      types.filter(({ name, kind }) => kind === 'interface' && /^I[A-Z][a-z]/.test(name)),
      [],
    )
    assert.deepEqual(
      types.filter(({ name, kind }) => kind === 'class' && /^Base|Base$|^Abstract/.test(name)),
      [],
    )
  })

  for (const folder of ['src', 'drivers', 'simulators']) {
    it(`${folder}: files of at most ${MOST_LINES} lines, functions of at most ${MOST_FUNCTION_LINES}`, () => {
      const inside = files.filter(({ path }) => path.startsWith(`${folder}/`))
      const functions = inside.flatMap(({ path, functions }) =>
        functions.map(({ name, lines }) => ({ name: `${path}: ${name}`, lines })),
      )
      console.log(`      files ${spread(inside)}; functions ${spread(functions)} lines`)
      for (const { name, lines } of functions)
        if (lines > MANY_FUNCTION_LINES) console.log(`      long: ${name}, ${lines} lines`)
      assert.deepEqual(
        inside.filter(({ lines }) => lines > MOST_LINES).map(({ path, lines }) => `${path}: ${lines}`),
        [],
      )
      assert.deepEqual(
        functions.filter(({ lines }) => lines > MOST_FUNCTION_LINES),
        [],
      )
    })
  }
})

function isKnown(target: string): boolean {
  return paths.has(target) || target.startsWith('test/')
}

function folderOf(path: string): string {
  return path.split('/').slice(0, 2).join('/')
}

/** Everything that reading `entry` reads at once. */
function loadedAtStart(entry: string): Set<string> {
  const seen = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    const file = files.find((candidate) => candidate.path === path)
    for (const { target, typeOnly, lazy } of file?.imports ?? []) if (!typeOnly && !lazy) visit(target)
  }
  visit(entry)
  return seen
}

/** Each cycle of imports in src once, as `a → b → a`. */
function cycles(): string[] {
  const targetsOf = new Map(
    src.map(({ path, imports }) => [path, imports.filter(({ lazy }) => !lazy).map(({ target }) => target)]),
  )
  const found = new Set<string>()
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at !== -1) return void found.add([...trail.slice(at), path].join(' → '))
    if (done.has(path)) return
    for (const target of targetsOf.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const { path } of src) visit(path, [])
  return [...found]
}

function saysNothing(name: string): boolean {
  const words = name.split(/(?=[A-Z])|[-._]/).map((word) => word.toLowerCase())
  return words.some((word) => FORBIDDEN_WORDS.includes(word))
}

function spread(sized: readonly { readonly lines: number }[]): string {
  const sorted = sized.map(({ lines }) => lines).sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0
  return `p50 ${at(0.5)}, p90 ${at(0.9)}, max ${at(1)}`
}
