/** The benches with many figures in a short form: they run to their end and say what they promise. What the figures are is not asked. */
import assert from 'node:assert/strict'
import { statfsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { hasMosquitto } from './support/broker.js'
import { startChild } from './support/child.js'
import { root } from './support/root.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'

const LONG_MS = 180_000
const TMPFS = 0x0102_1994

interface Outcome {
  readonly ratios: Readonly<Record<string, number>>
  readonly goals: Readonly<Record<string, unknown>>
  readonly spreads: Readonly<Record<string, { readonly rounds: number }>>
  readonly missed: readonly string[]
  readonly met: boolean
  readonly figures: Readonly<Record<string, number | string>>
}

describe('the figures', function () {
  this.timeout(LONG_MS)
  const folder = tempFolder()

  const ask = async (context: Mocha.Context, name: string): Promise<Outcome> => {
    if (!hasMosquitto()) skip(context, 'mosquitto is not installed')
    if (statfsSync(dirname(folder.path)).type === TMPFS) skip(context, 'the temporary directory is no disk')
    const args = [join(root, 'dist/bench/main.js'), name, '--quick', '--json', '--dir', folder.path]
    const { code, stdout, stderr } = await startChild(process.execPath, args).ended
    assert.equal(code, 0, stderr)
    const { benches } = JSON.parse(stdout) as { readonly benches: Readonly<Record<string, Outcome>> }
    assert.deepEqual(Object.keys(benches), [name])
    const outcome = benches[name]
    assert.ok(outcome)
    agreesWithItself(outcome)
    return outcome
  }

  it('latency: a live punch to its light and to the consumer, idle and during a drain', async function () {
    const { ratios, figures } = await ask(this, 'latency')
    assert.deepEqual(Object.keys(ratios), ['allowed', 'allowedWhileDraining'])
    for (const name of ['idleLightP99Ms', 'idleConsumerP50Ms', 'idleSyncP99Ms', 'drainingLightP99Ms', 'drainPerSecond'])
      assert.ok(Number(figures[name]) > 0, name)
    assert.ok(Number(figures['drainingPunches']) >= 1, 'somebody came while the backlog was sent')
    assert.ok(Number(figures['idleConsumerP50Ms']) >= Number(figures['idleLightP50Ms']), 'the light comes first')
  })

  it('wan: a share of what the window allows, and a first publish after an outage', async function () {
    const { ratios, figures } = await ask(this, 'wan')
    assert.deepEqual(Object.keys(ratios), ['window64', 'window1000', 'second'])
    assert.ok(Number(figures['tripMs']) >= 50, 'the line is as long as it is said to be')
    assert.ok((ratios['window64'] ?? 2) < 1.1, 'nothing is faster than its window')
  })

  it('wear: bytes per punch, per delivery and per idle day', async function () {
    const { ratios, figures } = await ask(this, 'wear')
    assert.deepEqual(Object.keys(ratios), ['block', 'threeKbAt8PerCommit', 'markOf64B', 'livePunchOf40KiB', 'idleDayOf5MiB']) // prettier-ignore
    // A punch is a row of its own in a write-ahead log with pages of four kilobytes.
    assert.ok(Number(figures['writeBytesAt1PerCommit']) > 4_096)
    assert.ok(Number(figures['writeBytesAt8PerCommit']) < Number(figures['writeBytesAt1PerCommit']))
  })

  it('growth: a grown journal against an empty one, many readers against one', async function () {
    const { ratios, figures } = await ask(this, 'growth')
    assert.deepEqual(Object.keys(ratios), ['emptyInsertAt2000', 'emptyDrainAt2000', 'openOf50MsAt2000', 'moreOf40MbAt2000', 'oneReader']) // prettier-ignore
    for (const name of ['insertP99UsAt0', 'insertP99UsAt2000', 'startMsAt2000', 'manyReadersStartMs'])
      assert.ok(Number(figures[name]) > 0, name)
  })

  it('size: the tree of processes with 1, 8 and 32 readers, its start, and its idleness', async function () {
    const { ratios, figures } = await ask(this, 'size')
    assert.deepEqual(Object.keys(ratios), ['bareNode', 'bareNodeStart', 'idleCpuAllowed', 'wakeupsAllowed'])
    for (const readers of [1, 8, 32]) {
      assert.ok(Number(figures[`rssMbAt${readers}Readers`]) > Number(figures[`pssMbAt${readers}Readers`]))
      assert.ok(Number(figures[`pssMbAt${readers}Readers`]) > 0)
    }
  })

  it('drain and store name their peers, or why one is missing', async function () {
    const drain = await ask(this, 'drain')
    assert.equal(Object.keys(drain.ratios)[0], 'mqttjs')
    assert.ok('libmosquitto' in drain.ratios || /^skipped: /.test(String(drain.figures['libmosquitto'])))
    const store = await ask(this, 'store')
    assert.deepEqual(Object.keys(store.ratios).slice(0, 2), ['fdatasyncLoop', 'betterSqlite3'])
    assert.ok('cSqlite' in store.ratios || /^skipped: /.test(String(store.figures['cSqlite'])))
  })

  it('do not take --quick and --full together', async () => {
    const args = [join(root, 'dist/bench/main.js'), 'store', '--quick', '--full', '--dir', folder.path]
    const { code, stderr } = await startChild(process.execPath, args).ended
    assert.equal(code, 64)
    assert.match(stderr, /--quick or --full/)
  })
})

/** Every ratio is a number with its rounds; what is missed has a goal, and nothing is met that misses one. */
function agreesWithItself({ ratios, spreads, goals, missed, met }: Outcome): void {
  assert.deepEqual(Object.keys(spreads), Object.keys(ratios))
  for (const [name, ratio] of Object.entries(ratios)) {
    assert.ok(Number.isFinite(ratio), name)
    assert.ok((spreads[name]?.rounds ?? 0) > 0, name)
  }
  for (const name of [...missed, ...Object.keys(goals)]) assert.ok(name in ratios, name)
  for (const name of missed) assert.ok(name in goals, name)
  assert.equal(met, missed.length === 0)
}
