/** From signs of life to records on disk: what is written, what is remembered, what a kill in between does. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Attendance, type Report } from '../src/attendance.js'
import type { Census, Moment, Sample } from '../src/model.js'
import type { Watched } from '../src/driver.js'
import { Journal, type Draft } from '../src/journal/journal.js'
import { zoneFormatter } from '../src/journal/time.js'
import { PresenceBook } from '../src/presence.js'
import { siteZone } from '../src/zone.js'
import { FakeClock } from './support/fake-clock.js'
import { IDENTITY, storedRecords } from './support/records.js'
import { RecordingLogger } from './support/session.js'
import { readerConfig } from './support/supervision.js'
import { tempFolder } from './support/temp.js'

const OFFSETS = [[0, 60]] as const
const OPTIONS = {
  samples: 2,
  within: 10_000,
  enter: -75,
  leave: -83,
  away: 60_000,
  grace: 300_000,
  settle: 5_000,
  punch: 'never',
}
const WATCH: readonly Watched[] = [
  { type: 'mac', value: '3C22FB0A1B2C', name: 'ada' },
  { type: 'mac', value: 'DAA119001122', name: 'ada' },
  { type: 'mac', value: '3C22FB000001' },
]

describe('the presence book', () => {
  const folder = tempFolder()
  let clock: FakeClock
  let journal: Journal
  let attendance: Attendance
  let log: RecordingLogger
  let stop: AbortController
  let listening: Promise<void>
  /** Called before each append; throws what it should fail with. */
  let beforeAppend: ((draft: Draft) => void) | undefined

  /** Whose things are, by the people list. */
  const persons = new Map<string, string>()

  beforeEach(() => {
    persons.clear()
    clock = new FakeClock()
    log = new RecordingLogger()
    beforeAppend = undefined
    openJournal()
  })
  afterEach(() => journal.close())

  function openJournal(): void {
    journal = new Journal(join(folder.path, 'journal.db'), IDENTITY)
    attendance = new Attendance(journal, 300_000, clock.now())
  }

  async function start(options: Partial<typeof OPTIONS> = {}, id = 'wifi', place = 'office'): Promise<PresenceBook> {
    stop = new AbortController()
    const reader = readerConfig(id, { driver: 'wifi', place, options: { ...OPTIONS, ...options, watch: WATCH } })
    const book = new PresenceBook({
      reader,
      clock,
      log,
      zone: siteZone(OFFSETS),
      timeOf: zoneFormatter(OFFSETS),
      journal: {
        append: async (draft) => {
          beforeAppend?.(draft)
          journal.append([draft])
        },
        personOf: async ({ value }) => persons.get(value),
        recall: async (at, key) => journal.recall(at, key),
        remember: async (at, key, value) => {
          journal.remember({ reader: at, key, value })
          return undefined
        },
      },
      report: async (report: Report) => ({
        verdict: attendance.record([report])[0] ?? 'refused',
        lastSeq: journal.lastSeq,
      }),
    })
    await book.restored()
    listening = book.listen(stop.signal)
    return book
  }
  const end = async (book: PresenceBook): Promise<void> => {
    stop.abort()
    await listening
    await book.close()
  }
  const sample = (value: string, kind: Sample['kind'] = 'heard', arrived: Moment = clock.now()): Sample => ({
    credential: { type: 'mac', value, scope: 'global' },
    method: 'wifi',
    arrived,
    kind,
  })
  const hear = async (book: PresenceBook, value: string, times = 3): Promise<void> => {
    for (let time = 0; time < times; time++) {
      book.take(sample(value))
      await clock.advance(1_000)
    }
  }
  const told = (): string[] =>
    storedRecords(journal).map(({ schema, change, credential, verdict }) => `${String(schema)} ${String(change ?? verdict)} ${(credential as { value: string }).value}`) // prettier-ignore

  it('writes who arrived and who left, with the evidence', async () => {
    const book = await start()
    await hear(book, '3C22FB0A1B2C')
    await clock.advance(61_000)
    await end(book)
    const [arrived, left] = storedRecords(journal)
    assert.deepEqual(
      [arrived?.['schema'], arrived?.['change'], arrived?.['method'], arrived?.['place'], arrived?.['reader'], arrived?.['person']], // prettier-ignore
      ['presence/1', 'arrived', 'wifi', 'office', 'wifi', null],
    )
    assert.equal(arrived?.['time'], '2026-11-23T08:00:00.000+01:00')
    assert.deepEqual(arrived['signal'], { rssiDbm: null, samples: 2 })
    assert.equal(arrived['since'], undefined)
    assert.deepEqual([left?.['change'], left?.['time'], left?.['since']], ['left', '2026-11-23T08:00:02.000+01:00', arrived['time']]) // prettier-ignore
    assert.equal(left?.['prev'], 1)
    assert.doesNotMatch(JSON.stringify([storedRecords(journal), log.lines]), /ada/)
    assert.doesNotMatch(JSON.stringify(log.lines), /3C22FB0A1B2C/)
  })

  it('merges the things of one person of the people list, and says whose they are', async () => {
    persons.set('3C22FB0A1B2C', '1042').set('3C22FB000001', '1042')
    const book = await start()
    await hear(book, '3C22FB0A1B2C')
    await hear(book, '3C22FB000001')
    await hear(book, 'DAA119001122')
    await end(book)
    assert.deepEqual(storedRecords(journal).map(({ credential, person }) => [(credential as { value: string }).value, person]), [
      ['3C22FB0A1B2C', { ref: '1042' }],
      ['DAA119001122', null],
    ]) // prettier-ignore
  })

  it('keeps nothing of what nobody asked to watch', async () => {
    const book = await start()
    await hear(book, 'AABBCCDDEEFF', 10)
    await end(book)
    assert.deepEqual(told(), [])
    assert.equal(journal.recall('wifi', 'stays'), undefined)
  })

  it('invents neither arrivals nor departures across a restart', async () => {
    let book = await start()
    await hear(book, '3C22FB0A1B2C')
    await hear(book, '3C22FB000001')
    await end(book)
    await clock.advance(3_600_000)
    book = await start()
    await hear(book, '3C22FB0A1B2C', 90)
    await end(book)
    assert.deepEqual(told(), [
      'presence/1 arrived 3C22FB0A1B2C',
      'presence/1 arrived 3C22FB000001',
      'presence/1 left 3C22FB000001',
    ])
  })

  it('remembers in the same commit: a kill right after an arrival makes no second one', async () => {
    const first = await start()
    await hear(first, '3C22FB0A1B2C', 2)
    // Killed: nobody said goodbye.
    journal.close()
    openJournal()
    const book = await start()
    await hear(book, '3C22FB0A1B2C', 3)
    await end(book)
    stop.abort()
    assert.deepEqual(told(), ['presence/1 arrived 3C22FB0A1B2C'])
  })

  it('takes a listing for what it is', async () => {
    const book = await start()
    book.take(sample('3C22FB0A1B2C', 'joined'))
    await clock.advance(6_000)
    const nobody: Census = { kind: 'listed', credentials: [], method: 'wifi', arrived: clock.now() }
    book.take(nobody)
    await clock.advance(301_000)
    await end(book)
    assert.deepEqual(told(), ['presence/1 arrived 3C22FB0A1B2C', 'presence/1 left 3C22FB0A1B2C'])
  })

  it('waits for a disk that is full, and loses nothing', async () => {
    const book = await start()
    let refusals = 3
    beforeAppend = () => {
      if (refusals-- > 0) throw new Error('disk full')
    }
    await hear(book, '3C22FB0A1B2C')
    await hear(book, '3C22FB000001')
    assert.deepEqual(told(), [])
    await clock.advance(20_000)
    assert.deepEqual(told(), ['presence/1 arrived 3C22FB0A1B2C', 'presence/1 arrived 3C22FB000001'])
    assert.equal(log.lines.filter(({ level }) => level === 'error').length, 3)
    await end(book)
  })

  describe('with punch: first-arrival', () => {
    const DAY_MS = 86_400_000

    it('makes one punch of the first arrival of a person at a place on a day', async () => {
      const punch = 'first-arrival'
      let book = await start({ punch })
      await hear(book, '3C22FB0A1B2C')
      await clock.advance(61_000)
      // The other thing of the same person, after a short absence, at another radio of the place, after a restart.
      await end(book)
      book = await start({ punch }, 'wifi-2')
      await hear(book, 'DAA119001122')
      await end(book)
      const punches = (): Record<string, unknown>[] =>
        storedRecords(journal).filter(({ schema }) => schema === 'punch/1')
      assert.equal(punches().length, 1)
      const [first] = punches()
      assert.deepEqual([first?.['method'], first?.['verdict'], first?.['reader']], ['wifi', 'accepted', 'wifi'])
      await clock.advance(DAY_MS)
      book = await start({ punch }, 'wifi-3')
      await hear(book, 'DAA119001122')
      await end(book)
      assert.equal(punches().length, 2)
    })

    it('makes it once, though a kill comes between punch and arrival', async () => {
      const punch = 'first-arrival'
      const first = await start({ punch })
      beforeAppend = () => {
        throw new Error('killed here')
      }
      await hear(first, '3C22FB0A1B2C', 2)
      assert.deepEqual(told(), ['punch/1 accepted 3C22FB0A1B2C'])
      stop.abort()
      journal.close()
      openJournal()
      beforeAppend = undefined
      const book = await start({ punch })
      await hear(book, '3C22FB0A1B2C')
      await end(book)
      assert.deepEqual(told(), ['punch/1 accepted 3C22FB0A1B2C', 'presence/1 arrived 3C22FB0A1B2C'])
    })
  })
})
