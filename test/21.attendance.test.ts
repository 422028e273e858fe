/** From sighting to verdict, on a real journal. */
import assert from 'node:assert/strict'
import Database from 'better-sqlite3'
import { Attendance, type PunchJournal } from '../src/attendance.js'
import { JournalError } from '../src/errors.js'
import { Journal } from '../src/journal/journal.js'
import { auditDraft, cardReport, IDENTITY, momentAt, storedRecords } from './support/records.js'
import { tempFolder } from './support/temp.js'

const WINDOW = 300_000
const MINUTE = 60_000

describe('attendance', () => {
  const folder = tempFolder()
  let journal: Journal
  let attendance: Attendance
  const open = (now = momentAt(0)): void => {
    journal = new Journal(folder.file('journal.db'), IDENTITY)
    attendance = new Attendance(journal, WINDOW, now)
  }
  const reopen = (now = momentAt(0)): void => {
    journal.close()
    open(now)
  }
  const tap = (value: string, uptime: number): string | undefined => attendance.record([cardReport(value, uptime)])[0]
  /** Changes the file behind the journal's back. */
  const meddle = (sql: string): void => {
    const db = new Database(folder.file('journal.db'))
    db.exec(sql)
    db.close()
  }

  beforeEach(() => open())
  afterEach(() => journal.close())

  it('stores an accepted punch as the contract has it', () => {
    assert.equal(tap('0A00123456', 1_000), 'accepted')
    const [{ id, journal: journalId, proof, ...punch } = {}] = storedRecords(journal)
    assert.ok(proof)
    assert.match(String(id), /^[0-9a-f-]{36}$/)
    assert.equal(journalId, journal.id)
    assert.deepEqual(punch, {
      schema: 'punch/1',
      seq: 1,
      prev: null,
      site: 'hq',
      gateway: 'gw-01',
      reader: 'gate',
      place: 'gate',
      driver: 'rdm6300',
      direction: 'in',
      method: 'card',
      credential: { type: 'card', value: '0A00123456', scope: 'global' },
      person: null,
      verdict: 'accepted',
      repeatOf: null,
      clock: momentAt(1_000),
      time: '2026-11-23T08:00:01.000+01:00',
    })
  })

  it('says when a simulator stands behind the reader (E22)', () => {
    const { origin, sighting } = cardReport('AA')
    attendance.record([{ origin: { ...origin, sim: true }, sighting }])
    assert.equal(storedRecords(journal)[0]?.['sim'], true)
  })

  it('stores repeats too, with the id of the first', () => {
    assert.deepEqual([tap('AA', 0), tap('AA', MINUTE), tap('AA', 2 * MINUTE)], ['accepted', 'repeat', 'repeat'])
    const records = storedRecords(journal)
    assert.deepEqual(
      records.map(({ verdict }) => verdict),
      ['accepted', 'repeat', 'repeat'],
    )
    assert.deepEqual(
      records.map(({ repeatOf }) => repeatOf),
      [null, records[0]?.['id'], records[0]?.['id']],
    )
  })

  it('answers each report of a batch, and lets the earlier count for the later', () => {
    const batch = [
      cardReport('AA', 0),
      cardReport('BB', 1),
      cardReport('AA', 2),
      cardReport('AA', 3, { direction: 'out' }),
    ]
    assert.deepEqual(attendance.record(batch), ['accepted', 'accepted', 'repeat', 'accepted'])
    const records = storedRecords(journal)
    assert.equal(records[2]?.['repeatOf'], records[0]?.['id'])
    assert.equal(tap('BB', 4), 'repeat')
  })

  it('does nothing for an empty batch', () => {
    assert.deepEqual(attendance.record([]), [])
    assert.equal(journal.lastSeq, 0)
  })

  it('remembers windows across a restart (A02, C11)', () => {
    tap('AA', 0)
    tap('AA', MINUTE)
    tap('BB', 4 * MINUTE)
    journal.append([auditDraft('reader-lost', 4 * MINUTE)])
    reopen(momentAt(4 * MINUTE))
    assert.equal(tap('AA', 5 * MINUTE - 1), 'repeat')
    assert.equal(tap('AA', 5 * MINUTE), 'accepted', 'the window does not slide over a restart either')
    assert.equal(tap('BB', 6 * MINUTE), 'repeat')
    const records = storedRecords(journal).filter(({ repeatOf }) => repeatOf !== null && repeatOf !== undefined)
    const ids = new Set(storedRecords(journal).map(({ id }) => id))
    assert.ok(records.every(({ repeatOf }) => ids.has(repeatOf)))
  })

  it('knows a repeat that was heard in time and stored after a later one, as when the disk stalls (B15)', () => {
    assert.equal(tap('AA', 0), 'accepted')
    assert.equal(tap('BB', WINDOW + 500), 'accepted')
    assert.equal(tap('AA', WINDOW - 100), 'repeat')
  })

  it('remembers such windows across a restart', () => {
    assert.deepEqual([tap('BB', WINDOW), tap('AA', WINDOW - 2_000)], ['accepted', 'accepted'])
    // The window of what is stored last is over, that of what was heard last is not.
    reopen(momentAt(2 * WINDOW - 1_000))
    assert.equal(tap('BB', 2 * WINDOW - 500), 'repeat')
  })

  it('remembers windows across a boot, once the clock is set again', () => {
    tap('AA', 0)
    const boot = { boot: 'boot-2' } as const
    const unset = { ...boot, state: 'unsynced', errorMs: null, wall: 0 } as const
    reopen(momentAt(1_000, unset))
    attendance.record([cardReport('BB', 0, { moment: momentAt(2_000, unset) })])
    const back = momentAt(9_000, { ...boot, wall: momentAt(4 * MINUTE).wall })
    assert.deepEqual(attendance.record([cardReport('AA', 0, { moment: back })]), ['repeat'])
  })

  it('remembers windows across a boot in between whose clock was never set', () => {
    tap('AA', 0)
    const unset = { boot: 'boot-2', state: 'unsynced', errorMs: null, wall: 0 } as const
    attendance.record([cardReport('BB', 0, { moment: momentAt(2_000, unset) })])
    const boot = (minutes: number) => momentAt(9_000, { boot: 'boot-3', wall: momentAt(minutes * MINUTE).wall })
    reopen(boot(3))
    assert.deepEqual(attendance.record([cardReport('AA', 0, { moment: boot(4) })]), ['repeat'])
    assert.deepEqual(attendance.record([cardReport('BB', 0, { moment: boot(4) })]), ['accepted'])
  })

  it('does not read a whole journal for the windows while the clock is not set', () => {
    for (let punch = 0; punch < 50; punch++) tap('AA', punch * WINDOW)
    let read = 0
    const counting: PunchJournal = {
      append: () => [],
      hasOnce: () => false,
      park: () => undefined,
      timeOf: String,
      newestPunches: (visit: (body: string) => 'more' | 'enough') =>
        journal.newestPunches((body) => {
          read += 1
          return visit(body)
        }),
    }
    new Attendance(counting, WINDOW, momentAt(0, { boot: 'boot-2', state: 'unsynced', errorMs: null }))
    assert.equal(read, 3)
  })

  it('throws when the journal cannot store, and remembers nothing of it', () => {
    meddle('ALTER TABLE record RENAME TO away')
    assert.throws(() => tap('AA', 0), (error) => error instanceof JournalError && error.code === 'journal-io') // prettier-ignore
    meddle('ALTER TABLE away RENAME TO record')
    assert.equal(tap('AA', 1), 'accepted', 'a refused punch opens no window')
    assert.deepEqual(storedRecords(journal).map(({ seq, repeatOf }) => [seq, repeatOf]), [[1, null]]) // prettier-ignore
  })

  it('keeps an open window when a later commit fails', () => {
    tap('AA', 0)
    meddle('ALTER TABLE record RENAME TO away')
    assert.throws(() => tap('AA', WINDOW))
    meddle('ALTER TABLE away RENAME TO record')
    assert.equal(tap('AA', WINDOW - 1), 'repeat')
  })
})
