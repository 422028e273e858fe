/** Points: comments in the sources, at which `npm run torture -- points` has the daemon kill itself. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { builtPoints, copyWithCalls, pointsIn } from '../bench/faults/points-copy.js'
import { wrongNames } from '../bench/faults/points.js'
import { hasMosquitto } from './support/broker.js'
import { startChild } from './support/child.js'
import { root } from './support/root.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'

interface Answer {
  readonly faults: {
    readonly points: { readonly rows: readonly (readonly [string, number, string])[]; readonly violations: string[] }
  }
}

describe('the points at which the daemon can be killed', function () {
  this.timeout(180_000)
  const folder = tempFolder()
  const built = join(root, 'dist/src')
  const codeIn = (path: string): string[] =>
    readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.js'))
      .map((name) => readFileSync(join(path, name), 'utf8'))

  it('are at least forty, of different names, and all of them stand in what was built', () => {
    const named = (points: ReturnType<typeof builtPoints>): string[] => points.map(({ name }) => name).sort()
    const written = pointsIn(join(root, 'src'), '.ts')
    assert.deepEqual(named(builtPoints()), named(written))
    assert.deepEqual(wrongNames(written), [])
    for (const { name } of written) assert.match(name, /^[a-z]+\.[a-z-]+$/)
    assert.equal(wrongNames(written.slice(0, 39)).length, 1)
    assert.deepEqual(wrongNames([...written, written[0]!]), [`two points have the name ${written[0]!.name}`])
  })

  it('are nothing but comments there: only the copy of the harness has calls', () => {
    const calls = (code: readonly string[]): number =>
      code.reduce((count, text) => count + text.split(';passPoint(').length - 1, 0)
    assert.ok(codeIn(built).every((text) => !text.includes('passPoint') && !text.includes('TORTURE_')))
    copyWithCalls(folder.path)
    const copied = codeIn(join(folder.path, 'dist/src'))
    assert.equal(calls(copied), builtPoints().length)
    assert.ok(copied.every((text) => !text.includes('// point: ')))
  })

  it('are each passed, and a kill at some of them costs nothing that was shown green (A10)', async function () {
    if (!hasMosquitto()) skip(this, 'mosquitto is not installed')
    const program = join(root, 'dist/bench/torture.js')
    const args = ['points', '--quick', '--seed', '7', '--json', '--dir', folder.path]
    const { code, stdout, stderr } = await startChild(process.execPath, [program, ...args]).ended
    assert.equal(code, 0, stdout + stderr)
    const { rows, violations } = (JSON.parse(stdout) as Answer).faults.points
    const { points, kills, greens = 0, control } = Object.fromEntries(rows.map(([name, value]) => [name, value]))
    assert.deepEqual(violations, [])
    assert.deepEqual([points, kills, control], [builtPoints().length + 2, 12, 1], stdout)
    assert.ok(greens > 0, stdout)
  })
})
