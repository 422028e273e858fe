/** The pump: everything that is stored goes out, in order, until it was taken. */
import assert from 'node:assert/strict'
import { JournalError } from '../src/errors.js'
import { OutboxRig, range, refusal } from './support/outbox.js'
import { fill, punchDraft } from './support/records.js'
import { tempFolder } from './support/temp.js'

describe('the outbox', () => {
  const folder = tempFolder()
  let rig: OutboxRig

  beforeEach(() => {
    rig = new OutboxRig(folder.file('journal.db'))
  })
  afterEach(() => rig.close())

  describe('sends', () => {
    it('nothing while there is no connection, and everything waits', async () => {
      fill(rig.journal, 5)
      rig.outbox.appended()
      await rig.settle()
      assert.deepEqual([rig.publisher.sent.length, rig.outbox.waiting], [0, 5])
    })

    it('what waited, oldest first, and says that it is late', async () => {
      fill(rig.journal, 300)
      rig.publisher.fate = () => 'ack'
      await rig.connect()
      assert.deepEqual(rig.publisher.seqs, range(1, 300))
      assert.ok(rig.publisher.sent.every(({ delivery }) => delivery.attempt === 1 && delivery.delayed))
      assert.deepEqual([rig.outbox.settled, rig.outbox.waiting], [300, 0])
    })

    it('what is stored meanwhile at once, and says that it is live', async () => {
      await rig.connect()
      await rig.direct.append(punchDraft('AA'))
      await rig.settle()
      assert.deepEqual(rig.publisher.sent[0]?.delivery, { attempt: 1, delayed: false })
    })

    it('the record as it is stored, with nothing but how it travels added', async () => {
      await rig.connect()
      rig.publisher.fate = () => 'ack'
      await rig.direct.append(punchDraft('AA'))
      await rig.settle()
      assert.deepEqual(rig.publisher.sent[0]?.record.body, rig.journal.get(1)?.body)
    })

    it('no more than the window, and the next when one was taken', async () => {
      fill(rig.journal, 20)
      rig.publisher.window = 3
      await rig.connect()
      assert.deepEqual(rig.publisher.seqs, [1, 2, 3])
      rig.publisher.waiting[1]?.ack()
      await rig.settle()
      assert.deepEqual(rig.publisher.seqs, [1, 2, 3, 4])
      rig.publisher.window = 6
      rig.publisher.waiting[0]?.ack()
      await rig.settle()
      assert.deepEqual([rig.publisher.waiting.length, rig.publisher.mostInFlight], [6, 6])
    })

    it('a backlog of more records than MQTT has packet numbers, each once and in order (D01)', async function () {
      this.timeout(60_000)
      const count = 70_000
      for (let stored = 0; stored < count; stored += 10_000) fill(rig.journal, 10_000)
      rig.publisher.fate = () => 'ack'
      await rig.connect()
      await rig.until(() => rig.outbox.settled === count, 'the whole backlog')
      assert.equal(rig.publisher.sent.length, count)
      assert.ok(rig.publisher.sent.every(({ seq }, index) => seq === index + 1))
      assert.ok(rig.publisher.mostInFlight <= 64)
    })
  })

  describe('after a lost connection', () => {
    it('begins behind the watermark, again and marked so (A04, D03)', async () => {
      fill(rig.journal, 10)
      rig.publisher.window = 4
      await rig.connect()
      rig.publisher.waiting[0]?.ack()
      await rig.settle()
      assert.deepEqual(rig.publisher.seqs, [1, 2, 3, 4, 5])
      await rig.disconnect()
      assert.equal(rig.outbox.waiting, 9)
      rig.publisher.sent.length = 0
      rig.publisher.fate = () => 'ack'
      await rig.connect()
      assert.deepEqual(rig.publisher.seqs, range(2, 10))
      assert.deepEqual(
        rig.publisher.sent.map(({ delivery }) => delivery.attempt),
        [2, 2, 2, 2, 1, 1, 1, 1, 1],
      )
      assert.ok(rig.publisher.sent.every(({ delivery }) => delivery.delayed))
    })

    it('does not send again what was taken out of order', async () => {
      fill(rig.journal, 6)
      await rig.connect()
      for (const index of [4, 2]) rig.publisher.waiting[index]?.ack()
      await rig.settle()
      assert.deepEqual([rig.outbox.settled, rig.outbox.waiting], [0, 4])
      await rig.disconnect()
      rig.publisher.sent.length = 0
      await rig.connect()
      assert.deepEqual(rig.publisher.seqs, [1, 2, 4, 6])
    })

    it('believes an acknowledgement that came as the connection ended', async () => {
      fill(rig.journal, 2)
      await rig.connect()
      const [first] = rig.publisher.waiting
      rig.publisher.online = false
      rig.outbox.offline()
      first?.ack()
      await rig.settle()
      assert.equal(rig.outbox.settled, 1)
      assert.equal(rig.outbox.waiting, 1)
    })

    it('does not let the answers of an old connection disturb the new one', async () => {
      fill(rig.journal, 8)
      rig.publisher.window = 4
      await rig.connect()
      const old = rig.publisher.waiting
      rig.outbox.offline()
      await rig.connect()
      const inFlight = rig.publisher.waiting.length - old.length
      for (const flight of old) flight.fail(refusal('park'))
      await rig.settle()
      assert.equal(rig.publisher.waiting.length, inFlight)
      assert.equal(rig.journal.state.parked, 0)
    })
  })

  describe('the watermark', () => {
    it('moves over what is taken without a gap, in whatever order', async () => {
      fill(rig.journal, 5)
      await rig.connect()
      const [one, two, three, four, five] = rig.publisher.waiting
      const settled: number[] = []
      for (const flight of [three, one, five, two, four]) {
        flight?.ack()
        await rig.settle()
        settled.push(rig.outbox.settled)
      }
      assert.deepEqual(settled, [0, 1, 1, 3, 5])
    })

    it('is written after 1,024 records', async () => {
      fill(rig.journal, 1_100)
      rig.publisher.window = 1_100
      await rig.connect()
      rig.publisher.waiting.slice(0, 1_023).forEach(({ ack }) => ack())
      await rig.settle()
      assert.deepEqual(rig.direct.marks, [])
      rig.publisher.waiting[0]?.ack()
      await rig.settle()
      assert.deepEqual(rig.direct.marks, [1_024])
    })

    it('is written after a second, whichever comes first, and not again', async () => {
      fill(rig.journal, 3)
      rig.publisher.fate = () => 'ack'
      await rig.connect()
      await rig.clock.advance(999)
      assert.deepEqual(rig.direct.marks, [])
      await rig.clock.advance(1)
      assert.deepEqual(rig.direct.marks, [3])
      await rig.clock.advance(10_000)
      assert.deepEqual(rig.direct.marks, [3])
      assert.equal(rig.clock.sleeping, 0)
    })

    it('is written at the stop, after which nothing is sent', async () => {
      fill(rig.journal, 3)
      rig.publisher.fate = () => 'ack'
      await rig.connect()
      await rig.outbox.stop()
      assert.deepEqual(rig.direct.marks, [3])
      await rig.direct.append(punchDraft('AA'))
      await rig.settle()
      assert.deepEqual(rig.publisher.seqs, [1, 2, 3])
    })

    it('that a full disk does not take is written when there is space', async () => {
      fill(rig.journal, 300)
      rig.direct.broken = new JournalError('journal-full', 'no space')
      rig.publisher.fate = () => 'ack'
      await rig.connect()
      await rig.clock.advance(5_000)
      assert.deepEqual([rig.direct.marks, rig.outbox.settled], [[], 300])
      rig.direct.broken = undefined
      await rig.clock.advance(2_000)
      assert.deepEqual(rig.direct.marks, [300])
    })
  })
})
