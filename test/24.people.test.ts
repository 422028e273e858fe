/** Who somebody is: the people list in a real journal, and what attendance makes of it. */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { Attendance, type AttendanceRules, type Report } from '../src/attendance.js'
import { Journal } from '../src/journal/journal.js'
import { openDatabase } from '../src/journal/database.js'
import { PeopleTable } from '../src/journal/people.js'
import { policyTables } from '../src/journal/policy-table.js'
import { newKeys, Vault, type SealingKey } from '../src/journal/vault.js'
import type { Credential, Method } from '../src/model.js'
import { HELD, type Person } from '../src/people.js'
import { cardReport, IDENTITY, momentAt, storedRecords, type ReportParts } from './support/records.js'
import { tempFolder } from './support/temp.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const TODAY = { day: '2026-11-23', synced: true }

const card = (value: string): Credential => ({ type: 'card', value, scope: 'global' })
const finger = (value: string): Credential => ({ type: 'fingerprint', value, scope: 'gate' })
function person(ref: string, credentials: readonly Credential[], over: Partial<Person> = {}): Person {
  return { ref, name: `Name of ${ref}`, department: 'Engines', language: 'en', validFrom: '', validTo: '', state: 'active', credentials, ...over } // prettier-ignore
}
const ADA = person('1042', [card('0A00123456'), finger('5')])

describe('people', () => {
  const folder = tempFolder()
  let journal: Journal
  const file = (): string => folder.file('journal.db')
  beforeEach(() => (journal = new Journal(file(), IDENTITY)))
  afterEach(() => journal.close())
  const table = (): PeopleTable => journal.tables.people

  describe('on the list', () => {
    it('are found by each of their credentials, and by nothing near it', () => {
      assert.deepEqual(table().find(card('0A00123456'), TODAY), { kind: 'no-list' })
      table().import([ADA], false)
      for (const credential of ADA.credentials) assert.deepEqual(table().find(credential, TODAY), { kind: 'known', ref: '1042' }) // prettier-ignore
      for (const near of [
        card('0A00123457'),
        card('0a00123456'),
        { ...finger('5'), scope: 'door' },
        { ...card('5'), scope: 'gate' },
        { ...card('0A00123456'), type: 'mac' },
      ] as const)
        // prettier-ignore
        assert.deepEqual(table().find(near, TODAY), { kind: 'stranger' })
      assert.deepEqual(table().get('1042'), ADA)
      assert.equal(table().get('1043'), undefined)
    })

    it('come in, change and go in one commit each', () => {
      const bob = person('7', [card('BB0000')])
      assert.deepEqual(table().import([ADA, bob], false), { added: 2, updated: 0, removed: 0, kept: 0, credentials: 3 })
      const moved = [person('1042', []), person('8', [card('0A00123456')])]
      assert.deepEqual(table().import(moved, false), { added: 1, updated: 1, removed: 0, kept: 1, credentials: 1 })
      assert.equal(table().ownerOf(card('0A00123456')), '8')
      assert.equal(table().ownerOf(finger('5')), undefined, 'what is no longer in the file is nobody’s')
      assert.deepEqual(table().import([bob], true), { added: 0, updated: 1, removed: 2, kept: 0, credentials: 1 })
      assert.deepEqual([...table().all()], [bob])
      assert.deepEqual([table().remove('7'), table().remove('7')], [true, false])
      assert.deepEqual(table().find(card('BB0000'), TODAY), { kind: 'no-list' })
    })

    it('stay as they were when an import fails half-way', () => {
      table().import([ADA], false)
      const two = [person('7', [card('AA0000')]), person('8', [card('AA0000')])]
      assert.throws(() => table().import(two, true))
      assert.deepEqual([...table().all()], [ADA])
    })

    it('are known to a running daemon from the commit of another process on', () => {
      const attendance = new Attendance(journal, 0, momentAt(0), journal.tables)
      const tap = (): unknown => attendance.record([cardReport('0A00123456')])[0]
      assert.equal(tap(), 'accepted')
      const other = PeopleTable.open(file(), 'write')
      other.import([person('7', [card('BB0000')])], false)
      assert.equal(tap(), 'unknown')
      other.import([ADA], false)
      other.close()
      assert.equal(tap(), 'accepted')
      assert.deepEqual(storedRecords(journal).filter(({ schema }) => schema === 'punch/1').map(({ person }) => person), [null, null, { ref: '1042' }]) // prettier-ignore
    })

    it('count on the days from the first to the last that is given, and not when blocked', () => {
      table().import([person('7', [card('AA0000')], { validFrom: '2026-11-23', validTo: '2026-11-24' }), person('8', [card('BB0000')], { state: 'blocked' })], false) // prettier-ignore
      const on = (day: string, synced = true): unknown => {
        const found = table().find(card('AA0000'), { day, synced })
        return found.kind === 'refused' ? found.reason : found.kind
      }
      assert.deepEqual(['2026-11-22', '2026-11-23', '2026-11-24', '2026-11-25'].map((day) => on(day)), ['not-yet-valid', 'known', 'known', 'expired']) // prettier-ignore
      assert.equal(on('1970-01-01', false), 'known', 'a clock that was never set locks nobody out')
      assert.equal(on('2026-11-25', false), 'expired', 'but a day that has passed has passed')
      assert.deepEqual(table().find(card('BB0000'), TODAY), { kind: 'refused', ref: '8', reason: 'blocked' })
    })

    it('leave neither names nor numbers readable on the disk', () => {
      const canary = person('1042', [card('C0FFEE4711'), { type: 'pin', value: '86420975', scope: 'global' }], { name: 'Canaria Vogel', department: 'Geheimes' }) // prettier-ignore
      table().import([canary], false)
      const attendance = new Attendance(journal, 0, momentAt(0), { ...journal.tables, verify: [{ place: 'gate', factors: ['card', 'pin'], withinMs: 1 }] }) // prettier-ignore
      const { origin, sighting } = cardReport('C0FFEE4711')
      assert.throws(() => attendance.record([{ origin, sighting: { ...sighting, raw: { bad: NaN } } }]), /NaN/)
      const [state] = journal.tables.states.waiting()
      assert.equal(state, undefined, 'nothing is remembered of what was not stored')
      for (const name of readdirSync(folder.path).filter((name) => statSync(folder.file(name)).isFile())) {
        const bytes = readFileSync(folder.file(name)).toString('latin1')
        for (const secret of ['C0FFEE4711', '86420975', 'Canaria', 'Geheimes']) assert.ok(!bytes.includes(secret), `${secret} in ${name}`) // prettier-ignore
      }
    })

    it('of ten thousand with thirty thousand credentials are found as fast as of none', function () {
      this.timeout(120_000)
      const measure = (): number => {
        const attendance = new Attendance(journal, 0, momentAt(0), journal.tables)
        const batch = Array.from({ length: 2_000 }, (_, nth) => cardReport(hex(nth * 7), nth))
        const begin = performance.now()
        attendance.record(batch)
        return (performance.now() - begin) / batch.length
      }
      measure()
      const empty = measure()
      const begin = performance.now()
      const people = Array.from({ length: 10_000 }, (_, nth) => person(String(nth), [0, 1, 2].map((which) => card(hex(nth * 3 + which))))) // prettier-ignore
      assert.equal(table().import(people, false).credentials, 30_000)
      const importing = performance.now() - begin
      const full = measure()
      console.log(`      each punch ${empty.toFixed(4)} ms without a list, ${full.toFixed(4)} ms with one; import ${importing.toFixed(0)} ms`) // prettier-ignore
      assert.deepEqual(storedRecords(journal).at(-1)?.['person'], { ref: String(Math.floor((1_999 * 7) / 3)) })
    })
  })

  it('are sealed anew when the key changes, with what rules remember of them', () => {
    const [one, two] = [newKeys(), newKeys()]
    const [first, second] = [one.sealing[0], two.sealing[0]].map((key, nth) => ({ id: nth + 1, key: key?.key ?? Buffer.alloc(32) })) // prettier-ignore
    assert.ok(first && second)
    const db = openDatabase(folder.file('other.db'), 'x')
    const tables = (...sealing: SealingKey[]) => policyTables(folder.file('other.db'), db, new Vault({ sealing, lookup: one.lookup })) // prettier-ignore
    const state = { place: 'gate', who: 'ada', ref: '1042', last: { direction: 'in', moment: momentAt(0) } } as const
    tables(first).people.import([ADA], false)
    tables(first).states.put(state)
    assert.throws(() => tables(second).people.get('1042'), /key 1/)
    tables(first, second).reseal()
    const { people, states } = tables(second)
    assert.deepEqual([people.get('1042'), states.get('gate', 'ada')], [ADA, state])
    assert.deepEqual(people.find(card('0A00123456'), TODAY), { kind: 'known', ref: '1042' })
    db.close()
  })

  describe('at a reader', () => {
    let attendance: Attendance
    let rules: Partial<AttendanceRules>
    const open = (over: Partial<AttendanceRules> = {}): void => {
      rules = { ...journal.tables, ...over }
      attendance = new Attendance(journal, 5 * MINUTE, momentAt(0), rules)
    }
    const take = (
      credential: Credential,
      uptime: number,
      method: Method = 'card',
      over: Partial<ReportParts> & { auto?: boolean } = {},
    ): string => {
      // prettier-ignore
      const { origin, sighting } = cardReport('', uptime, { ...over, credential })
      const report: Report = { origin: over.auto ? { ...origin, direction: 'auto' } : origin, sighting: { ...sighting, method } } // prettier-ignore
      return attendance.record([report])[0] ?? 'refused'
    }
    const of = (schema: string): Record<string, unknown>[] => storedRecords(journal).filter((record) => record['schema'] === schema) // prettier-ignore
    const list = (): void => void table().import([ADA, person('9', [card('EE0000')], { validTo: '2026-11-22' })], true)

    it('are one person: card, then finger within five minutes, is one arrival', () => {
      list()
      open()
      assert.equal(take(card('0A00123456'), 0), 'accepted')
      assert.equal(take(finger('5'), 5 * MINUTE - 1, 'fingerprint'), 'repeat')
      const [first, second] = of('punch/1')
      assert.deepEqual([second?.['repeatOf'], second?.['person']], [first?.['id'], { ref: '1042' }])
      open()
      assert.equal(take(finger('5'), 5 * MINUTE - 1, 'fingerprint'), 'repeat', 'across a restart, too')
    })

    it('are a repeat of themselves when the list learned them in between, and none when it gave the card to another', () => {
      open()
      take(card('0A00123456'), 0)
      list()
      assert.equal(take(card('0A00123456'), MINUTE), 'repeat')
      take(card('0A00123456'), 6 * MINUTE)
      table().import([person('8', [card('0A00123456')])], true)
      assert.equal(take(card('0A00123456'), 7 * MINUTE), 'accepted')
    })

    it('that are strangers are unknown each time, and told to operators once a day', () => {
      list()
      open()
      assert.deepEqual([take(card('DD0000'), 0), take(card('DD0000'), 1), take(card('DD0000'), 25 * HOUR)], ['unknown', 'unknown', 'unknown']) // prettier-ignore
      for (const punch of of('punch/1')) assert.deepEqual([punch['person'], punch['repeatOf']], [null, null])
      const events = of('audit/1')
      assert.deepEqual(events.map(({ type, subject }) => [type, subject]), [['unknown-credential', 'card …0000'], ['unknown-credential', 'card …0000']]) // prettier-ignore
    })

    it('whose time is over are nobody to the consumer, with the reason for the operator', () => {
      list()
      open()
      assert.equal(take(card('EE0000'), 0), 'unknown')
      open()
      assert.equal(take(card('EE0000'), HOUR), 'unknown')
      assert.deepEqual(of('punch/1').map(({ person }) => person), [null, null]) // prettier-ignore
      const [event, ...more] = of('audit/1')
      assert.deepEqual([event?.['type'], event?.['subject'], event?.['detail'], more], ['credential-refused', '9', { reason: 'expired' }, []]) // prettier-ignore
    })

    it('that the list does not know are held where that is wished: stored, parked, not sent', () => {
      list()
      open({ unknown: 'hold' })
      take(card('DD0000'), 0)
      take(card('0A00123456'), 1)
      assert.deepEqual(journal.parked(10).map(({ seq, code }) => [seq, code]), [[1, HELD]]) // prettier-ignore
      assert.deepEqual(journal.tail(0, 10).records.map(({ kind }) => kind), ['audit', 'punch']) // prettier-ignore
      table().release([1, 2])
      assert.deepEqual(journal.parked(10).map(({ code }) => code), ['publish-offline']) // prettier-ignore
    })

    it('show two factors where a rule asks for them, across a restart (C10)', () => {
      const verify = [{ place: 'gate', factors: ['card', 'fingerprint'], withinMs: 15 * MINUTE }] as const
      list()
      open({ verify })
      take(card('0A00123456'), 0)
      open({ verify })
      assert.equal(take(finger('5'), 2 * MINUTE, 'fingerprint'), 'accepted', 'a second factor is no repeat')
      const [first, second] = of('punch/1')
      assert.deepEqual(second?.['verification'], { rule: 'gate:card+fingerprint', state: 'confirmed', of: first?.['id'], afterMs: 2 * MINUTE }) // prettier-ignore
      assert.equal('verification' in (first ?? {}), false)
      attendance.tellMissing(momentAt(HOUR))
      assert.deepEqual(of('correction/1'), [])
    })

    it('whose second factor does not come are corrected once, however often the daemon restarts', () => {
      const verify = [{ place: 'gate', factors: ['card', 'fingerprint'], withinMs: 15 * MINUTE }] as const
      list()
      open({ verify })
      take(card('0A00123456'), 0)
      attendance.tellMissing(momentAt(15 * MINUTE))
      assert.deepEqual(of('correction/1'), [])
      for (const minutes of [16, 16, 20]) {
        open({ verify })
        attendance.tellMissing(momentAt(minutes * MINUTE))
        attendance.tellMissing(momentAt(minutes * MINUTE))
      }
      const [correction, ...more] = of('correction/1')
      assert.deepEqual(more, [])
      const [first] = of('punch/1')
      assert.deepEqual([correction?.['of'], correction?.['verification'], correction?.['reader'], correction?.['place'], correction?.['prev']], // prettier-ignore
        [first?.['id'], { state: 'missing', rule: 'gate:card+fingerprint' }, 'gate', 'gate', null]) // prettier-ignore
      assert.deepEqual(journal.tail(1, 9).records.map(({ kind, channel }) => [kind, channel]), [['correction', 'gate']]) // prettier-ignore
      take(finger('5'), 20 * MINUTE, 'fingerprint')
      assert.equal((of('punch/1')[1]?.['verification'] as { state: string }).state, 'late')
    })

    it('go in and out in turn, each for themselves, also without a list and across a restart', () => {
      open()
      const ways = (): unknown[] => of('punch/1').map(({ direction }) => direction)
      take(card('AA0000'), 0, 'card', { auto: true })
      take(card('BB0000'), 1, 'card', { auto: true })
      open()
      take(card('AA0000'), MINUTE, 'card', { auto: true })
      take(card('AA0000'), HOUR, 'card', { auto: true })
      assert.deepEqual(ways(), ['in', 'in', 'in', 'out'])
      assert.equal(of('punch/1')[2]?.['verdict'], 'repeat', 'a second tap is no way out')
    })
  })
})

const hex = (number: number): string => number.toString(16).toUpperCase().padStart(10, '0')
