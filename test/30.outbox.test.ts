/** The pump: everything that is stored goes out, in order, until it was taken. */
import assert from 'node:assert/strict'
import { JournalError, PublishError } from '../src/errors.js'
import { OutboxRig, range } from './support/outbox.js'
import { fill, punchDraft, WALL } from './support/records.js'
import { rejectsWith } from './support/rejects.js'
import { tempFolder } from './support/temp.js'

const QUOTA = 0x97

function refusal(disposal: 'retry' | 'park', reasonCode = 0x80): PublishError {
  return new PublishError(disposal, 'publish-refused', `refused (0x${reasonCode.toString(16)})`, { reasonCode })
}

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
      assert.equal(rig.publisher.sent[0]?.record.body, rig.journal.get(1)?.body)
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

    it('a backlog of more records than MQTT has packet numbers, each once and in order', async function () {
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
    it('begins behind the watermark, again and marked so', async () => {
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

    it('is written after 128 records', async () => {
      fill(rig.journal, 200)
      rig.publisher.window = 1_000
      await rig.connect()
      rig.publisher.waiting.slice(0, 127).forEach(({ ack }) => ack())
      await rig.settle()
      assert.deepEqual(rig.direct.marks, [])
      rig.publisher.waiting[0]?.ack()
      await rig.settle()
      assert.deepEqual(rig.direct.marks, [128])
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

  describe('a refused record', () => {
    it('keeps its place: nothing is sent until it is tried again, and the pauses grow', async () => {
      fill(rig.journal, 3)
      let refusals = 0
      rig.publisher.window = 1
      rig.publisher.fate = ({ seq }) => (seq === 2 && refusals++ < 3 ? refusal('retry') : 'ack')
      await rig.connect()
      assert.deepEqual(rig.publisher.seqs, [1, 2])
      const tries: number[] = []
      for (let seconds = 1; seconds <= 12; seconds++) {
        const before = rig.publisher.sent.length
        await rig.clock.advance(1_000)
        await rig.settle()
        if (rig.publisher.sent.length > before) tries.push(seconds)
      }
      assert.deepEqual(rig.publisher.seqs, [1, 2, 2, 2, 2, 3])
      assert.equal(tries.length, 3)
      const [first = 0, second = 0, third = 0] = tries
      assert.ok(first <= 2 && second - first >= 1 && third - second >= 2, `tried again after ${tries.join(', ')} s`)
      assert.equal(rig.journal.state.parked, 0)
    })

    it('that was taken in the end leaves no long pause to the next', async () => {
      fill(rig.journal, 1)
      rig.publisher.fate = () => refusal('retry', QUOTA)
      await rig.connect()
      for (let minute = 0; minute < 30; minute++) await rig.clock.advance(60_000)
      rig.publisher.fate = () => 'ack'
      for (let minute = 0; minute < 10; minute++) await rig.clock.advance(60_000)
      assert.equal(rig.outbox.settled, 1)
      rig.publisher.fate = () => refusal('retry', QUOTA)
      await rig.direct.append(punchDraft('AA'))
      await rig.settle()
      rig.publisher.fate = () => 'ack'
      await rig.clock.advance(2_000)
      await rig.settle()
      assert.equal(rig.outbox.settled, 2)
    })

    it('that is refused five times is set aside, and the others flow', async () => {
      fill(rig.journal, 3)
      rig.publisher.fate = ({ seq }) => (seq === 1 ? refusal('retry') : 'ack')
      await rig.connect()
      for (let minute = 0; minute < 3; minute++) await rig.clock.advance(60_000)
      await rig.settle()
      assert.equal(rig.publisher.seqs.filter((seq) => seq === 1).length, 5)
      assert.deepEqual(rig.journal.parked(10).map(({ seq, code }) => [seq, code]), [[1, 'publish-refused']]) // prettier-ignore
      assert.equal(rig.outbox.settled, rig.journal.lastSeq)
    })

    it('is waited for as long as it takes when a quota is exceeded', async () => {
      fill(rig.journal, 1)
      rig.publisher.fate = () => refusal('retry', QUOTA)
      await rig.connect()
      for (let minute = 0; minute < 120; minute++) await rig.clock.advance(60_000)
      assert.ok(rig.publisher.sent.length > 10)
      assert.deepEqual([rig.journal.state.parked, rig.outbox.waiting], [0, 1])
    })
  })

  describe('a record that is set aside', () => {
    it('is parked by the code of the refusal, reported once, and holds nobody up', async () => {
      fill(rig.journal, 4)
      rig.publisher.fate = ({ seq }) => (seq === 2 ? refusal('park', 0x87) : 'ack')
      await rig.connect()
      assert.deepEqual(rig.publisher.seqs, [1, 2, 3, 4, 5], 'the report of it follows')
      const [parked] = rig.journal.parked(10)
      assert.deepEqual([parked?.seq, parked?.code, parked?.reason], [2, 'publish-refused', 'refused (0x87)'])
      const audit = JSON.parse(`${rig.journal.get(5)?.body}}`) as Record<string, unknown>
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

    it('is not one that waited while the network failed', async () => {
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
