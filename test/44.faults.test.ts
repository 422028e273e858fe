import { strict as assert } from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FaultyLine, type FaultPlan } from '../simulators/faults.js'
import { memoryLine } from '../simulators/line.js'
import { ptyLine } from '../simulators/pty-line.js'
import { between, seeded } from '../simulators/random.js'
import { Rdm6300, tagFrame } from '../simulators/rdm6300.js'
import { TransportError, type ByteTransport } from '../src/driver.js'
import { FakeClock } from './support/fake-clock.js'
import { clock as systemClock, hasSocat, openBytes, runRdm6300 } from './support/bytes.js'
import { rejectsWith } from './support/rejects.js'
import { skip } from './support/skip.js'
import { until } from './support/until.js'

const TAPS = 500
const ALL: FaultPlan = { noise: 0.4, split: 0.5, corrupt: 0.3, delay: 0.3 }

describe('44 faults: a bad wire, repeatably', () => {
  for (const [name, plan] of Object.entries<FaultPlan>({
    noise: { noise: 1 },
    split: { split: 1 },
    corrupt: { corrupt: 0.5 },
    delay: { delay: 1 },
    'all of them': ALL,
  })) {
    it(`${name}: every card of which one frame came whole is reported once, and no other`, async () => {
      const { clock, twin, faulty, session, end } = setUp(plan, 1)
      const random = seeded(2)
      for (let time = 0; time < TAPS; time++) {
        const tag = tagOf(random)
        const before = session.sightings.length
        const tap = twin.tap(tag)
        await clock.advance(1_500)
        const reported = session.values.slice(before)
        // A letter whose case flipped is damaged and still readable: such a card may be reported, but not as another.
        assert.ok(reported.length === 1 || (reported.length === 0 && (await tap).whole === 0), `tap ${time}`)
        assert.ok(reported.every((value) => value === tag))
      }
      for (const [fault, count] of Object.entries(faulty.counts)) assert.equal(count > 0, fault in plan, fault)
      await end()
    })
  }

  it('cut: the line drops in mid-frame and the driver ends (E01)', async () => {
    const { clock, line, faulty, session, done } = setUp({ cut: 1 }, 3)
    assert.equal(faulty.send(tagFrame('0A00123456', 'rdm6300')), 'lost')
    await clock.settle()
    await rejectsWith('transport-lost', done)
    assert.deepEqual(session.values, [])
    assert.equal(faulty.counts.cut, 1)
    assert.equal(line.send(Uint8Array.of(1)), 'lost')
  })

  it('does the same for the same seed, and something else for another', () => {
    const [first, again, other] = [7, 7, 8].map((seed) => {
      const sent: number[][] = []
      const { line } = memoryLine(new FakeClock(), new AbortController().signal)
      const faulty = new FaultyLine({
        line: { ...line, send: (bytes) => (sent.push([...bytes]), 'whole') },
        plan: { noise: 0.5, split: 0.5, corrupt: 0.5 },
        seed,
        clock: new FakeClock(),
      })
      for (let frame = 0; frame < 100; frame++) faulty.send(tagFrame('0A00123456', 'rdm6300'))
      return { sent, counts: faulty.counts }
    })
    assert.deepEqual(first, again)
    assert.notDeepEqual(first, other)
  })

  it('tells the caller which frames were damaged', () => {
    const { faulty } = setUp({ corrupt: 0.5 }, 4)
    const answers = Array.from({ length: 1_000 }, () => faulty.send(tagFrame('0A00123456', 'rdm6300')))
    assert.equal(answers.filter((answer) => answer === 'damaged').length, faulty.counts.corrupt)
    assert.ok(faulty.counts.corrupt > 400 && faulty.counts.corrupt < 600)
  })

  it('holds over a real port that is cut now and then: every card is reported', async function () {
    if (!hasSocat()) skip(this, 'socat is not installed')
    const folder = mkdtempSync(join(tmpdir(), 'punchd-faults-'))
    const line = await ptyLine(join(folder, 'reader'))
    const faulty = new FaultyLine({ line, plan: { ...ALL, cut: 0.05, maxDelayMs: 3 }, seed: 5, clock: systemClock })
    const twin = new Rdm6300({ clock: systemClock, line: faulty, repeatMs: 5 })
    const random = seeded(6)
    const stop = new AbortController()
    const seen: string[] = []
    const daemon = keepOpen(line.url, () => line.plug(), seen, stop.signal)
    const shown = Array.from({ length: 40 }, () => tagOf(random))
    for (const tag of shown) {
      twin.put(tag)
      await until(() => seen.includes(tag), 10_000, tag)
    }
    twin.remove()
    stop.abort()
    await daemon
    await faulty.close()
    rmSync(folder, { recursive: true })
    assert.deepEqual(new Set(seen), new Set(shown))
    assert.ok(faulty.counts.cut > 0, 'the line was cut')
  })
})

/** What the supervisor does, in short: open, run, close, plug the cable in again, and over again. */
async function keepOpen(url: string, plug: () => Promise<void>, seen: string[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // The cable may be cut while the port is being opened, too.
    const opened = await openBytes(url, { signal }).catch((error: unknown) => {
      assert.ok(error instanceof TransportError, String(error))
    })
    if (opened) {
      await runOnce(opened.transport, seen, signal)
      await opened.close()
    }
    if (!signal.aborted) await plug()
  }
}

async function runOnce(transport: ByteTransport, seen: string[], signal: AbortSignal): Promise<void> {
  const { session, done } = runRdm6300(transport, signal)
  session.answer = ({ credential }) => {
    seen.push(credential.value)
    return 'accepted'
  }
  await done.catch((error: unknown) => assert.ok(error instanceof TransportError, String(error)))
}

function setUp(plan: FaultPlan, seed: number) {
  const clock = new FakeClock()
  const stop = new AbortController()
  const { line, transport } = memoryLine(clock, stop.signal)
  const faulty = new FaultyLine({ line, plan, seed, clock })
  const twin = new Rdm6300({ clock, line: faulty })
  const { session, done } = runRdm6300(transport, stop.signal, clock)
  const end = async (): Promise<void> => {
    stop.abort()
    await done
    await faulty.close()
    assert.equal(clock.sleeping, 0)
  }
  return { clock, line, twin, faulty, session, done, end }
}

function tagOf(random: () => number): string {
  return Array.from({ length: 10 }, () => between(random, 0, 15).toString(16).toUpperCase()).join('')
}
