/** `npm run torture -- drivers` in a short form: drivers that do what they must not, beside four that are good. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { hasMosquitto } from './support/broker.js'
import { startChild } from './support/child.js'
import { root } from './support/root.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'

interface Answer {
  readonly faults: {
    readonly drivers: {
      readonly rows: readonly (readonly [string, number | string, string])[]
      readonly violations: string[]
    }
  }
}

describe('a hostile driver', function () {
  this.timeout(180_000)
  const folder = tempFolder()

  it('harms no punch of another reader, and forges none; what fells the daemon loses nothing (A13, E08, E09, E10, E23)', async function () {
    if (!hasMosquitto()) skip(this, 'mosquitto is not installed')
    const program = join(root, 'dist/bench/torture.js')
    const args = ['drivers', '--quick', '--seed', '7', '--json', '--dir', folder.path]
    const { code, stdout, stderr } = await startChild(process.execPath, [program, ...args]).ended
    const { rows, violations } = (JSON.parse(stdout) as Answer).faults.drivers
    // How much slower the others are is told, and not judged here: a machine under test is never idle.
    assert.deepEqual(violations.filter((violation) => !violation.includes("the others' p99")), [], stderr) // prettier-ignore
    assert.equal(code, violations.length === 0 ? 0 : 1)
    const values = new Map(rows.map(([name, value, note]) => [name, { value, note }]))
    for (const contained of ['throws-oddly', 'traps', 'lies-about-time', 'forges', 'floods', 'floods-events'])
      assert.ok(Number(values.get(contained)?.value) > 0, stdout)
    for (const fells of ['blocks-for-ever', 'rejects-aside'])
      assert.match(values.get(fells)?.note ?? '', /[1-9]\d* greens, none missing/)
    assert.match(values.get('blocks-for-ever')?.note ?? '', /no sign of life/)
    assert.equal(values.get('control')?.value, 1)
  })
})
