/** The same job for punchd and for others, in a short form: with what is in this repository and mosquitto. */
import assert from 'node:assert/strict'
import { existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { outside } from '../bench/peers/install.js'
import { payloadOf } from '../bench/peers/payload.js'
import { Tally } from '../bench/peers/tally.js'
import { hasMosquitto } from './support/broker.js'
import { startChild, type Ended } from './support/child.js'
import { root } from './support/root.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'

const LONG_MS = 180_000
const PUNCHES = 2_000
/** mosquitto keeps 1,000 for somebody who is away, unless told otherwise; those in flight may come on top. */
const DROPPED = 900

type Row = Readonly<Record<string, string | number>>

interface Outcome {
  readonly ratios: Readonly<Record<string, number>>
  readonly met: boolean
  readonly extra: {
    readonly columns: readonly string[]
    readonly rows: readonly (readonly (string | number)[])[]
    readonly notes: readonly string[]
  }
}

describe('the tally of one run', () => {
  it('tells lost, received again, received under a new identity, and out of order apart', () => {
    const tally = new Tally(5)
    for (const number of [0, 1, 3, 2, 3, 6]) tally.take(payloadOf(number), number)
    const { received, again, twice, disordered, probe, warm } = tally
    assert.deepEqual([received, again, twice, disordered, probe, warm], [3, 1, 0, 1, 6, true])
    assert.equal(tally.lostOf([1, 2, 3, 4]), 1)
    assert.equal(tally.lostOf([1, 2, 3]), 0, '5 was not accepted and 4 not either: nobody lost them')
  })

  it('knows our records by card and identity', () => {
    const tally = new Tally(20)
    const record = (id: string): string => JSON.stringify({ id, credential: { value: '0000000010' } })
    for (const id of ['a', 'a', 'b']) tally.take(record(id), 1)
    assert.deepEqual([tally.received, tally.again, tally.twice], [1, 1, 1])
    assert.equal(tally.lostOf([16]), 0)
  })

  it('counts payloads of some 350 bytes', () => {
    for (const number of [1, 100_000]) assert.ok(Math.abs(payloadOf(number).length - 350) < 6)
    assert.deepEqual((JSON.parse(payloadOf(7)) as { n: number }).n, 7)
  })
})

describe('the bench of peers', function () {
  this.timeout(LONG_MS)
  const folder = tempFolder()
  const run = (...args: string[]): Promise<Ended> =>
    startChild(process.execPath, [join(root, 'dist/bench/main.js'), 'peers', '--quick', ...args]).ended

  it('finds nothing lost of punchd, and finds out who loses', async function () {
    if (!hasMosquitto()) skip(this, 'mosquitto is not installed')
    const { code, stdout, stderr } = await run('--json', '--check', '--dir', folder.file('bench'))
    assert.equal(code, 0, stderr)
    const { peers } = (JSON.parse(stdout) as { benches: { peers: Outcome } }).benches
    assert.deepEqual([peers.ratios, peers.met], [{ accepted: 0 }, true])
    const { columns, rows, notes } = peers.extra
    const named = rows.map((cells): Row => Object.fromEntries(columns.map((column, index) => [column, cells[index]!])))
    const of = (peer: string, job: string): Row => named.find((row) => row['peer'] === peer && row['job'] === job) ?? {}
    for (const job of ['outage', 'kill', 'kill mid-drain']) {
      const { accepted, lost, disordered } = of('punchd', job)
      assert.deepEqual([accepted, lost, disordered], [PUNCHES, 0, 0], job)
    }
    assert.equal(of('mqtt.js', 'outage')['lost'], 0)
    assert.equal(of('mqtt.js', 'kill')['lost'], PUNCHES)
    assert.ok(Number(of('mosquitto bridge', 'outage')['lost']) >= DROPPED)
    assert.equal(of('mosquitto bridge', 'kill')['lost'], PUNCHES)
    for (const absent of ['mqtt.js, level store', 'Node-RED', 'ThingsBoard storage'])
      assert.ok(
        notes.some((note) => note.startsWith(`${absent}: not here. To get it: npm run bench -- peers --install DIR`)),
        absent,
      )
  })

  it('installs nothing inside the repository, also not behind a link', async () => {
    const link = folder.file('link')
    symlinkSync(join(root, 'bench'), link)
    for (const inside of [root, join(root, 'peers-here'), join(link, 'peers-here')]) {
      const { code, stdout, stderr } = await run('--install', inside, '--dir', folder.file('bench'))
      assert.deepEqual([code, stdout], [64, ''])
      assert.match(stderr, /inside the repository/)
      assert.equal(existsSync(join(inside, 'mqtt-level-store')), false)
    }
    assert.equal(outside(join(folder.path, 'new', 'deep')).endsWith(join('new', 'deep')), true)
    assert.equal(outside(`${root}-beside`).endsWith('-beside'), true, 'a name that begins alike is not inside')
  })
})
