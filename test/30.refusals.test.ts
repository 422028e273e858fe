/** What the broker does not take for now keeps its place. */
import assert from 'node:assert/strict'
import { OutboxRig, refusal } from './support/outbox.js'
import { fill, punchDraft } from './support/records.js'
import { tempFolder } from './support/temp.js'

const QUOTA = 0x97

describe('the outbox keeps', () => {
  const folder = tempFolder()
  let rig: OutboxRig

  beforeEach(() => {
    rig = new OutboxRig(folder.file('journal.db'))
  })
  afterEach(() => rig.close())

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

    it('is waited for as long as it takes when a quota is exceeded (D09)', async () => {
      fill(rig.journal, 1)
      rig.publisher.fate = () => refusal('retry', QUOTA)
      await rig.connect()
      for (let minute = 0; minute < 120; minute++) await rig.clock.advance(60_000)
      assert.ok(rig.publisher.sent.length > 10)
      assert.deepEqual([rig.journal.state.parked, rig.outbox.waiting], [0, 1])
    })
  })
})
