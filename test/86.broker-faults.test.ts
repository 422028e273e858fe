/** `npm run torture -- broker` in its short form: each bad line, and each reason code, on the real daemon. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { hasMosquitto } from './support/broker.js'
import { startChild } from './support/child.js'
import { root } from './support/root.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'

const LONG_MS = 240_000

interface Finding {
  readonly rows: readonly (readonly [name: string, value: number, note: string])[]
  readonly violations: readonly string[]
}

describe('bad brokers', function () {
  this.timeout(LONG_MS)
  const folder = tempFolder()

  it('lose nothing and change no order, whatever they do and answer (D02, D03, D04, D06, D07, D11, D12, D13, D21, D22, D23)', async function () {
    if (!hasMosquitto()) skip(this, 'mosquitto is not installed')
    const args = ['broker', '--quick', '--seed', '86', '--json', '--dir', folder.path]
    const ended = await startChild(process.execPath, [join(root, 'dist/bench/torture.js'), ...args]).ended
    const { broker } = (JSON.parse(ended.stdout) as { readonly faults: { readonly broker: Finding } }).faults
    assert.deepEqual(broker.violations, [])
    assert.equal(ended.code, 0)
    const valueOf = (name: string): number => broker.rows.find(([row]) => row === name)?.[1] ?? NaN
    for (const trial of ['killed', 'wiped', 'refused', 'drop', 'reset', 'half-open', 'lost PUBACKs', 'modem'])
      assert.ok(valueOf(trial) > 100, `${trial}: ${valueOf(trial)} received`)
    assert.ok(valueOf('control') > 0, 'a broker that forgets is found out')
    for (const packet of ['CONNACK', 'PUBACK', 'DISCONNECT']) assert.ok(valueOf(packet) >= 10, packet)
  })
})
