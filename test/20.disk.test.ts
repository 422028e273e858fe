/** The journal and the disk: what a commit promises, what is left alone, who may write. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { EXIT, exitCodeOf, JournalError, type ErrorCode } from '../src/errors.js'
import { openDatabase } from '../src/journal/database.js'
import { Journal } from '../src/journal/journal.js'
import { lockDirectory } from '../src/journal/lock.js'
import { built, startCode } from './support/child.js'
import { fill, IDENTITY, punchDraft, storedRecords } from './support/records.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

function journalError(work: () => unknown): JournalError {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof JournalError, String(error))
    return error
  }
  assert.fail('nothing was thrown')
}

describe('durability', () => {
  const folder = tempFolder()

  it('is WAL and FULL, read back after the first write', () => {
    const db = openDatabase(folder.file('journal.db'), 'id')
    db.exec("INSERT INTO record VALUES (1, 'punch', 'gate', 0, x'00', x'00', x'00', x'00', x'00', NULL)")
    assert.equal(db.pragma('journal_mode', { simple: true }), 'wal')
    assert.equal(db.pragma('synchronous', { simple: true }), 2)
    db.close()
  })

  it('would drop to NORMAL in this build of SQLite, had nobody asked for more', () => {
    const db = new Database(folder.file('plain.db'))
    db.pragma('journal_mode = WAL')
    db.exec('CREATE TABLE t(a)')
    assert.equal(db.pragma('synchronous', { simple: true }), 1)
    db.close()
  })

  describe('under strace', () => {
    const COMMITS = 40
    /** Syncs that the kernel was asked for while `code` ran. */
    async function syncsOf(code: string): Promise<number> {
      const trace = folder.file('trace')
      const strace = ['strace', '-f', '-c', '-e', 'trace=fdatasync,fsync', '-o', trace]
      const { code: exit, stderr } = await startCode(code, strace).ended
      assert.equal(exit, 0, stderr)
      const rows = readFileSync(trace, 'utf8').matchAll(
        /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(?:fdatasync|fsync)$/gm,
      )
      return [...rows].reduce((sum, [, calls]) => sum + Number(calls), 0)
    }

    before(function () {
      const { error, status } = spawnSync('strace', ['-o', '/dev/null', 'true'])
      if (error) skip(this, 'strace is not installed')
      if (status !== 0) skip(this, 'this system does not let strace trace')
    })

    it('is a sync for every commit', async () => {
      const code = `
        const { Journal } = await import(${built('journal/journal.js')})
        const journal = new Journal(${JSON.stringify(folder.file('journal.db'))}, ${JSON.stringify(IDENTITY)})
        const draft = ${JSON.stringify(punchDraft('AA'))}
        for (let commit = 0; commit < ${COMMITS}; commit++) journal.append([draft])`
      const syncs = await syncsOf(code)
      assert.ok(syncs >= COMMITS, `${syncs} syncs for ${COMMITS} commits`)
    })

    it('would be a few with what better-sqlite3 does by itself: the count can tell', async () => {
      const code = `
        const { default: Database } = await import(${JSON.stringify(import.meta.resolve('better-sqlite3'))})
        const db = new Database(${JSON.stringify(folder.file('plain.db'))})
        db.pragma('journal_mode = WAL')
        db.exec('CREATE TABLE t(a)')
        const insert = db.prepare('INSERT INTO t VALUES (?)')
        for (let commit = 0; commit < ${COMMITS}; commit++) insert.run('x'.repeat(300))`
      const syncs = await syncsOf(code)
      assert.ok(syncs < COMMITS / 2, `${syncs} syncs for ${COMMITS} commits`)
    })
  })
})

describe('wear', () => {
  const folder = tempFolder()
  const MOST_BYTES = 40 * 1024

  it(`is at most ${MOST_BYTES} bytes written for a punch in a commit of its own, checkpoints included (B17)`, async () => {
    const COMMITS = 2_000
    const { code, stdout, stderr } = await startCode(`
      import { readFileSync } from 'node:fs'
      const { Journal } = await import(${built('journal/journal.js')})
      const journal = new Journal(${JSON.stringify(folder.file('journal.db'))}, ${JSON.stringify(IDENTITY)})
      const draft = ${JSON.stringify(punchDraft('AA'))}
      const written = () => Number(/^wchar: (\\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))[1])
      const before = written()
      for (let commit = 0; commit < ${COMMITS}; commit++) journal.append([draft])
      journal.close()
      console.log((written() - before) / ${COMMITS})`).ended
    assert.equal(code, 0, stderr)
    const each = Number(stdout)
    console.log(`      ${Math.round(each)} bytes a punch`)
    // Less than a page would mean that something else was measured.
    assert.ok(each > 4_096 && each <= MOST_BYTES, `${each} bytes a punch`)
  })
})

describe('a full disk', () => {
  let small: string
  // Hooks run in their order: it must be off before its folder is removed.
  afterEach(() => void spawnSync('umount', [small]))
  const folder = tempFolder()

  beforeEach(function () {
    small = folder.file('small')
    mkdirSync(small)
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small])
    if (mounted.status !== 0) skip(this, 'no small disk can be mounted: not root, or in a container')
  })

  it('keeps nothing of the commit that failed, uses no number up, and is left behind when there is space (B01)', () => {
    const file = `${small}/journal.db`
    const journal = new Journal(file, IDENTITY)
    const error = journalError(() => {
      for (let commit = 0; commit < 1_000; commit++) fill(journal, 3)
    })
    assert.equal(error.code, 'journal-full')
    assert.equal(exitCodeOf(error), EXIT.io)
    const kept = journal.lastSeq
    assert.ok(kept >= 3 && kept % 3 === 0, `${kept} kept`)
    assert.equal(journalError(() => fill(journal, 30)).code, 'journal-full')
    assert.equal(spawnSync('mount', ['-o', 'remount,size=8m', small]).status, 0)
    journal.append([punchDraft('AA')])
    journal.close()
    const again = new Journal(file, IDENTITY)
    assert.deepEqual(
      storedRecords(again).map(({ seq }) => seq),
      Array.from({ length: kept + 1 }, (_, index) => index + 1),
    )
    again.close()
  })

  it('lets no journal begin', () => {
    writeFileSync(`${small}/ballast`, Buffer.alloc(256 * 1024 - 4096))
    assert.equal(journalError(() => new Journal(`${small}/journal.db`, IDENTITY)).code, 'journal-full')
  })
})

describe('a file that is no journal of ours', () => {
  const folder = tempFolder()
  const file = (): string => folder.file('journal.db')
  /** Everything in the directory but the shared memory that readers of a WAL leave. */
  const contents = (): Record<string, string> =>
    Object.fromEntries(
      readdirSync(folder.path)
        .filter(
          (name) =>
            !name.endsWith('-shm') && statSync(folder.file(name)).isFile() && statSync(folder.file(name)).size > 0,
        )
        .map((name) => [name, readFileSync(folder.file(name), 'base64')]),
    )

  /** Opening fails with this code, and not a byte changes. */
  function isRefused(code: ErrorCode, exit: number): JournalError {
    const before = contents()
    const error = journalError(() => new Journal(file(), IDENTITY))
    assert.equal(error.code, code, error.message)
    assert.equal(exitCodeOf(error), exit)
    assert.ok(error.message.includes(file()), error.message)
    assert.ok(error.hint)
    assert.deepEqual(contents(), before)
    return error
  }

  /** A journal of a few pages, closed. */
  function begin(): Buffer {
    const journal = new Journal(file(), IDENTITY)
    fill(journal, 300)
    journal.close()
    return readFileSync(file())
  }

  it('but a database of another program is named and left alone', () => {
    const db = new Database(file())
    db.exec('CREATE TABLE people(name)')
    db.close()
    isRefused('journal-foreign', EXIT.data)
  })

  it('but a text is named and left alone', () => {
    writeFileSync(file(), 'dear diary, '.repeat(1_000))
    isRefused('journal-foreign', EXIT.data)
  })

  it('but of a newer punchd is named and left alone', () => {
    begin()
    const db = new Database(file())
    db.pragma('user_version = 99')
    db.close()
    assert.match(isRefused('journal-foreign', EXIT.data).message, /newer punchd \(format 99/)
  })

  it('but of a trial version is named and left alone: there is nothing to migrate from (A07)', () => {
    begin()
    const db = new Database(file())
    db.pragma('user_version = 2')
    db.close()
    assert.match(isRefused('journal-foreign', EXIT.data).message, /trial version \(format 2\)/)
  })

  it('but with a broken header is named and left alone (B09)', () => {
    const bytes = begin()
    bytes.fill(0xff, 16, 100)
    writeFileSync(file(), bytes)
    isRefused('journal-corrupt', EXIT.data)
  })

  it('but with broken pages is named and left alone, wherever they are (B09)', () => {
    const bytes = begin()
    const pageSize = bytes.readUInt16BE(16)
    assert.ok(bytes.length / pageSize > 10)
    // Page 1 is the schema, 2 the one row of meta; the b-trees of record follow.
    for (let page = 2; page < bytes.length / pageSize; page += 5) {
      const broken = Buffer.from(bytes)
      for (let at = page * pageSize; at < page * pageSize + 64; at++) broken[at] = (broken[at] ?? 0) ^ 0x5a
      writeFileSync(file(), broken)
      isRefused('journal-corrupt', EXIT.data)
    }
  })

  it('but cut short is named and left alone', () => {
    const bytes = begin()
    writeFileSync(file(), bytes.subarray(0, bytes.length - 3 * bytes.readUInt16BE(16)))
    isRefused('journal-corrupt', EXIT.data)
  })

  it('but empty, as after a power cut at birth, becomes one (A08)', () => {
    writeFileSync(file(), '')
    const journal = new Journal(file(), IDENTITY)
    fill(journal, 1)
    assert.equal(journal.lastSeq, 1)
    journal.close()
  })

  it('but a directory is an I/O error with a hint', () => {
    mkdirSync(file())
    const error = journalError(() => new Journal(file(), IDENTITY))
    assert.equal(exitCodeOf(error), EXIT.io)
    assert.ok(error.hint)
  })
})

describe('the lock of a data directory', () => {
  const folder = tempFolder()
  const lockingCode = (): string => `
    const { lockDirectory } = await import(${built('journal/lock.js')})
    try {
      lockDirectory(${JSON.stringify(folder.path)})
      console.log('locked')
      setInterval(() => undefined, 1_000)
    } catch (error) {
      console.log(error.code)
    }`

  it('is held by one, and named to the other at once', () => {
    const unlock = lockDirectory(folder.path)
    const error = journalError(() => lockDirectory(folder.path))
    assert.equal(error.code, 'journal-busy')
    assert.equal(exitCodeOf(error), EXIT.again)
    assert.match(error.message, new RegExp(`pid ${process.pid}\\b`))
    unlock()
    lockDirectory(folder.path)()
  })

  it('is refused to a second process (A15)', async () => {
    const unlock = lockDirectory(folder.path)
    assert.equal((await startCode(lockingCode()).ended).stdout, 'journal-busy\n')
    unlock()
  })

  it('goes with the process, however it ends', async () => {
    const child = startCode(lockingCode())
    await until(() => child.output.stdout === 'locked\n', 10_000, 'the lock')
    assert.equal(journalError(() => lockDirectory(folder.path)).code, 'journal-busy')
    child.process.kill('SIGKILL')
    await child.ended
    lockDirectory(folder.path)()
  })

  it('makes the directory, not open to everybody', () => {
    lockDirectory(folder.file('new/data'))()
    assert.equal(statSync(folder.file('new/data')).mode & 0o007, 0)
  })

  it('on a path that cannot be a directory is an I/O error with a hint', () => {
    writeFileSync(folder.file('plain'), '')
    const error = journalError(() => lockDirectory(folder.file('plain/data')))
    assert.equal(error.code, 'journal-io')
    assert.ok(error.hint)
    assert.ok(existsSync(folder.file('plain')))
  })
})
