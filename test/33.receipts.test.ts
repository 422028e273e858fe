/** Settling by receipts: what the consumer has is settled, what it lacks is sent again, and what cannot be true is not believed. */
import assert from 'node:assert/strict'
import { heapAfterCollection } from './support/heap.js'
import { OutboxRig, range, refusal } from './support/outbox.js'
import { HELD } from '../src/people.js'
import { fill, punchDraft, WALL } from './support/records.js'
import { tempFolder } from './support/temp.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

describe('receipts', () => {
  const folder = tempFolder()
  let rig: OutboxRig

  beforeEach(() => {
    rig = new OutboxRig(folder.file('journal.db'), 'receipt')
    rig.publisher.fate = () => 'ack'
  })
  afterEach(() => rig.close())

  const figures = (): unknown => {
    const { publishedThrough, unreceipted, refused } = rig.outbox.receipts ?? {}
    return { settled: rig.outbox.settled, waiting: rig.outbox.waiting, publishedThrough, unreceipted, refused }
  }

  describe('settle', () => {
    it('and nothing else does: the broker only takes', async () => {
      fill(rig.journal, 300)
      await rig.connect()
      assert.deepEqual(rig.takeSent(), range(1, 300))
      await rig.clock.advance(5_000)
      assert.deepEqual(figures(), { settled: 0, waiting: 300, publishedThrough: 300, unreceipted: 300, refused: 0 })
      assert.deepEqual([rig.outbox.unsent, rig.journal.state.settled], [0, 0])
      await rig.receipt({ upTo: 120 })
      assert.deepEqual(figures(), { settled: 120, waiting: 180, publishedThrough: 300, unreceipted: 180, refused: 0 })
      await rig.clock.advance(2_000)
      assert.equal(rig.journal.state.settled, 120, 'on disk too')
    })

    it('never backward, and the same one twice does nothing', async () => {
      fill(rig.journal, 9)
      await rig.connect()
      for (const upTo of [7, 7, 3, 0]) await rig.receipt({ upTo })
      assert.deepEqual([rig.outbox.settled, rig.takeSent()], [7, range(1, 9)])
    })

    it('what the broker has not acknowledged yet as soon as it does', async () => {
      rig.publisher.fate = () => 'wait'
      fill(rig.journal, 3)
      await rig.connect()
      await rig.receipt({ upTo: 3 })
      assert.equal(rig.outbox.settled, 0)
      for (const flight of rig.publisher.waiting) flight.ack()
      await rig.settle()
      assert.deepEqual([rig.outbox.settled, rig.outbox.waiting], [3, 0])
    })

    it('what an earlier process sent, when this one has sent it again', async () => {
      fill(rig.journal, 5)
      await rig.outbox.stop()
      const again = new OutboxRig(folder.file('journal.db'), 'receipt')
      again.publisher.fate = () => 'ack'
      await again.receipt({ upTo: 5 })
      assert.equal(again.outbox.settled, 0)
      await again.connect()
      assert.deepEqual([again.publisher.seqs, again.outbox.settled], [range(1, 5), 5])
      await again.close()
    })

    it('only what is not parked needs one', async () => {
      fill(rig.journal, 4)
      rig.publisher.fate = ({ seq }) => (seq === 2 ? refusal('park', 0x87) : 'ack')
      await rig.connect()
      assert.deepEqual([rig.outbox.waiting, rig.outbox.receipts?.unreceipted], [4, 4], '1, 3, 4 and the report')
      await rig.receipt({ upTo: 1 })
      assert.deepEqual([rig.outbox.settled, rig.outbox.waiting], [1, 3])
      rig.publisher.fate = () => 'ack'
      const [parked] = rig.journal.parked(1)
      assert.ok(parked)
      await rig.outbox.retry(parked)
      assert.equal(rig.outbox.waiting, 4, 'taken after all, it waits for its receipt')
      await rig.receipt({ upTo: 5 })
      assert.deepEqual([rig.outbox.settled, rig.outbox.waiting, rig.outbox.receipts?.unreceipted], [5, 0, 0])
    })

    it('very many in no time, and no memory is kept for them', async function () {
      this.timeout(60_000)
      const count = 200_000
      for (let stored = 0; stored < count; stored += 20_000) fill(rig.journal, 20_000)
      const before = heapAfterCollection()
      await rig.connect()
      await rig.until(() => {
        rig.publisher.sent.length = 0
        return rig.outbox.unsent === 0
      }, 'the backlog')
      const kept = heapAfterCollection() - before
      assert.ok(kept < 4e6, `${kept} bytes for ${count} records`)
      assert.equal(rig.outbox.receipts?.unreceipted, count)
      const from = performance.now()
      await rig.receipt({ upTo: count - 1 })
      assert.ok(performance.now() - from < 1_000)
      assert.equal(rig.outbox.waiting, 1)
    })
  })

  describe('that ask for missing records', () => {
    beforeEach(async () => {
      fill(rig.journal, 400)
      await rig.connect()
      await rig.receipt({ upTo: 400 })
      rig.takeSent()
    })

    it('get them, in order, settled or not, counted as sent again (D20)', async () => {
      await rig.receipt({ missing: [[300, 302], [5, 7], [7, 9], [400, 400]] }) // prettier-ignore
      const again = rig.publisher.sent.map(({ seq, delivery }) => [seq, delivery.attempt, delivery.delayed])
      assert.deepEqual(
        again,
        [5, 6, 7, 8, 9, 300, 301, 302, 400].map((seq) => [seq, 2, true]),
      )
      rig.takeSent()
      await rig.receipt({ missing: [[7, 7]] })
      assert.deepEqual([rig.publisher.sent[0]?.delivery.attempt, rig.takeSent()], [3, [7]])
      assert.equal(rig.outbox.settled, 400)
    })

    it('get all of it when they ask for all', async () => {
      await rig.receipt({ missing: [[1, 400]] })
      assert.deepEqual(rig.takeSent(), range(1, 400))
    })

    it('do not hold up what is new: it finds a free place', async () => {
      rig.publisher.window = 8
      rig.publisher.fate = () => 'wait'
      await rig.receipt({ missing: [[1, 400]] })
      assert.equal(rig.publisher.waiting.length, 7, 'one place is kept free')
      await rig.direct.append(punchDraft('AA'))
      await rig.settle()
      assert.equal(rig.publisher.waiting.at(-1)?.seq, 401)
      assert.equal(rig.publisher.waiting.length, 8)
    })

    it('share the line with a backlog: neither waits for the other (D20)', async () => {
      rig.publisher.window = 8
      rig.publisher.fate = () => 'wait'
      for (let stored = 0; stored < 4; stored++) fill(rig.journal, 50)
      await rig.receipt({ missing: [[1, 400]] })
      await rig.direct.append(punchDraft('AA'))
      for (let turn = 0; turn < 150; turn++) {
        assert.ok(rig.publisher.waiting.length <= 8)
        rig.publisher.waiting[0]?.ack()
        await rig.clock.settle()
      }
      const seqs = rig.takeSent()
      const fresh = seqs.filter((seq) => seq > 400)
      const again = seqs.filter((seq) => seq <= 400)
      assert.ok(fresh.length > 30 && again.length > 20, `${fresh.length} new and ${again.length} again`)
      assert.deepEqual([fresh, again], [range(401, 400 + fresh.length), range(1, again.length)])
    })

    it('work with one place in the window', async () => {
      rig.publisher.window = 1
      await rig.receipt({ missing: [[1, 20]] })
      assert.deepEqual(rig.takeSent(), range(1, 20))
    })

    it('get the rest on the next connection', async () => {
      rig.publisher.fate = ({ seq }) => (seq <= 5 ? 'ack' : 'wait')
      await rig.receipt({ missing: [[1, 100]] })
      await rig.disconnect()
      rig.takeSent()
      rig.publisher.fate = () => 'ack'
      await rig.connect()
      const rest = rig.takeSent()
      assert.deepEqual(rest, range(6, 100))
    })

    it('are told once what cannot be had any more', async () => {
      await rig.clock.advance(2_000)
      rig.journal.forget(Date.UTC(2026, 10, 23, 7, 0, 0, 100), 1_000)
      assert.equal(rig.journal.get(100), undefined)
      await rig.receipt({ missing: [[90, 103]] })
      assert.deepEqual(rig.takeSent(), [101, 102, 103, 401])
      const gap = { from: 90, to: 100, reason: 'deleted after its retention, or erased' }
      assert.deepEqual(rig.events('replay-gap'), [gap])
      await rig.receipt({ missing: [[90, 103]] })
      assert.deepEqual(rig.events('replay-gap'), [gap], 'it is on its way already')
      await rig.clock.advance(2 * HOUR)
      await rig.receipt({ missing: [[95, 96]] })
      assert.equal(rig.events('replay-gap').length, 2)
    })

    it('are told what is parked, after another try', async () => {
      rig.publisher.fate = ({ seq }) => (seq === 401 ? refusal('park', 0x99) : 'ack')
      await rig.direct.append(punchDraft('AA'))
      await rig.settle()
      rig.takeSent()
      await rig.receipt({ missing: [[401, 401]] })
      assert.deepEqual(rig.takeSent(), [401, 403])
      assert.deepEqual(rig.events('replay-gap'), [{ from: 401, to: 401, reason: 'parked: refused (0x99)' }])
      await rig.clock.advance(2 * HOUR)
      rig.publisher.fate = () => 'ack'
      rig.takeSent()
      await rig.receipt({ missing: [[401, 401]] })
      assert.deepEqual([rig.takeSent(), rig.journal.state.parked, rig.events('replay-gap').length], [[401], 0, 1])
    })

    it('are told what is held for people, and do not get it: only those send it', async () => {
      await rig.direct.append(punchDraft('AA'))
      await rig.settle()
      rig.journal.park(401, HELD, 'nobody knows whose it is', WALL)
      rig.takeSent()
      await rig.receipt({ missing: [[401, 401]] })
      assert.deepEqual(rig.takeSent().includes(401), false)
      assert.deepEqual(rig.events('replay-gap'), [{ from: 401, to: 401, reason: 'parked: nobody knows whose it is' }])
      assert.equal(rig.journal.state.parked, 1)
    })

    it('wait when the broker wants less, and leave out what it will not have', async () => {
      let refusals = 0
      rig.publisher.fate = ({ seq }) => (seq === 3 && refusals++ < 2 ? refusal('retry', 0x97) : 'ack')
      await rig.receipt({ missing: [[1, 5]] })
      await rig.clock.advance(10_000)
      assert.deepEqual([...new Set(rig.takeSent())].sort(), range(1, 5))
      rig.publisher.fate = ({ seq }) => (seq === 3 ? refusal('park', 0x87) : 'ack')
      await rig.receipt({ missing: [[1, 5]] })
      assert.deepEqual([rig.takeSent(), rig.outbox.receipts?.sendingAgain], [range(1, 5), 0])
    })

    it('for too much get a part, and are told so', async () => {
      const single = Array.from({ length: 1_100 }, (_, index) => [(index % 200) * 2 + 1, (index % 200) * 2 + 1])
      await rig.receipt({ missing: single })
      assert.equal(rig.events('receipt-refused').length, 1)
      assert.match(JSON.stringify(rig.events('receipt-refused')), /at most 1000 ranges.*clamped/)
      assert.equal(new Set(rig.takeSent().filter((seq) => seq <= 400)).size, 200)
    })
  })

  describe('of a consumer that says nothing', () => {
    it('are called for after ten minutes, then each hour, and no more when they come (D19)', async () => {
      fill(rig.journal, 3)
      await rig.connect()
      rig.takeSent()
      await rig.clock.advance(9 * MINUTE)
      assert.deepEqual(rig.takeSent(), [])
      await rig.clock.advance(2 * MINUTE)
      assert.deepEqual(rig.publisher.sent[0]?.delivery, { attempt: 2, delayed: true })
      assert.deepEqual(rig.takeSent(), [1, 2, 3])
      await rig.clock.advance(58 * MINUTE)
      assert.deepEqual(rig.takeSent(), [])
      await rig.clock.advance(3 * MINUTE)
      assert.equal(rig.publisher.sent[0]?.delivery.attempt, 3)
      assert.deepEqual(rig.takeSent(), [1, 2, 3])
      await rig.receipt({ upTo: 2 })
      await rig.clock.advance(11 * MINUTE)
      assert.deepEqual(rig.takeSent(), [3])
      await rig.receipt({ upTo: 3 })
      await rig.clock.advance(5 * HOUR)
      assert.deepEqual([rig.takeSent(), rig.clock.sleeping], [[], 0])
      const lines = rig.log.lines.filter(({ fields }) => fields['event'] === 'offered-again')
      assert.deepEqual(lines.map(({ level }) => level), ['warn', 'warn', 'warn']) // prettier-ignore
    })

    it('are called for with each new connection, but not in a storm', async () => {
      fill(rig.journal, 3)
      await rig.connect()
      rig.takeSent()
      await rig.disconnect()
      await rig.connect()
      assert.deepEqual(rig.takeSent(), [1, 2, 3], 'the broker may have forgotten them')
      for (let turn = 0; turn < 20; turn++) {
        await rig.disconnect()
        await rig.connect()
        await rig.clock.advance(1_000)
      }
      assert.deepEqual(rig.takeSent(), [])
      await rig.clock.advance(MINUTE)
      assert.deepEqual(rig.takeSent(), [1, 2, 3])
    })

    it('are called for piece by piece: the receipt for one brings the next', async function () {
      this.timeout(60_000)
      for (let stored = 0; stored < 25_000; stored += 5_000) fill(rig.journal, 5_000)
      await rig.connect()
      await rig.until(() => rig.outbox.unsent === 0, 'the backlog')
      rig.takeSent()
      const settledBy = async (): Promise<void> => {
        await rig.until(() => rig.outbox.receipts?.sendingAgain === 0, 'the piece')
      }
      await rig.disconnect()
      await rig.connect()
      await settledBy()
      assert.deepEqual(rig.takeSent(), range(1, 10_000))
      await rig.receipt({ upTo: 10_000 })
      await rig.clock.advance(11_000)
      await settledBy()
      assert.deepEqual(rig.takeSent(), range(10_001, 20_000))
      await rig.receipt({ upTo: 25_000 })
      await rig.clock.advance(5 * HOUR)
      assert.deepEqual(rig.takeSent(), [], 'it had that, too')
    })

    it('are not called for what a receipt settles meanwhile', async () => {
      fill(rig.journal, 100)
      await rig.connect()
      await rig.disconnect()
      rig.takeSent()
      rig.publisher.window = 4
      rig.publisher.fate = () => 'wait'
      await rig.connect()
      assert.deepEqual(rig.publisher.seqs, [1, 2, 3])
      await rig.receipt({ upTo: 90 })
      rig.publisher.fate = () => 'ack'
      for (const flight of rig.publisher.waiting) flight.ack()
      await rig.settle()
      assert.deepEqual(rig.takeSent(), [1, 2, 3, ...range(91, 100)])
    })
  })

  it('are not heard where the broker settles', async () => {
    const other = new OutboxRig(folder.file('other.db'))
    fill(other.journal, 3)
    await other.connect()
    await other.receipt({ upTo: 3 })
    assert.deepEqual([other.outbox.settled, other.outbox.receipts], [0, undefined])
    await other.close()
  })

  it('a record that ends connections when it is sent again is set aside, and the others flow', async () => {
    fill(rig.journal, 6)
    await rig.connect()
    await rig.receipt({ upTo: 6 })
    rig.takeSent()
    await rig.receipt({ missing: [[2, 4]] })
    rig.takeSent()
    rig.publisher.fate = ({ seq }) => (seq === 3 ? 'wait' : seq === 2 ? 'wait' : 'ack')
    await rig.receipt({ missing: [[2, 4]] })
    for (let turn = 0; turn < 8; turn++) {
      await rig.disconnect()
      rig.publisher.fate = ({ seq }) => (seq === 2 ? 'wait' : 'ack')
      await rig.connect()
    }
    assert.deepEqual(rig.journal.parked(10).map(({ seq }) => seq), [2]) // prettier-ignore
    await rig.direct.append(punchDraft('AA'))
    await rig.settle()
    assert.ok(rig.publisher.seqs.includes(rig.journal.lastSeq))
    assert.equal(rig.outbox.receipts?.sendingAgain, 0)
  })
})
