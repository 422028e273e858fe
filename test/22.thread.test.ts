/** The journal's thread, the real one: nobody waits for another's fsync, everybody for their own. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { JournalError } from '../src/errors.js'
import { JournalThread } from '../src/journal/client.js'
import type { ThreadOptions } from '../src/journal/protocol.js'
import { built, startCode } from './support/child.js'
import { auditDraft, cardReport, IDENTITY, WALL } from './support/records.js'
import { rejectsWith } from './support/rejects.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

describe('the journal thread', () => {
  const folder = tempFolder()
  let thread: JournalThread | undefined
  const options = (): ThreadOptions => ({
    file: folder.file('journal.db'),
    identity: IDENTITY,
    repeatWindowMs: 300_000,
    keepSettledMs: 86_400_000,
  })
  const open = async (): Promise<JournalThread> => {
    thread = (await JournalThread.open(options())).thread
    return thread
  }
  /** Another connection: it sees what is committed. */
  const ask = (sql: string): unknown => {
    const db = new Database(folder.file('journal.db'))
    try {
      return db.prepare(sql).pluck().get()
    } finally {
      db.close()
    }
  }
  const meddle = (sql: string): void => {
    const db = new Database(folder.file('journal.db'))
    db.exec(sql)
    db.close()
  }

  afterEach(async () => {
    await thread?.close()
    thread = undefined
  })

  it('answers after the record is stored', async () => {
    const thread = await open()
    for (let punch = 1; punch <= 20; punch++) {
      const { verdict, lastSeq } = await thread.report(cardReport(`AA${punch}`, punch))
      assert.deepEqual([verdict, lastSeq, ask('SELECT max(seq) FROM record')], ['accepted', punch, punch])
    }
  })

  it('puts reports that come together into few commits, each with its own verdict', async () => {
    const thread = await open()
    const appended: number[] = []
    thread.onAppend = (seq) => appended.push(seq)
    const cards = Array.from({ length: 600 }, (_, index) => cardReport(`AA${index % 300}`, index))
    const answers = await Promise.all(cards.map((report) => thread.report(report)))
    assert.deepEqual(answers.map(({ verdict }) => verdict), cards.map((_, index) => (index < 300 ? 'accepted' : 'repeat'))) // prettier-ignore
    // Each answer carries the newest number of its commit.
    const commits = new Set(answers.map(({ lastSeq }) => lastSeq))
    assert.ok(commits.size <= 30, `${commits.size} commits for 600 reports`)
    assert.deepEqual(appended, [...commits])
    assert.equal(appended.at(-1), 600)
    assert.equal(ask('SELECT count(*) FROM record'), 600)
  })

  it('leaves the main thread free', async () => {
    const thread = await open()
    let turns = 0
    const turning = setInterval(() => (turns += 1), 0)
    await Promise.all(Array.from({ length: 400 }, (_, index) => thread.report(cardReport(`AA${index}`, index))))
    clearInterval(turning)
    assert.ok(turns > 0)
  })

  it('loses nothing that it answered to a SIGKILL (A01)', async function () {
    this.timeout(90_000)
    const code = `
      import { writeSync } from 'node:fs'
      const { JournalThread } = await import(${built('journal/client.js')})
      const { thread } = await JournalThread.open(${JSON.stringify(options())})
      const report = ${JSON.stringify(cardReport('AA'))}
      for (let punch = 0; ; punch++) {
        const sighting = { ...report.sighting, credential: { ...report.sighting.credential, value: 'AA' + punch } }
        await thread.report({ ...report, sighting })
        writeSync(1, 'x')
      }`
    const child = startCode(code)
    await until(() => child.output.stdout.length > 20, 60_000, 'twenty punches')
    child.process.kill('SIGKILL')
    const { stdout, stderr } = await child.ended
    assert.equal(stderr, '')
    assert.ok(Number(ask('SELECT count(*) FROM record')) >= stdout.length)
    assert.equal(ask('PRAGMA integrity_check'), 'ok')
  })

  it('refuses what cannot be judged, and nothing else of its commit', async () => {
    const thread = await open()
    const poisoned = cardReport('BB')
    const claim = { wall: Number.MAX_VALUE, key: '1', late: true }
    const reports = [cardReport('AA'), { ...poisoned, sighting: { ...poisoned.sighting, claim } }, cardReport('CC', 1)]
    const answers = await Promise.all(reports.map((report) => thread.report(report)))
    assert.deepEqual(answers.map(({ verdict }) => verdict), ['accepted', 'refused', 'accepted']) // prettier-ignore
    assert.equal(ask('SELECT count(*) FROM record'), 2)
  })

  it('appends, lists, settles and parks', async () => {
    const thread = await open()
    await thread.report(cardReport('AA'))
    await thread.append(auditDraft('reader-lost'))
    await thread.report(cardReport('BB'))
    assert.equal(thread.lastSeq, 3)
    await thread.park({ seq: 2, code: 'publish-refused', reason: 'no', wall: WALL })
    assert.deepEqual(
      (await thread.tail(0, 10)).records.map(({ seq }) => seq),
      [1, 3],
    )
    assert.equal((await thread.get(2))?.channel, 'reader-lost')
    assert.deepEqual((await thread.parked(10)).map(({ seq, reason }) => [seq, reason]), [[2, 'no']]) // prettier-ignore
    await thread.settle(3)
    const { journal, publicKey, ...state } = await thread.state()
    assert.ok(publicKey)
    assert.match(journal, /^[0-9a-f]{16}$/)
    assert.deepEqual(state, { lastSeq: 3, settled: 3, parked: 1 })
    await thread.unpark(2)
    assert.deepEqual(await thread.parked(10), [])
  })

  it('commits what is queued before it closes', async () => {
    const thread = await open()
    const reports = Array.from({ length: 50 }, (_, index) => thread.report(cardReport(`AA${index}`, index)))
    await thread.close()
    assert.equal((await Promise.all(reports)).filter(({ verdict }) => verdict === 'accepted').length, 50)
    assert.equal(ask('SELECT count(*) FROM record'), 50)
  })

  it('closes when more is queued than fits into one commit', async () => {
    const thread = await open()
    const reports = Array.from({ length: 1_500 }, (_, index) => thread.report(cardReport(`AA${index}`, index)))
    await thread.close()
    const answers = await Promise.allSettled(reports)
    const accepted = answers.filter((answer) => answer.status === 'fulfilled' && answer.value.verdict === 'accepted')
    assert.equal(ask('SELECT count(*) FROM record'), accepted.length)
    assert.equal(accepted.length, 1_500)
  })

  it('answers nobody after it was closed, and says so', async () => {
    const thread = await open()
    await thread.close()
    await assert.rejects(thread.state(), /ended/)
  })

  it('closes without calling it a death', async () => {
    const thread = await open()
    thread.onDeath = () => assert.fail('it was asked to')
    await thread.close()
    await thread.close()
  })

  it('answers refused, with the code of the failure, when it cannot store, and goes on when it can', async () => {
    const thread = await open()
    meddle('ALTER TABLE record RENAME TO away')
    const refused = await thread.report(cardReport('AA'))
    assert.deepEqual([refused.verdict, refused.failure?.code, refused.lastSeq], ['refused', 'journal-io', 0])
    assert.ok(refused.failure?.message.includes('journal.db'))
    await rejectsWith('journal-io', thread.append(auditDraft('x')))
    meddle('ALTER TABLE away RENAME TO record')
    assert.equal((await thread.report(cardReport('AA'))).verdict, 'accepted')
  })

  it('waits for another program that writes, refuses after five seconds, and goes on when the file is free (B16)', async function () {
    this.timeout(60_000)
    const thread = await open()
    const other = new Database(folder.file('journal.db'))
    other.exec('BEGIN IMMEDIATE')
    const waits = thread.report(cardReport('AA', 1))
    setTimeout(() => other.exec('COMMIT'), 500)
    assert.equal((await waits).verdict, 'accepted')
    other.exec('BEGIN IMMEDIATE')
    const { verdict, failure } = await thread.report(cardReport('BB', 2))
    assert.deepEqual([verdict, failure?.code], ['refused', 'journal-io'])
    assert.match(failure?.message ?? '', /locked/)
    other.exec('COMMIT')
    other.close()
    assert.equal((await thread.report(cardReport('BB', 3))).verdict, 'accepted', 'a refused punch opened no window')
    assert.equal(ask('SELECT count(*) FROM record'), 2)
  })

  it('refuses to open what is no journal, with the code of the JournalError', async () => {
    writeFileSync(folder.file('journal.db'), 'dear diary')
    const error = await rejectsWith('journal-foreign', open())
    assert.ok(error instanceof JournalError && error.hint)
  })

  it('reports its own bugs as bugs, not as journal errors', async () => {
    await (await open()).close()
    meddle('DELETE FROM meta')
    await assert.rejects(open(), (error: Error) => !(error instanceof JournalError) && /meta row/.test(error.message))
  })
})
