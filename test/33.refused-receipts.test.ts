/** Receipts that cannot be true settle nothing, fetch nothing, and are said once. */
import assert from 'node:assert/strict'
import { OutboxRig, type Said } from './support/outbox.js'
import { fill } from './support/records.js'
import { tempFolder } from './support/temp.js'

describe('receipts', () => {
  const folder = tempFolder()
  let rig: OutboxRig

  beforeEach(() => {
    rig = new OutboxRig(folder.file('journal.db'), 'receipt')
    rig.publisher.fate = () => 'ack'
  })
  afterEach(() => rig.close())

  describe('that cannot be true', () => {
    const cases: readonly (readonly [string, Said | Buffer, string])[] = [
      ['not JSON', '{"journal":', 'not-json'],
      ['not UTF-8', Buffer.from('22ff22', 'hex'), 'not-json'],
      ['a list', '[1]', 'wrong-shape'],
      ['nothing in it', {}, 'wrong-shape'],
      ['a journal that is none', { journal: 7, upTo: 1 }, 'wrong-shape'],
      ['another journal', { journal: 'ffffffffffffffff', upTo: 1 }, 'other-journal'],
      ['more than is stored', { upTo: 60 }, 'beyond'],
      ['missing more than is stored', { missing: [[4, 60]] }, 'beyond'],
      ['a half', { upTo: 1.5 }, 'wrong-shape'],
      ['less than nothing', { upTo: -1 }, 'wrong-shape'],
      ['a text', { upTo: '3' }, 'wrong-shape'],
      ['infinitely many', `{"journal":"J","upTo":1e999}`, 'wrong-shape'],
      ['a range upside down', { missing: [[3, 2]] }, 'wrong-shape'],
      ['a range from nothing', { missing: [[0, 2]] }, 'wrong-shape'],
      ['three ends', { missing: [[1, 2, 3]] }, 'wrong-shape'],
      ['no ranges', { missing: { from: 1 } }, 'wrong-shape'],
      ['very long', `{"journal":"${'x'.repeat(70_000)}"}`, 'too-large'],
      ['one true and one false', { upTo: 3, missing: [[9, 9]] }, 'beyond'],
    ]
    for (const [name, said, reason] of cases)
      it(`are not believed: ${name}`, async () => {
        fill(rig.journal, 5)
        await rig.connect()
        rig.takeSent()
        for (let time = 0; time < 3; time++)
          await rig.receipt(typeof said === 'string' ? said.replace('"J"', `"${rig.journal.id}"`) : said)
        assert.deepEqual([rig.outbox.settled, rig.outbox.receipts?.refused], [0, 3])
        assert.equal(rig.logged('receipt-refused'), 1)
        const [event, more] = rig.events('receipt-refused')
        assert.equal((event as { refusal: string }).refusal, reason)
        assert.deepEqual([more, rig.takeSent()], [undefined, [6]], 'only the event leaves')
      })

    it('are not believed: records that were stored and never sent', async () => {
      await rig.connect()
      rig.publisher.window = 2
      rig.publisher.fate = () => 'wait'
      fill(rig.journal, 10)
      rig.outbox.appended()
      await rig.settle()
      await rig.receipt({ upTo: 3 })
      assert.equal(rig.outbox.receipts?.refused, 1)
      await rig.receipt({ upTo: 2 })
      assert.equal(rig.outbox.receipts?.refused, 1)
      for (const flight of rig.publisher.waiting) flight.ack()
      await rig.settle()
      assert.equal(rig.outbox.settled, 2)
    })

    it('do no harm as old messages that the broker kept', async () => {
      fill(rig.journal, 5)
      await rig.connect()
      rig.takeSent()
      await rig.receipt({ journal: 'ffffffffffffffff', upTo: 1 }, true)
      assert.equal(rig.outbox.receipts?.refused, 0, 'the journal was replaced: nobody is wrong')
      await rig.receipt({ missing: [[1, 5]] }, true)
      assert.deepEqual([rig.outbox.receipts?.refused, rig.takeSent()], [1, [6]])
      await rig.receipt({ upTo: 5 }, true)
      assert.equal(rig.outbox.settled, 5)
    })
  })
})
