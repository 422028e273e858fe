/** `npm run torture -- torn` in a short form: cuts that tear sectors and turn the order of writes around. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { startChild } from './support/child.js'
import { root } from './support/root.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'

interface Answer {
  readonly faults: {
    readonly torn: { readonly skipped?: string; readonly rows: readonly (readonly [string, number, string])[] }
  }
}

describe('a disk that keeps any part of what was not synced', function () {
  this.timeout(120_000)
  const folder = tempFolder()

  it('costs no record that was called stored, and changes none; one that is synced carelessly is found out (B14)', async function () {
    const program = join(root, 'dist/bench/torture.js')
    const args = ['torn', '--quick', '--times', '60', '--seed', '5', '--json', '--dir', folder.path]
    const { code, stdout, stderr } = await startChild(process.execPath, [program, ...args]).ended
    assert.equal(code, 0, stdout + stderr)
    const { skipped, rows } = (JSON.parse(stdout) as Answer).faults.torn
    if (skipped !== undefined) return skip(this, skipped)
    const figures = Object.fromEntries(rows.map(([name, value]) => [name, value]))
    const { states, unsure = 0, lost, changed, refused, doubted, control = 0 } = figures
    assert.deepEqual([states, lost, changed, refused, doubted], [60, 0, 0, 0, 0], stdout)
    assert.ok(unsure > 20 && control > 0, stdout)
  })
})
