/** Records that a broker does not take: set aside, reported, offered again, and never in the way of the others. */
import assert from 'node:assert/strict'
import { JournalError } from '../src/errors.js'
import { OutboxRig, refusal } from './support/outbox.js'
import { fill, punchDraft, WALL } from './support/records.js'
import { rejectsWith } from './support/rejects.js'
import { tempFolder } from './support/temp.js'

describe('parking', () => {
  const folder = tempFolder()
  let rig: OutboxRig

  beforeEach(() => {
    rig = new OutboxRig(folder.file('journal.db'))
  })
  afterEach(() => rig.close())

  describe('a record that is set aside', () => {
    it('is parked by the code of the refusal, reported once, and holds nobody up', async () => {
      fill(rig.journal, 4)
      rig.publisher.fate = ({ seq }) => (seq === 2 ? refusal('park', 0x87) : 'ack')
      await rig.connect()
      assert.deepEqual(rig.publisher.seqs, [1, 2, 3, 4, 5], 'the report of it follows')
      const [parked] = rig.journal.parked(10)
      assert.deepEqual([parked?.seq, parked?.code, parked?.reason], [2, 'publish-refused', 'refused (0x87)'])
      const audit = JSON.parse(`${rig.journal.get(5)?.body.toString()}}`) as Record<string, unknown>
      assert.deepEqual(
        [audit['schema'], audit['type'], audit['subject'], audit['detail']],
        ['audit/1', 'record-parked', parked?.id, { code: 'publish-refused', reason: 'refused (0x87)' }],
      )
      assert.deepEqual([rig.outbox.settled, rig.logged('record-parked')], [5, 1])
    })

    it('does not breed: the report of it, refused too, is parked without a report', async () => {
      fill(rig.journal, 1)
      rig.publisher.fate = () => refusal('park', 0x87)
      await rig.connect()
      assert.deepEqual(
        rig.journal.parked(10).map(({ seq }) => seq),
        [1, 2],
      )
      assert.equal(rig.journal.lastSeq, 2)
    })

    it('stays parked over a restart, and is not sent with the others', async () => {
      fill(rig.journal, 3)
      rig.journal.park(2, 'publish-unconfirmed', 'no', WALL)
      rig.publisher.fate = () => 'ack'
      await rig.connect()
      assert.deepEqual(rig.publisher.seqs, [1, 3])
      assert.equal(rig.outbox.settled, 3)
    })

    it('is offered again on the next connection, once nothing else waits', async () => {
      fill(rig.journal, 3)
      rig.publisher.fate = ({ seq }) => (seq === 2 ? refusal('park', 0x87) : 'ack')
      await rig.connect()
      await rig.disconnect()
      rig.publisher.sent.length = 0
      fill(rig.journal, 2)
      rig.publisher.fate = () => 'ack'
      await rig.connect()
      assert.deepEqual(rig.publisher.seqs, [5, 6, 2])
      assert.ok((rig.publisher.sent[2]?.delivery.attempt ?? 0) > 1)
      assert.equal(rig.journal.state.parked, 0)
    })

    it('is not offered on every one of many short connections', async () => {
      fill(rig.journal, 2)
      rig.publisher.fate = ({ seq }) => (seq === 1 ? refusal('park', 0x87) : 'ack')
      await rig.connect()
      rig.publisher.sent.length = 0
      for (let connection = 0; connection < 100; connection++) {
        await rig.disconnect()
        await rig.clock.advance(1_000)
        await rig.connect()
      }
      assert.deepEqual(rig.publisher.seqs, [1, 1], 'at once, and after a minute')
      rig.publisher.fate = () => 'ack'
      await rig.disconnect()
      await rig.clock.advance(600_000)
      await rig.connect()
      assert.equal(rig.journal.state.parked, 0)
    })

    it('is offered a minute after it was refused again, and does not stand before the others then', async () => {
      fill(rig.journal, 3)
      const parking = ({ seq }: { seq: number }) => (seq <= 2 ? refusal('park', 0x87) : 'ack')
      rig.publisher.fate = parking
      await rig.connect()
      // Number 1 is refused for ever, and takes the connection with it.
      rig.publisher.fate = ({ seq }) => {
        if (seq === 1) rig.publisher.drop()
        return seq === 1 ? refusal('park', 0x87) : 'ack'
      }
      await rig.disconnect()
      await rig.connect()
      rig.outbox.offline()
      await rig.connect()
      assert.equal(rig.journal.state.parked, 2)
      await rig.clock.advance(80_000)
      await rig.settle()
      assert.deepEqual(
        rig.journal.parked(10).map(({ seq }) => seq),
        [1],
      )
    })

    it('is sent on request', async () => {
      fill(rig.journal, 2)
      rig.publisher.fate = ({ seq }) => (seq === 1 ? refusal('park', 0x87) : 'ack')
      await rig.connect()
      const [parked] = rig.journal.parked(10)
      assert.ok(parked)
      await rejectsWith('publish-refused', rig.outbox.retry(parked))
      assert.equal(rig.journal.state.parked, 1)
      rig.publisher.fate = () => 'ack'
      await rig.outbox.retry(parked)
      assert.equal(rig.journal.state.parked, 0)
      assert.equal(rig.logged('record-delivered'), 1)
      await rig.disconnect()
      await rejectsWith('publish-offline', rig.outbox.retry(parked))
    })

    it('while the disk is full stays in its place, until it can be', async () => {
      fill(rig.journal, 2)
      rig.direct.broken = new JournalError('journal-full', 'no space')
      rig.publisher.fate = ({ seq }) => (seq === 1 ? refusal('park', 0x87) : 'ack')
      await rig.connect()
      await rig.clock.advance(2_000)
      assert.equal(rig.outbox.settled, 0)
      rig.direct.broken = undefined
      for (let minute = 0; minute < 10; minute++) await rig.clock.advance(60_000)
      await rig.settle()
      assert.deepEqual(
        rig.journal.parked(10).map(({ seq }) => seq),
        [1],
      )
      assert.equal(rig.outbox.settled, rig.journal.lastSeq)
    })
  })

  describe('a record that ends every connection', () => {
    /** Connects again and again to a broker that dies of record `poison`, acknowledging what came before it, or nothing. */
    async function live(poison: number, before: 'ack' | 'wait', connections: number): Promise<void> {
      for (let connection = 0; connection < connections; connection++) {
        let dead = false
        rig.publisher.fate = ({ seq }) => {
          if (seq === poison) dead = true
          return dead ? 'wait' : before
        }
        // A broker that lives takes its time, but acknowledges.
        await rig.connect()
        while (!dead && rig.publisher.waiting.length > 0) {
          rig.publisher.waiting[0]?.ack()
          await rig.settle()
        }
        if (!dead) return
        await rig.disconnect()
      }
    }

    for (const before of ['ack', 'wait'] as const) {
      const how = before === 'ack' ? 'taking what came before it' : 'with all that is in flight'
      it(`${how}, is found and parked; the others are delivered`, async () => {
        fill(rig.journal, 40)
        rig.publisher.window = 16
        await live(20, before, 100)
        assert.deepEqual(rig.journal.parked(10).map(({ seq, code }) => [seq, code]), [[20, 'publish-unconfirmed']]) // prettier-ignore
        assert.deepEqual([rig.outbox.settled, rig.outbox.waiting], [41, 0])
      })
    }

    it('does not slow down what comes after it', async () => {
      fill(rig.journal, 40)
      rig.publisher.window = 16
      await live(20, 'wait', 100)
      rig.publisher.fate = () => 'wait'
      for (let punch = 0; punch < 10; punch++) await rig.direct.append(punchDraft('AA', punch))
      await rig.settle()
      assert.equal(rig.publisher.waiting.length, 10)
    })

    it('is not offered again by itself, only on request', async () => {
      fill(rig.journal, 5)
      await live(3, 'ack', 100)
      const [parked] = rig.journal.parked(10)
      assert.ok(parked)
      rig.publisher.sent.length = 0
      await rig.disconnect()
      rig.publisher.fate = () => 'ack'
      await rig.connect()
      assert.deepEqual(rig.publisher.seqs, [])
      await rig.outbox.retry(parked)
      assert.equal(rig.journal.state.parked, 0)
    })

    it('is no record at all when the broker never answers anything', async () => {
      fill(rig.journal, 5)
      for (let connection = 0; connection < 30; connection++) {
        await rig.connect()
        await rig.disconnect(true)
      }
      assert.equal(rig.journal.state.parked, 0)
      rig.publisher.fate = () => 'ack'
      await rig.connect()
      assert.equal(rig.outbox.settled, 5)
    })

    it('is not one that waited while others were refused', async () => {
      fill(rig.journal, 30)
      for (let connection = 0; connection < 25; connection++) {
        // As Mosquitto 2.0.11 does it: a refusal, and the end of the connection.
        let dead = false
        rig.publisher.fate = ({ seq }) => {
          if (dead) return 'wait'
          dead = seq <= 20
          return dead ? refusal('park', 0x87) : 'ack'
        }
        await rig.connect()
        await rig.disconnect()
      }
      const parked = rig.journal.parked(100).filter(({ code }) => code === 'publish-refused')
      assert.deepEqual([parked.length, rig.journal.state.parked, rig.outbox.waiting], [20, 20, 0])
    })

    it('is not one that waited while the network failed (D13)', async () => {
      fill(rig.journal, 10)
      for (let connection = 0; connection < 50; connection++) {
        await rig.connect()
        rig.publisher.waiting[0]?.ack()
        await rig.settle()
        await rig.disconnect()
        if (rig.outbox.waiting === 0) break
      }
      assert.equal(rig.journal.state.parked, 0)
    })
  })
})
