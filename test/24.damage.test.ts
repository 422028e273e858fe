/** What the daemon says of a data directory that was damaged, cut, rolled back or robbed; and that it leaves alone what is there. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { Journal } from '../src/journal/journal.js'
import { EXIT } from '../src/errors.js'
import type { Child } from './support/child.js'
import { logged, startDaemon, startVerb, verb, writeConfig } from './support/daemon.js'
import { fill, IDENTITY } from './support/records.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

type Fields = Record<string, unknown>

describe('a damaged data directory', function () {
  this.timeout(60_000)
  let daemon: Child | undefined
  // Before the folder goes.
  afterEach(async () => {
    daemon?.process.kill('SIGTERM')
    await daemon?.ended
    daemon = undefined
  })
  const folder = tempFolder()
  const data = (name = ''): string => join(folder.path, 'data', name)
  const config = (): string => join(folder.path, 'data', 'config.yaml')

  /** Ten records in the database file, ten more in its write-ahead log, as after a power cut. */
  beforeEach(() => {
    const work = join(folder.path, 'work')
    mkdirSync(work)
    const first = new Journal(join(work, 'journal.db'), IDENTITY)
    fill(first, 10)
    first.head.anchor()
    first.close()
    cpSync(work, join(folder.path, 'older'), { recursive: true })
    const second = new Journal(join(work, 'journal.db'), IDENTITY)
    for (let commit = 0; commit < 10; commit++) fill(second, 1)
    second.head.anchor()
    cpSync(work, data(), { recursive: true })
    second.close()
    writeConfig(data())
  })

  /** Folds the write-ahead log into the database file. */
  const folded = (): void => void new Database(data('journal.db')).exec('SELECT 1 FROM meta').close()
  const flip = (name: string, ...places: number[]): void => {
    const bytes = readFileSync(data(name))
    for (const at of places) bytes[at] = bytes[at]! ^ 0x10
    writeFileSync(data(name), bytes)
  }
  /** Where the body of a record stands: pages that were split keep older copies. */
  const placesOf = (seq: number): number[] => {
    const db = new Database(data('journal.db'), { readonly: true })
    const body = db.prepare('SELECT body FROM record WHERE seq = ?').pluck().get(seq) as Buffer
    db.close()
    const bytes = readFileSync(data('journal.db'))
    const places: number[] = []
    for (let at = bytes.indexOf(body); at >= 0; at = bytes.indexOf(body, at + 1)) places.push(at + 60)
    assert.ok(places.length > 0)
    return places
  }
  const run = async (): Promise<void> => {
    daemon = await startDaemon(config())
  }
  /** Starts the daemon, which must end by itself. */
  const ends = async (code: number, pattern: RegExp): Promise<void> => {
    const { code: ended, stderr } = await startVerb(['run', '--config', config()]).ended
    assert.match(stderr, pattern)
    assert.equal(ended, code, stderr)
    assert.doesNotMatch(stderr, /\n\s+at /)
  }
  const told = async (event: string): Promise<Fields> => {
    await until(() => logged(daemon!, event).length > 0, 10_000, event)
    return logged(daemon!, event)[0]!
  }
  const records = async (): Promise<Fields[]> => {
    const { code, stdout, stderr } = await verb(['export', 'ndjson', '--config', config()])
    assert.equal(code, 0, stderr)
    return stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as Fields) // prettier-ignore
  }
  const audit = async (type: string): Promise<Fields | undefined> =>
    (await records()).find((record) => record['type'] === type)
  const verified = async (): Promise<string> => (await verb(['verify', '--config', config()])).stdout
  const fingerprints = (): Record<string, string> =>
    Object.fromEntries(
      readdirSync(data(), { recursive: true, encoding: 'utf8' })
        .filter(
          (name) => statSync(data(name)).isFile() && !/(-shm|lock|\.sock)$/.test(name) && statSync(data(name)).size > 0,
        )
        .map((name) => [
          name,
          createHash('sha256')
            .update(readFileSync(data(name)))
            .digest('hex'),
        ]),
    )
  /** The first records, which nobody touched, are there and prove themselves. */
  const oldOnesAreThere = async (many: number): Promise<void> => {
    const found = (await records()).slice(0, many)
    assert.deepEqual(found.map(({ seq }) => seq), Array.from({ length: many }, (_, index) => index + 1)) // prettier-ignore
    assert.ok(found.every(({ schema, proof }) => schema === 'punch/1' && proof !== undefined))
  }

  it('is none to speak of after a power cut: all twenty are there', async () => {
    assert.ok(statSync(data('journal.db-wal')).size > 0)
    await run()
    await oldOnesAreThere(20)
    assert.match(await verified(), /^ok: 2\d records/)
    for (const event of ['journal-begun', 'journal-damaged', 'anchor-missing'])
      assert.deepEqual(logged(daemon!, event), [])
  })

  for (const [what, harm] of [
    [
      'cut off (B10)',
      () => truncateSync(data('journal.db-wal'), Math.floor(statSync(data('journal.db-wal')).size / 2)),
    ],
    [
      'struck by a flipped bit (B10)',
      () => flip('journal.db-wal', Math.floor(statSync(data('journal.db-wal')).size / 2)),
    ],
    ['gone (B11)', () => rmSync(data('journal.db-wal'))],
  ] as const) {
    it(`with its write-ahead log ${what}: a new journal begins and says why, the old records stay`, async () => {
      harm()
      await run()
      const { reason, lastSeq, anchorSeq, hint } = await told('journal-begun')
      assert.deepEqual([reason, anchorSeq], ['tail-lost', 20])
      assert.ok(Number(lastSeq) >= 10 && Number(lastSeq) < 20)
      assert.match(String(hint), /see punchd verify/)
      await oldOnesAreThere(Number(lastSeq))
      const begun = await audit('journal-begun')
      assert.deepEqual([begun?.['seq'], (begun?.['proof'] as Fields)['prevHash']], [21, '0'.repeat(64)])
      assert.match(await verified(), /^ok: /)
    })
  }

  it('with a flipped bit in a record: it is named at the start, on record, and nothing is repaired (B08)', async () => {
    folded()
    const places = placesOf(7)
    flip('journal.db', ...places)
    const bytesAt = (): number[] => places.map((at) => readFileSync(data('journal.db'))[at]!)
    const spoilt = bytesAt()
    await run()
    const { first, what, records: many } = await told('journal-damaged')
    assert.deepEqual([first, what, many], [7, 'content', 1])
    const found = await records()
    assert.deepEqual(found.slice(0, 8).map(({ schema }) => schema), [...Array<string>(6).fill('punch/1'), 'damaged/1', 'punch/1']) // prettier-ignore
    assert.equal((await audit('journal-damaged'))?.['subject'], '7')
    assert.equal(await verified(), 'seq 7: edited\n')
    assert.deepEqual(bytesAt(), spoilt)
  })

  it('with a broken page of the database: exit 65, and every file is as it was (B09)', async () => {
    folded()
    const bytes = readFileSync(data('journal.db'))
    bytes.fill(0xff, 4096 * 2, 4096 * 2 + 64)
    bytes.fill(0xff, 4096, 4096 + 64)
    writeFileSync(data('journal.db'), bytes)
    const before = fingerprints()
    await ends(EXIT.data, /journal\.db is damaged .*; it was left as it is/)
    assert.deepEqual(fingerprints(), before)
  })

  it('with an older copy of the database put back: a new journal begins and says why (B12)', async () => {
    rmSync(data('journal.db-wal'))
    cpSync(join(folder.path, 'older', 'journal.db'), data('journal.db'))
    await run()
    const { reason, lastSeq, anchorSeq } = await told('journal-begun')
    assert.deepEqual([reason, lastSeq, anchorSeq], ['tail-lost', 10, 20])
    await oldOnesAreThere(10)
    assert.equal((await audit('journal-begun'))?.['seq'], 21)
  })

  it('without its database: a new journal begins and says why, behind the numbers that were used (B12)', async () => {
    for (const end of ['', '-wal', '-shm']) rmSync(data(`journal.db${end}`), { force: true })
    await run()
    const { reason, lastSeq, anchorSeq } = await told('journal-begun')
    assert.deepEqual([reason, lastSeq, anchorSeq], ['replaced', 0, 20])
    assert.equal((await audit('journal-begun'))?.['seq'], 21)
    assert.match(await verified(), /^ok: /)
  })

  it('with the database of another journal: a new journal begins and says why (B12)', async () => {
    folded()
    const db = new Database(data('journal.db'))
    db.exec(`UPDATE meta SET journal = '0011223344556677'`)
    db.close()
    await run()
    assert.equal((await told('journal-begun'))['reason'], 'replaced')
    await oldOnesAreThere(20)
  })

  for (const [what, harm] of [
    ['gone', () => rmSync(data('anchor'))],
    ['spoilt', () => writeFileSync(data('anchor'), '{"journal":')],
  ] as const) {
    it(`with its anchor ${what}: that is said, and on record`, async () => {
      harm()
      await run()
      await told('anchor-missing')
      assert.equal((await audit('anchor-missing'))?.['subject'], 'anchor')
      await oldOnesAreThere(20)
    })
  }

  for (const name of ['vault.keys', 'signing.pem']) {
    it(`without its ${name}: exit 74 with the way out, no new key is made, every file is as it was`, async () => {
      folded()
      rmSync(data(`keys/${name}`))
      const before = fingerprints()
      await ends(EXIT.io, new RegExp(`keys/${name} is missing[\\s\\S]*from your backup`))
      assert.deepEqual(fingerprints(), before)
    })
  }
})
