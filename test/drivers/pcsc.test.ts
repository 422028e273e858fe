/** What is particular to PC/SC card readers: bad cards, lights, several readers. */
import { strict as assert } from 'node:assert'
import { fields, type Config } from '../../drivers/pcsc/config.js'
import { PATTERNS } from '../../drivers/pcsc/feedback.js'
import { driver } from '../../drivers/pcsc/index.js'
import { VirtualCard, type CardFault, type CardModel } from '../../simulators/pcsc/card.js'
import { ACR122, MemorySlots, SLOW_MS } from '../../simulators/pcsc/slot.js'
import type { Verdict } from '../../src/driver.js'
import { FakeClock } from '../support/fake-clock.js'
import { optionDefaults, RecordingSession } from '../support/session.js'

const UID = '04A1B2C3D4E5F6'
const OTHER = 'Some Other Reader 01 00'

function rig({ names = [ACR122], config = {} }: { names?: string[]; config?: Partial<Config> } = {}) {
  const clock = new FakeClock()
  const stop = new AbortController()
  const slots = new MemorySlots(clock, stop.signal, names)
  const session = new RecordingSession<Config, 'card'>({
    config: { ...optionDefaults(fields), ...config },
    transport: slots,
    clock,
    signal: stop.signal,
  })
  const done = driver.run(session)
  const end = async (): Promise<void> => {
    stop.abort()
    await done
  }
  return { clock, slots, session, end, done }
}

describe('pcsc driver', () => {
  it('takes 4, 7, 8 and 10 bytes, storage cards and smart cards alike', async () => {
    const { slots, session, end, clock } = rig()
    const cards: [string, CardModel][] = [
      ['1EA68671', 'classic-1k'],
      [UID, 'desfire'],
      ['012E4CD123456789', 'felica'],
      ['04A1B2C3D4E5F6071829', 'ultralight'],
    ]
    for (const [uid, model] of cards) {
      slots.insert(new VirtualCard({ uid, model }))
      await clock.settle()
    }
    assert.deepEqual(
      session.values,
      cards.map(([uid]) => uid),
    )
    assert.equal(session.counters.goodFrames, 4)
    await end()
  })

  it('asks again for a reader that wants the exact length', async () => {
    const { slots, session, end, clock } = rig()
    slots.insert(new VirtualCard({ uid: UID, fault: 'exact-length' }))
    await clock.settle()
    assert.deepEqual(session.values, [UID])
    await end()
  })

  for (const fault of ['empty-uid', 'failed', 'unsupported'] satisfies CardFault[]) {
    it(`reports nothing for a card with fault ${fault}, counts it, shows red, and takes the next`, async () => {
      const { slots, session, end, clock } = rig()
      slots.insert(new VirtualCard({ uid: UID, fault }))
      await clock.settle()
      assert.deepEqual(session.values, [])
      assert.equal(session.counters.badFrames, 1)
      assert.equal(slots.front().shown.at(-1)?.flash, 'red')
      slots.insert(new VirtualCard({ uid: UID }))
      await clock.settle()
      assert.deepEqual(session.values, [UID])
      await end()
    })
  }

  it('survives cards that leave while they are read, and shows red where it still can', async () => {
    const { slots, session, end, clock } = rig()
    slots.takesControl = true
    slots.fault = 'removed-mid-apdu'
    slots.insert(new VirtualCard({ uid: UID }))
    await clock.settle()
    assert.deepEqual([session.values, session.counters.badFrames], [[], 1])
    assert.equal(slots.front().shown.at(-1)?.times, PATTERNS.refused.times)
    slots.fault = undefined
    slots.insert(new VirtualCard({ uid: UID }))
    await clock.settle()
    assert.deepEqual(session.values, [UID])
    await end()
  })

  it('logs why a card that stays cannot be read', async () => {
    const { slots, session, end, clock } = rig()
    slots.fault = 'unresponsive'
    slots.insert(new VirtualCard({ uid: UID }))
    await clock.settle()
    assert.ok(session.log.lines.some(({ level, message }) => level === 'warn' && message === 'Card could not be read'))
    await end()
  })

  it('refuses random numbers with a hint, or reports them when told to', async () => {
    const phone = (): VirtualCard => new VirtualCard({ uid: '081F2E3D', model: 'phone' })
    const strict = rig()
    strict.slots.insert(phone())
    await strict.clock.settle()
    assert.deepEqual(strict.session.values, [])
    assert.equal(strict.slots.front().shown.at(-1)?.times, PATTERNS.refused.times)
    const lines = strict.session.log.lines.filter(({ message }) => message === 'Card shows a random number')
    assert.equal(lines.length, 1)
    assert.equal(lines[0]?.fields['card'], '2E3D')
    await strict.end()
    const lax = rig({ config: { randomUid: 'report' } })
    lax.slots.insert(phone())
    await lax.clock.settle()
    assert.deepEqual(lax.session.values, ['081F2E3D'])
    await lax.end()
  })

  it('never logs a whole card number', async () => {
    const { slots, session, end, clock } = rig()
    for (const uid of [UID, '081F2E3D']) {
      slots.insert(new VirtualCard({ uid }))
      await clock.settle()
    }
    assert.ok(!/04A1B2C3D4E5F6|081F2E3D/i.test(JSON.stringify(session.log.lines)))
    await end()
  })

  it("silences the reader's own beep, which would sound like a verdict", async () => {
    const { slots, end, clock } = rig()
    slots.insert(new VirtualCard({ uid: UID }))
    await clock.settle()
    assert.equal(slots.front().buzzesOnDetect, false)
    await end()
  })

  it('drives lights of ACR122 readers only, unless told otherwise', async () => {
    const shows = async (names: string[], feedback: Config['feedback']): Promise<boolean> => {
      const { slots, end, clock } = rig({ names, config: { feedback } })
      slots.insert(new VirtualCard({ uid: UID }))
      await clock.settle()
      await end()
      return slots.front().shown.length > 0
    }
    assert.deepEqual(
      [
        await shows([ACR122], 'auto'),
        await shows([OTHER], 'auto'),
        await shows([OTHER], 'acr122'),
        await shows([ACR122], 'none'),
      ],
      [true, false, true, false],
    )
  })

  it('keeps the punch when the light fails: the card is gone and escapes are refused', async () => {
    const { slots, session, end, clock } = rig()
    session.answer = (): Verdict => (slots.remove(), 'accepted')
    for (let time = 0; time < 3; time++) {
      slots.insert(new VirtualCard({ uid: UID }))
      await clock.settle()
    }
    assert.equal(session.values.length, 3)
    assert.equal(session.log.lines.filter(({ message }) => message === 'Reader did not show the verdict').length, 1)
    await end()
  })

  it('serves several readers at once, each one card after the other', async () => {
    const { slots, session, end, clock } = rig({ names: [ACR122, OTHER] })
    const stored: (() => void)[] = []
    session.answer = () => new Promise((resolve) => stored.push(() => resolve('accepted')))
    slots.insert(new VirtualCard({ uid: 'AAAAAAA1' }), ACR122)
    slots.insert(new VirtualCard({ uid: 'BBBBBBB1' }), OTHER)
    await clock.settle()
    assert.deepEqual(session.values, ['AAAAAAA1', 'BBBBBBB1'])
    slots.insert(new VirtualCard({ uid: 'AAAAAAA2' }), ACR122)
    await clock.settle()
    assert.equal(session.values.length, 2, 'the next card of a reader waits for the verdict of the one before')
    stored.forEach((store) => store())
    await clock.settle()
    assert.deepEqual(session.values.slice(2), ['AAAAAAA2'])
    await end()
  })

  it('bounds the cards that wait for a stalled disk (B15)', async () => {
    const { slots, session, end, clock } = rig()
    session.answer = () => new Promise(() => undefined)
    for (let time = 0; time < 50; time++) {
      slots.insert(new VirtualCard({ uid: UID }))
      await clock.settle()
    }
    assert.equal(session.values.length, 1)
    assert.equal(session.counters.badFrames, 50 - 8)
    await end()
  })

  it('reports a slow card when it has answered, and stops at once in the middle of it', async () => {
    const { slots, session, end, clock } = rig()
    slots.fault = 'slow'
    slots.insert(new VirtualCard({ uid: UID }))
    await clock.advance(SLOW_MS)
    assert.equal(session.values.length, 1)
    slots.insert(new VirtualCard({ uid: UID }))
    await clock.settle()
    await end()
    slots.remove()
    await clock.settle()
    assert.equal(session.values.length, 1)
  })

  it('ends with the bug, not in silence, when something unforeseen is thrown', async () => {
    const { slots, session, done, clock } = rig()
    session.answer = () => {
      throw new TypeError('a bug')
    }
    slots.insert(new VirtualCard({ uid: UID }))
    await clock.settle()
    slots.insert(new VirtualCard({ uid: UID }))
    await assert.rejects(done, TypeError)
  })
})
