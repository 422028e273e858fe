/** `npm run torture -- simulation` in its short form: 200 seeds, some of them twice, and gateways with a fault that must be found out. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { PLANTED } from '../bench/simulation/controls.js'
import { FAULT_KINDS } from '../bench/simulation/kinds.js'
import { startChild, type Ended } from './support/child.js'
import { root } from './support/root.js'
import { tempFolder } from './support/temp.js'

const LONG_MS = 240_000

interface Finding {
  readonly rows: readonly (readonly [name: string, value: number, note: string])[]
  readonly violations: readonly string[]
}

describe('the simulation', function () {
  this.timeout(LONG_MS)
  const folder = tempFolder()
  const run = (...args: string[]): Promise<Ended> =>
    startChild(process.execPath, [join(root, 'dist/bench/torture.js'), 'simulation', ...args, '--dir', folder.path])
      .ended
  const findingOf = ({ stdout }: Ended): Finding =>
    (JSON.parse(stdout) as { readonly faults: { readonly simulation: Finding } }).faults.simulation

  it('finds nothing wrong in 200 seeds, the same trace twice, and each planted fault', async () => {
    const ended = await run('--quick', '--seed', '82', '--json')
    const { rows, violations } = findingOf(ended)
    assert.deepEqual(violations, [])
    assert.equal(ended.code, 0)
    const valueOf = (name: string): number => rows.find(([row]) => row === name)?.[1] ?? NaN
    assert.deepEqual(['seeds', 'wrong', 'same trace'].map(valueOf), [200, 0, 20])
    assert.ok(valueOf('days') > 200 * 50, `${valueOf('days')} simulated days`)
    assert.ok(valueOf('greens') > 200 * 20 && valueOf('received') > valueOf('greens'))
    const controls = rows.filter(([row]) => row === 'control')
    assert.equal(controls.length, Object.keys(PLANTED).length)
    const told = rows.map(([, , note]) => note).join(', ')
    for (const kind of FAULT_KINDS) assert.match(told, new RegExp(`\\b${kind} [1-9]`))
  })

  it('plays one seed again, with all of its story', async () => {
    const [first, second] = [await run('--times', '1', '--seed', '7'), await run('--times', '1', '--seed', '7')]
    const story = ({ stderr }: Ended): string[] => stderr.split('\n').filter((line) => /^simulation: \d+ /.test(line))
    assert.equal(first.code, 0, first.stdout)
    assert.ok(story(first).some((line) => line.includes('light: accepted')))
    assert.deepEqual(story(second), story(first))
  })
})
