/** test/FAULTS.md says which test shows which fault: that it does, and that nothing is left out or still called open. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { root } from './support/root.js'

/** How many faults each chapter has. */
const CHAPTERS = { A: 16, B: 18, C: 13, D: 23, E: 23 } as const
const IDS = Object.entries(CHAPTERS).flatMap(([chapter, count]) =>
  Array.from({ length: count }, (_, index) => chapter + String(index + 1).padStart(2, '0')),
)
const OPEN = '**open**'
/** Numbers of faults as they stand in a title: `(A05)`, `(E04, E05)`. */
const NAMED = /\(((?:[A-E]\d\d)(?:, [A-E]\d\d)*)\)/g

interface Row {
  readonly id: string
  readonly fault: string
  readonly shownBy: string
  readonly remark: string
}

const page = readFileSync(join(root, 'test/FAULTS.md'), 'utf8')
const rows: readonly Row[] = page
  .split('\n')
  .filter((line) => /^\| [A-E]\d/.test(line))
  .map((line) => {
    const [, id = '', fault = '', shownBy = '', remark = '', ...rest] = line.split('|').map((cell) => cell.trim())
    assert.deepEqual(rest, [''], line)
    return { id, fault, shownBy, remark }
  })

/** What a cell names: files of test/, and programs of `npm run torture`. */
function placesIn({ shownBy }: Row): { readonly files: readonly string[]; readonly programs: readonly string[] } {
  const places = [...shownBy.matchAll(/`([^`]+)`/g)].map(([, place]) => place ?? '')
  const programs = places.flatMap((place) => /^npm run torture -- ([\w-]+)$/.exec(place)?.[1] ?? [])
  return { files: places.filter((place) => !place.startsWith('npm ')), programs }
}

/** Faults that the texts of a file name; comments do not count. */
function namedIn(text: string): Set<string> {
  const found = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
      for (const [, ids = ''] of node.text.matchAll(NAMED)) ids.split(', ').forEach((id) => found.add(id))
    ts.forEachChild(node, visit)
  }
  if (new RegExp(NAMED.source).test(text)) visit(ts.createSourceFile('x.ts', text, ts.ScriptTarget.ES2023))
  return found
}

const filesUnder = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')
/** Each other file of test/ with the faults that it names. */
const named = new Map(
  filesUnder('test')
    .filter((name) => name !== '02.faults.test.ts')
    .map((name) => [name, namedIn(textOf(join('test', name)))]),
)

describe('the list of faults', () => {
  it('has every fault of the catalogue once, in order, in a few words', () => {
    assert.deepEqual(
      rows.map(({ id }) => id),
      IDS,
    )
    assert.deepEqual(
      rows.filter(({ fault }) => fault === ''),
      [],
    )
  })

  it('names tests that are there, and whose titles name the fault', () => {
    const wrong = rows.flatMap((row) =>
      placesIn(row)
        .files.filter((file) => !named.get(file)?.has(row.id))
        .map((file) => `${row.id}: ${file}`),
    )
    assert.deepEqual(wrong, [])
    const places = rows.flatMap((row) => placesIn(row).files)
    assert.ok(places.length > 100, `${places.length} are looked at`)
  })

  it('names programs of torture that are there, and speak of the fault', () => {
    const parts = filesUnder('bench/faults')
    const wrong = rows.flatMap((row) =>
      placesIn(row)
        .programs.filter((name) => {
          const own = parts.filter((part) => part === `${name}.ts` || part.startsWith(`${name}-`))
          return !parts.includes(`${name}.ts`) || !own.some((part) => textOf(`bench/faults/${part}`).includes(row.id))
        })
        .map((name) => `${row.id}: ${name}`),
    )
    assert.deepEqual(wrong, [])
    const all = [...page.matchAll(/npm run torture -- ([\w-]+)/g)].map(([, name = '']) => name)
    assert.deepEqual(all.filter((name) => !parts.includes(`${name}.ts`)), []) // prettier-ignore
  })

  it('shows each fault somewhere, or calls it open and says why', () => {
    const wrong = rows.filter((row) => {
      const { files, programs } = placesIn(row)
      const shown = files.length + programs.length > 0
      return row.shownBy.includes(OPEN) ? shown || row.remark.length < 5 : !shown
    })
    assert.deepEqual(wrong, [])
  })

  it('calls nothing open that a test names', () => {
    const shown = new Set([...named.values()].flatMap((ids) => [...ids]))
    const open = rows.filter(({ shownBy }) => shownBy.includes(OPEN)).map(({ id }) => id)
    assert.deepEqual(
      open.filter((id) => shown.has(id)),
      [],
    )
    assert.deepEqual(
      [...shown].filter((id) => !IDS.includes(id)),
      [],
      'no title names a fault that there is not',
    )
    console.log(`      ${rows.length - open.length} shown, ${open.length} open: ${open.join(' ')}`)
  })

  it('is looked for in titles, not in comments or values', () => {
    const text = "// (A01)\nit('x (A02, B03)', () => `(C04) ${'D05'} (E06)`)"
    assert.deepEqual([...namedIn(text)], ['A02', 'B03', 'C04', 'E06'])
  })
})
