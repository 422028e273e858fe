/** A stop in the middle of everything: a long backlog, no broker, and people at the reader who do not wait. */
import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { Journal } from '../src/journal/journal.js'
import { JournalReader } from '../src/journal/query.js'
import { logged, startDaemon, verb, writeConfig } from './support/daemon.js'
import { fill, IDENTITY } from './support/records.js'
import { Tapper } from './support/taps.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const BACKLOG = 10_000
/** What CONTRACT §2 allows. */
const MOST_MS = 10_000

describe('a stop', function () {
  this.timeout(120_000)
  const folder = tempFolder()

  it(`with ${BACKLOG} records waiting and cards coming is in time, keeps all it took, and leaves one whole file (A11)`, async () => {
    const journal = new Journal(folder.file('journal.db'), IDENTITY)
    fill(journal, BACKLOG)
    journal.close()
    const tapper = await Tapper.start()
    const config = writeConfig(folder.path, { readers: [tapper.reader('gate')] })
    const daemon = await startDaemon(config)
    await tapper.connected()
    let card = 0
    const tapping = setInterval(() => tapper.tap((0x0a_0000_0000 + (card += 1)).toString(16).toUpperCase().padStart(10, '0')), 2) // prettier-ignore
    const taken = (): number => logged(daemon, 'punch-stored').length
    await until(() => taken() > 50, 30_000, 'some punches')
    const asked = performance.now()
    daemon.process.kill('SIGTERM')
    const { code, signal } = await daemon.ended
    const tookMs = performance.now() - asked
    clearInterval(tapping)
    await tapper.close()
    assert.deepEqual([code, signal], [0, null], daemon.output.stderr)
    assert.ok(tookMs < MOST_MS, `${tookMs} ms`)
    const log = existsSync(folder.file('journal.db-wal')) ? statSync(folder.file('journal.db-wal')).size : 0
    assert.equal(log, 0, 'the write-ahead log was folded into the file')
    const reader = new JournalReader(folder.file('journal.db'), IDENTITY.offsets)
    assert.equal(reader.count({ kind: 'punch' }), BACKLOG + taken(), 'what the reader was told, and no more')
    reader.close()
    assert.match((await verb(['verify', '--config', config])).stdout, /^ok: /)
  })
})
