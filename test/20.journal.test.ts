/** The journal: what is appended is on disk, numbered, and never changes. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { Journal } from '../src/journal/journal.js'
import { JournalReader } from '../src/journal/query.js'
import { auditDraft, fill, IDENTITY, momentAt, punchDraft, storedRecords, WALL } from './support/records.js'
import { tempFolder } from './support/temp.js'

const DAY = 86_400_000

describe('the journal', () => {
  const folder = tempFolder()
  const other = tempFolder()
  let journal: Journal
  const reopened = (): Journal => {
    journal.close()
    journal = new Journal(folder.file('journal.db'), IDENTITY)
    return journal
  }
  /** What another connection sees in the file. */
  const ask = (sql: string): unknown => {
    const db = new Database(folder.file('journal.db'), { readonly: true })
    try {
      return db.prepare(sql).pluck().get()
    } finally {
      db.close()
    }
  }

  beforeEach(() => {
    journal = new Journal(folder.file('journal.db'), IDENTITY)
  })
  afterEach(() => journal.close())

  it('begins empty, with an id of its own', () => {
    assert.match(journal.id, /^[0-9a-f]{16}$/)
    const { publicKey, ...state } = journal.state
    assert.equal(Buffer.from(publicKey, 'base64').length, 32)
    assert.deepEqual(state, { journal: journal.id, lastSeq: 0, settled: 0, parked: 0 })
    mkdirSync(folder.file('other'))
    const other = new Journal(folder.file('other/journal.db'), IDENTITY)
    assert.notEqual(other.id, journal.id)
    other.close()
  })

  it('is begun by the next start when the first one was cut short, wherever that was (A10)', () => {
    journal.close()
    const made = (name: string, cut: (folder: string) => void): Journal => {
      cpSync(folder.path, join(other.path, name), { recursive: true })
      cut(join(other.path, name))
      return new Journal(join(other.path, name, 'journal.db'), IDENTITY)
    }
    const emptied = (at: string): void => {
      for (const file of readdirSync(at).filter((found) => found.startsWith('journal.db'))) rmSync(join(at, file))
    }
    const onlyHeader = (at: string): void => {
      emptied(at)
      const db = new Database(join(at, 'journal.db'))
      db.pragma('journal_mode = WAL')
      db.close()
      assert.ok(statSync(join(at, 'journal.db')).size > 0)
    }
    const cuts = {
      'keys only': emptied,
      'one key only': (at: string) => [emptied(at), rmSync(join(at, 'keys/signing.pem'))],
      'half a key': (at: string) => [emptied(at), renameSync(join(at, 'keys/signing.pem'), join(at, 'keys/signing.pem.new'))],
      'a header without tables': onlyHeader,
      'nothing but a header': (at: string) => [onlyHeader(at), rmSync(join(at, 'keys'), { recursive: true })],
    } // prettier-ignore
    for (const [name, cut] of Object.entries(cuts)) {
      const begun = made(name, cut)
      begun.append([punchDraft('AA')])
      assert.equal(begun.lastSeq, 1, name)
      begun.close()
    }
    // But keys of a journal that has records are never made anew.
    assert.throws(() => made('keys lost', (at) => rmSync(join(at, 'keys'), { recursive: true })), { code: 'journal-key' }) // prettier-ignore
    journal = new Journal(folder.file('journal.db'), IDENTITY)
  })

  it('links each record to the one before of its kind, after a start as well: from the anchor, or by looking for it', () => {
    journal.append([auditDraft('first')])
    for (let count = 0; count < 20; count++) journal.append([punchDraft('AA')])
    const links = (): unknown[] => storedRecords(journal, journal.lastSeq - 2).map(({ seq, prev }) => [seq, prev])
    reopened().append([auditDraft('next'), punchDraft('AA')])
    assert.deepEqual(links(), [[22, 1], [23, 21]], 'by the anchor of the start, and what came behind it') // prettier-ignore
    journal.head.keepAnchor()
    reopened().append([auditDraft('next'), punchDraft('AA')])
    assert.deepEqual(links(), [[24, 22], [25, 23]], 'by the anchor') // prettier-ignore
    rmSync(folder.file('anchor'))
    reopened().append([auditDraft('next'), punchDraft('AA')])
    assert.deepEqual(links(), [[26, 24], [27, 25]], 'without one') // prettier-ignore
  })

  it('does not read the whole journal to start', () => {
    for (let count = 0; count < 3; count++) journal.append([auditDraft('x'), punchDraft('AA')])
    journal.head.keepAnchor()
    const anchor = JSON.parse(readFileSync(folder.file('anchor'), 'utf8')) as { last: Record<string, number> }
    assert.deepEqual(anchor.last, { audit: 5, punch: 6 })
    // Another number than it would find: that is the one that is believed.
    writeFileSync(folder.file('anchor'), JSON.stringify({ ...anchor, last: { audit: 3, punch: 6 } }))
    reopened().append([auditDraft('x')])
    assert.equal(storedRecords(journal, 6)[0]?.['prev'], 3)
  })

  it('keeps what was appended, with all that a record says about its maker', () => {
    const id = randomUUID()
    const ids = journal.append([{ ...punchDraft('0A00123456', 1_000, { verdict: 'accepted' }), id }])
    assert.deepEqual(ids, [id])
    const [{ proof, ...record } = {}] = storedRecords(journal)
    assert.deepEqual(Object.keys(proof as object), ['hash', 'prevHash', 'salt', 'sig'])
    assert.deepEqual(
      [record],
      [
        {
          schema: 'punch/1',
          id,
          journal: journal.id,
          seq: 1,
          prev: null,
          site: 'hq',
          gateway: 'gw-01',
          reader: 'gate',
          clock: momentAt(1_000),
          credential: { type: 'card', value: '0A00123456', scope: 'global' },
          verdict: 'accepted',
          time: '2026-11-23T08:00:01.000+01:00',
        },
      ],
    )
  })

  it('does not let a draft speak for another journal, number or site', () => {
    const forged = { seq: 99, id: 'x', journal: 'y', prev: 98, site: 'z', gateway: 'z', schema: 'audit/1' }
    const [id] = journal.append([punchDraft('AA', 0, forged)])
    const [record] = storedRecords(journal)
    assert.deepEqual(
      [record?.['seq'], record?.['id'], record?.['journal'], record?.['prev'], record?.['site'], record?.['schema']],
      [1, id, journal.id, null, 'hq', 'punch/1'],
    )
  })

  it('gives a time to punches only: audit records have their clock', () => {
    journal.append([auditDraft('reader-lost')])
    const [record] = storedRecords(journal)
    assert.equal(record?.['schema'], 'audit/1')
    assert.ok(record && !('time' in record))
  })

  it('links each record to the one of its kind before, across commits and restarts', () => {
    journal.append([punchDraft('AA'), auditDraft('a'), punchDraft('BB')])
    journal.append([auditDraft('b')])
    reopened().append([punchDraft('CC'), auditDraft('c')])
    const links = storedRecords(journal).map(({ seq, prev }) => [seq, prev])
    assert.deepEqual(links, [[1, null], [2, null], [3, 1], [4, 2], [5, 3], [6, 4]]) // prettier-ignore
  })

  it('goes on with id, numbers and watermark after a restart', () => {
    fill(journal, 5)
    journal.settle(3)
    journal.park(5, 'publish-refused', 'no', WALL)
    const { id } = journal
    const { publicKey } = journal.state
    assert.deepEqual(reopened().state, { journal: id, lastSeq: 5, settled: 3, parked: 1, publicKey })
    journal.append([punchDraft('AA')])
    assert.equal(journal.lastSeq, 6)
  })

  it('lists the unsettled tail in order, in pages, and says how far it looked (A03)', () => {
    fill(journal, 7)
    const first = journal.tail(2, 3)
    assert.deepEqual([first.records.map(({ seq }) => seq), first.through], [[3, 4, 5], 5])
    const rest = journal.tail(first.through, 3)
    assert.deepEqual([rest.records.map(({ seq }) => seq), rest.through], [[6, 7], 7])
    assert.deepEqual(journal.tail(7, 3), { records: [], through: 7 })
  })

  it('leaves parked records out of the tail, and says that it looked beyond them', () => {
    fill(journal, 6)
    for (const seq of [2, 5, 6]) journal.park(seq, 'publish-refused', 'no', WALL)
    const { records, through } = journal.tail(0, 10)
    assert.deepEqual([records.map(({ seq }) => seq), through], [[1, 3, 4], 6])
    assert.deepEqual(journal.tail(4, 10), { records: [], through: 6 })
    journal.unpark(5)
    assert.deepEqual(
      journal.tail(4, 10).records.map(({ seq }) => seq),
      [5],
    )
  })

  it('names parked records with their reason; parking again replaces it', () => {
    const [id] = journal.append([punchDraft('AA')])
    journal.park(1, 'publish-refused', 'first', WALL)
    journal.park(1, 'publish-oversized', 'second', WALL + 1)
    assert.deepEqual(journal.parked(10), [{ seq: 1, id, code: 'publish-oversized', reason: 'second', wall: WALL + 1 }])
    assert.equal(journal.get(1)?.seq, 1)
    journal.unpark(1)
    assert.deepEqual(journal.parked(10), [])
  })

  it('never moves the watermark back', () => {
    fill(journal, 5)
    journal.settle(4)
    journal.settle(2)
    assert.equal(journal.state.settled, 4)
    assert.equal(reopened().state.settled, 4)
  })

  it('gives ids that no clock can make equal: a thousand of one instant in 1970 (C12)', () => {
    const clocks = { wall: 0, uptime: 20_000, boot: 'boot-1', state: 'unsynced', errorMs: null } as const
    const ids = journal.append(Array.from({ length: 1_000 }, () => ({ ...punchDraft('AA'), moment: clocks })))
    assert.equal(new Set(ids).size, 1_000)
    // Version 4: nothing of the time is in them.
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.deepEqual(
      storedRecords(journal).map((record) => record['id']),
      ids,
    )
  })

  it('stores all drafts of a commit or none', () => {
    fill(journal, 1)
    const impossible = { ...punchDraft('BB'), moment: { ...momentAt(0), wall: 1.5 } } // An INTEGER column of a STRICT table.
    assert.throws(() => journal.append([punchDraft('AA'), impossible]))
    assert.equal(journal.lastSeq, 1)
    assert.equal(ask('SELECT count(*) FROM record'), 1)
    journal.append([punchDraft('CC')])
    assert.deepEqual(storedRecords(journal).map(({ seq, prev }) => [seq, prev]), [[1, null], [2, 1]]) // prettier-ignore
  })

  describe('forgets', () => {
    it('what was delivered and is old, in steps', () => {
      fill(journal, 10)
      journal.settle(10)
      assert.equal(journal.forget(WALL + DAY, 4), 4)
      assert.deepEqual(
        storedRecords(journal).map(({ seq }) => seq),
        [5, 6, 7, 8, 9, 10],
      )
    })

    it('never the newest record, so that numbers do not return', () => {
      fill(journal, 3)
      journal.settle(3)
      assert.equal(journal.forget(WALL + DAY, 100), 2)
      assert.equal(journal.forget(WALL + DAY, 100), 0)
      reopened().append([punchDraft('AA')])
      assert.equal(journal.lastSeq, 4)
    })

    it('never what is not delivered, parked, or young', () => {
      fill(journal, 6)
      journal.settle(4)
      journal.park(2, 'publish-refused', 'no', WALL)
      assert.equal(journal.forget(WALL + 3, 100), 1, 'no further than to what is parked: the chain stays whole')
      assert.equal(journal.parked(10).length, 1)
      journal.unpark(2)
      assert.equal(journal.forget(WALL + 3, 100), 2, 'number 4 is of WALL + 3')
      assert.deepEqual(
        storedRecords(journal).map(({ seq }) => seq),
        [4, 5, 6],
      )
      assert.equal(journal.forget(WALL + DAY, 100), 1)
      assert.deepEqual([journal.get(2), journal.get(4)], [undefined, undefined])
    })
  })

  it('is read by others while it is open, one record as JSON each', () => {
    journal.append([punchDraft('AA', 0, { person: null }), auditDraft('begun'), punchDraft('BB', 5_000)])
    const reader = new JournalReader(folder.file('journal.db'), IDENTITY.offsets)
    const records = [...reader.records({})]
    assert.deepEqual(records.map(({ seq, kind }) => [seq, kind]), [[1, 'punch'], [2, 'audit'], [3, 'punch']]) // prettier-ignore
    const json = records.map((record) => JSON.parse(record.json) as Record<string, unknown>)
    assert.deepEqual(json[0]?.['delivery'], { attempt: 0, delayed: false })
    assert.deepEqual(
      [...reader.records({ kind: 'punch', from: WALL + 5_000 })].map(({ seq }) => seq),
      [3],
    )
    assert.deepEqual(
      [...reader.records({ to: WALL + 5_000 })].map(({ seq }) => seq),
      [1, 2],
    )
    assert.deepEqual(
      [...reader.records({ reader: 'gate', afterSeq: 1 })].map(({ seq }) => seq),
      [3],
    )
    assert.equal(reader.count({ kind: 'punch' }), 2)
    reader.close()
  })

  it('is read in pages without a gap', () => {
    fill(journal, 2_345)
    const reader = new JournalReader(folder.file('journal.db'), IDENTITY.offsets)
    const seqs = [...reader.records({})].map(({ seq }) => seq)
    assert.deepEqual(
      seqs,
      Array.from({ length: 2_345 }, (_, index) => index + 1),
    )
    reader.close()
  })
})
