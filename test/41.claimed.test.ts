/** What drivers hand over is read once and copied, and no driver has the journal to itself. */
import assert from 'node:assert/strict'
import type { ReaderConfig } from '../src/config/config.js'
import type { Moment, Sighting } from '../src/driver.js'
import { Line, Turns } from '../src/turns.js'
import { cardSighting, readerConfig, Supervised, type TestSession } from './support/supervision.js'

const CLAIM = { wall: 1_000, key: '1', late: false }

describe('what a driver hands over', () => {
  let rig: Supervised
  let ended: Promise<void>
  let session: TestSession
  let arrived: Moment

  const begin = async (reader: ReaderConfig = readerConfig('gate')): Promise<void> => {
    rig = new Supervised(reader)
    ended = rig.start(async (given) => {
      session = given
      for await (const chunk of given.transport) arrived = chunk.arrived
    })
    await rig.clock.settle()
    rig.wires.devices[0]?.send(Uint8Array.of(1))
    await rig.clock.settle()
  }
  beforeEach(() => begin())
  afterEach(async () => {
    rig.stop.abort()
    for (let second = 0; second < 5; second++) await rig.clock.advance(1_000)
    await ended
  })
  /** JavaScript keeps no types. */
  const report = (given: unknown): Promise<string> => session.report(given as Sighting)
  const stored = (): unknown[] => rig.reports.map(({ sighting }) => sighting)
  const trap = (): object =>
    new Proxy({}, { get: () => assert.fail('looked at'), ownKeys: () => assert.fail('looked at') })

  it('is copied, field by field, and nothing else of it', async () => {
    const extra = { reader: 'other', place: 'other', person: { ref: '1' }, verdict: 'unknown', act: () => 1 }
    const plain = { ...cardSighting(arrived), raw: { bits: 26, text: 'x' }, claim: CLAIM }
    const { credential, claim } = plain
    const given = { ...plain, ...extra, credential: { ...credential, ...extra }, claim: { ...claim, ...extra } }
    assert.equal(await report(given), 'accepted')
    assert.deepEqual(stored(), [plain])
    assert.deepEqual(rig.reports[0]?.origin, { reader: 'gate', place: 'door', direction: 'in', driver: 'scripted', sim: false }) // prettier-ignore
  })

  it('is read once: what it says at a second look does not count (E23)', async () => {
    let looks = 0
    const turncoat = { ...cardSighting(arrived), get arrived() { return looks++ === 0 ? arrived : { ...arrived, wall: 1 } } } // prettier-ignore
    assert.equal(await report(turncoat), 'accepted')
    assert.deepEqual([stored(), looks], [[cardSighting(arrived)], 1])
  })

  it('is refused when it cannot be read, is of no known kind, or too much, each fault said once', async () => {
    const good = cardSighting(arrived)
    const { credential } = good
    const circle: Record<string, unknown> = {}
    circle['circle'] = circle
    const wrong: unknown[] = [
      ...[undefined, null, 7, 'text', trap(), circle],
      ...[undefined, trap(), { ...credential, type: '__proto__' }, { ...credential, value: 10n }, { ...credential, scope: {} }].map((odd) => ({ ...good, credential: odd })), // prettier-ignore
      ...['FORGED', trap(), Symbol('s')].map((method) => ({ ...good, method })),
      ...['other', trap(), 7].map((point) => ({ ...good, point })),
      ...[trap(), { odd: circle }, { odd: () => 1 }, { odd: NaN }, { much: 'x'.repeat(5_000) }, Object.fromEntries(Array.from({ length: 100 }, (_, at) => [at, at]))].map((raw) => ({ ...good, raw })), // prettier-ignore
      ...[NaN, Infinity, 8.64e15, -8.64e15, '2026'].map((wall) => ({ ...good, claim: { ...CLAIM, wall } })),
      ...[{ key: '' }, { key: 7 }, { key: 'x'.repeat(2_000) }, { late: 'no' }, { aheadMs: 1e300 }].map((odd) => ({ ...good, claim: { ...CLAIM, ...odd } })), // prettier-ignore
      ...[trap(), new Proxy(arrived, {}), { ...arrived }, 7].map((moment) => ({ ...good, arrived: moment })),
    ]
    for (let again = 0; again < 2; again++)
      for (const [index, given] of wrong.entries()) assert.equal(await report(given), 'refused', `number ${index}`)
    assert.deepEqual(stored(), [])
    const said = rig.logged('driver-bug').map(({ fields }) => fields['reason'])
    assert.ok(said.length > 5 && said.length === new Set(said).size, said.join())
    assert.equal(await report(good), 'accepted')
  })

  it('poisons no status: identities, figures, counts and details are plain', async () => {
    const odd = { big: 10n, none: NaN, nested: { reader: 'other' }, act: () => 1 }
    session.ready({ model: 'x'.repeat(1_000), serial: 10n, ...odd } as never)
    session.measure({ ...odd, fine: 1 } as never)
    session.count('toString' as never)
    session.count('badFrames', Number.NaN)
    await session.event('odd', { ...odd, fine: 'text' } as never)
    const { identity, figures, counters } = rig.status.reader('gate')
    assert.deepEqual(identity, { model: 'x'.repeat(256), serial: '' })
    assert.deepEqual([figures, counters], [{ fine: 1 }, { goodFrames: 0, badFrames: 0, discardedBytes: 0 }])
    assert.deepEqual(rig.notes, ['gate odd'])
  })

  it('counts for nothing once its run is over', async () => {
    rig.stop.abort()
    await rig.clock.settle()
    await ended
    session.ready({ model: 'late' })
    assert.equal(await report(cardSighting(arrived)), 'refused')
    await session.event('late')
    await assert.rejects(session.remember('key', 'value'))
    assert.deepEqual([rig.reports, rig.notes, rig.status.reader('gate').identity], [[], [], undefined])
  })
})

describe('the line into the journal', () => {
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

  it('lets in so many at a time, in order, and has an end (E08)', async () => {
    const line = new Line(2)
    const [inside, ended]: [number[], (() => void)[]] = [[], []]
    const enter = (number: number): Promise<number | undefined> =>
      line.take(() => {
        inside.push(number)
        return new Promise((resolve) => ended.push(() => resolve(number)))
      })
    const results = Array.from({ length: 10_003 }, (_, number) => enter(number))
    assert.deepEqual([inside, line.full], [[0, 1], true])
    assert.equal(await results.at(-1), undefined, 'the last one finds the line full')
    for (let at = 0; at < 500; at++) {
      ended[at]!()
      await settled()
    }
    assert.deepEqual(
      inside,
      Array.from({ length: 502 }, (_, number) => number),
    )
    assert.equal(await results[499], 499)
    line.close()
    for (let at = 500; at < inside.length; at++) ended[at]?.()
    assert.equal(await results[10_001], undefined, 'whoever waits when it closes is sent away')
    assert.equal(inside.length, 502)
    assert.equal(await enter(0), undefined)
  })

  it('goes on after one that fails', async () => {
    const line = new Line(1)
    const failing = line.take(() => Promise.reject(new Error('no')))
    const next = line.take(() => Promise.resolve('yes'))
    await assert.rejects(failing)
    assert.equal(await next, 'yes')
  })

  it('is one for reports and another for all else, so that events hold up no punch', async () => {
    const { reports, others } = new Turns()
    void others.take(() => new Promise(() => undefined))
    void others.take(() => assert.fail('two events at a time'))
    assert.equal(await reports.take(() => Promise.resolve('punch')), 'punch')
  })
})
