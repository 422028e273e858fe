/** The programs of bench/ in a short form: they run, and their answers have the shape that CONTRACT §5 promises. */
import assert from 'node:assert/strict'
import { existsSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { hasMosquitto } from './support/broker.js'
import { startChild, type Ended } from './support/child.js'
import { root } from './support/root.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'

const LONG_MS = 180_000
const TMPFS = 0x0102_1994

interface Answer {
  readonly benches: Readonly<
    Record<string, { readonly ratios: Readonly<Record<string, number>>; readonly met?: boolean }>
  >
}

describe('the benches', function () {
  this.timeout(LONG_MS)
  const folder = tempFolder()
  const run = (program: string, ...args: string[]): Promise<Ended> =>
    startChild(process.execPath, [join(root, 'dist/bench', program), ...args, '--dir', folder.path]).ended
  const needMosquitto = (context: Mocha.Context): void => {
    if (!hasMosquitto()) skip(context, 'mosquitto is not installed')
  }
  const ask = async (...names: string[]): Promise<Answer['benches']> => {
    const { code, stdout, stderr } = await run('main.js', ...names, '--quick', '--json')
    assert.equal(code, 0, stderr)
    return (JSON.parse(stdout) as Answer).benches
  }

  it('store: prints a ratio, and cleans up', async function () {
    if (statfsSync(folder.path).type === TMPFS) skip(this, 'the temporary directory is no disk')
    const { store, ...others } = await ask('store')
    assert.deepEqual(others, {})
    assert.equal(Object.keys(store?.ratios ?? {})[0], 'fdatasyncLoop')
    assert.ok((store?.ratios['fdatasyncLoop'] ?? 0) > 0)
    assert.equal(typeof store?.met, 'boolean')
    assert.equal(existsSync(folder.path), false, 'a folder that only the bench used goes with it')
  })

  it('drain and loop: print their ratios', async function () {
    needMosquitto(this)
    const { drain, loop } = await ask('drain', 'loop')
    assert.ok((drain?.ratios['mqttjs'] ?? 0) > 0)
    assert.ok(loop)
  })

  it('presence: prints how the heap grew over a day, everybody accounted for', async () => {
    const { presence } = await ask('presence')
    assert.ok((presence?.ratios['firstTenth'] ?? 0) > 0)
  })

  it('people: prints what a long list costs', async function () {
    if (statfsSync(folder.path).type === TMPFS) skip(this, 'the temporary directory is no disk')
    const { people } = await ask('people')
    assert.ok((people?.ratios['onePerson'] ?? 0) > 0)
  })

  it('fuzz: prints the share of inputs that a codec fell over', async () => {
    const { fuzz } = await ask('fuzz')
    assert.deepEqual(fuzz?.ratios, { inputs: 0 })
    assert.equal(fuzz.met, true)
  })

  it('name all benches when one is unknown', async () => {
    const { code, stdout, stderr } = await run('main.js', 'speed')
    assert.deepEqual([code, stdout], [64, ''])
    for (const name of [
      'speed',
      'store',
      'drain',
      'size',
      'loop',
      'fuzz',
      'presence',
      'people',
      'latency',
      'wan',
      'wear',
      'growth',
    ])
      // prettier-ignore
      assert.match(stderr, new RegExp(`\\b${name}\\b`))
  })

  it('torture: kills three times, misses nothing, and finds out a daemon that lies (A10)', async function () {
    needMosquitto(this)
    const { code, stdout, stderr } = await run('torture.js', 'kill', '--times', '3', '--seed', '7')
    assert.equal(code, 0, stdout + stderr)
    assert.match(stdout, /^seed 7$/m)
    for (const row of ['missing', 'twice', 'renumbered', 'lost', 'disordered'])
      assert.match(stdout, new RegExp(`^  ${row} +0 `, 'm'))
    assert.match(stdout, /^ {2}kills +3 /m)
    assert.match(stdout, /^ {2}control +[1-9]/m)
    assert.match(stdout, /^ {2}kept$/m)
  })
})
