/** Enrolment at the twin: every step says what to do, and whatever ends it leaves the module clean. */
import assert from 'node:assert/strict'
import { fields, type Config } from '../../drivers/zfm/config.js'
import { driver } from '../../drivers/zfm/index.js'
import { forget } from '../../drivers/zfm/library.js'
import type { RequestFacts, RequestKind } from '../../src/driver.js'
import { memoryLine, type Line } from '../../simulators/line.js'
import { Zfm, type Quality } from '../../simulators/zfm.js'
import { FakeClock } from '../support/fake-clock.js'
import { optionDefaults, RecordingSession } from '../support/session.js'

const CLEAN: readonly (readonly [number, string])[] = [[0, 'anna']]

class Desk {
  readonly clock = new FakeClock()
  readonly stop = new AbortController()
  readonly steps: string[] = []
  readonly twin: Zfm
  readonly line: Line
  readonly session: RecordingSession<Config, 'bytes'>
  readonly done: Promise<unknown>

  constructor(twinOf: (line: Line, clock: FakeClock) => Zfm) {
    const { line, transport } = memoryLine(this.clock, this.stop.signal)
    this.line = line
    this.twin = twinOf(line, this.clock)
    const config = optionDefaults(fields)
    this.session = new RecordingSession({ config, transport, clock: this.clock, signal: this.stop.signal })
    this.done = driver.run(this.session).then(
      () => 'stopped',
      (error: unknown) => error,
    )
    // As the supervisor does when a run ends.
    void this.done.then(() => this.session.requests.close())
  }

  /** Asks; the steps are noted, and a person does what each of them says. */
  ask(
    kind: RequestKind,
    args: RequestFacts = {},
    person: (step: string, count: number) => void = () => undefined,
    signal?: AbortSignal,
  ) {
    const counts = new Map<string, number>()
    const onProgress = (step: string): void => {
      this.steps.push(step)
      counts.set(step, (counts.get(step) ?? 0) + 1)
      person(step, counts.get(step) ?? 0)
    }
    const answer = this.session.requests.ask({ kind, args, onProgress, ...(signal && { signal }) })
    const settled = answer.then(
      (result) => ({ result }),
      (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
    )
    return settled as Promise<{ result?: RequestFacts; error?: string }>
  }

  async end(): Promise<void> {
    this.stop.abort()
    await this.done
  }
}

describe('enrolment at a fingerprint module', () => {
  let desk: Desk
  let twin: Zfm

  const start = async (options: Partial<ConstructorParameters<typeof Zfm>[0]> = {}): Promise<void> => {
    desk = new Desk((line, clock) => new Zfm({ clock, line, ...options }))
    twin = desk.twin
    if (!twin.slots.size) twin.slots.set(0, 'anna')
    await desk.clock.advance(500)
  }
  /** A person who does as told. */
  const obedient = (name: string, quality: (take: number) => Quality = () => 'good') => {
    let take = 0
    return (step: string): void => {
      if (step === 'place' || step === 'place-again') twin.place(name, quality(++take))
      if (step === 'poor') {
        twin.lift()
        void desk.clock.sleep(600).then(() => twin.place(name, quality(++take)))
      }
      if (step === 'lift' || step === 'again') twin.lift()
    }
  }
  const slots = () => [...twin.slots].sort(([a], [b]) => a - b)

  beforeEach(async () => {
    forget('under-test')
    await start()
  })
  afterEach(async () => {
    twin.lift()
    await desk.end()
  })

  it('takes a finger four times, stores it in the next free slot, and it punches only when it comes again', async () => {
    const answer = desk.ask('enroll', { person: '1042' }, obedient('ben'))
    await desk.clock.advance(20_000)
    assert.deepEqual(await answer, { result: { slot: 1 } })
    const round = ['lift', 'place-again']
    assert.deepEqual(desk.steps, ['place', ...round, ...round, ...round, 'stored'])
    assert.deepEqual(slots(), [[0, 'anna'], [1, 'ben']]) // prettier-ignore
    await desk.clock.advance(5_000)
    assert.deepEqual(desk.session.values, [], 'the finger that was just enrolled still lies there')
    twin.lift()
    await desk.clock.advance(1_000)
    twin.place('ben')
    await desk.clock.advance(1_000)
    assert.deepEqual(desk.session.values, ['1'])
  })

  it('takes it twice at an AS608, into the slot that was asked for', async () => {
    await desk.end()
    forget('under-test')
    await start({ model: 'as608', capacity: 162 })
    const answer = desk.ask('enroll', { slot: 7 }, obedient('ben'))
    await desk.clock.advance(20_000)
    assert.deepEqual(await answer, { result: { slot: 7 } })
    assert.deepEqual(desk.steps, ['place', 'lift', 'place-again', 'stored'])
  })

  it('asks again after a poor image', async () => {
    const answer = desk.ask(
      'enroll',
      {},
      obedient('ben', (take) => (take === 1 ? 'faint' : 'good')),
    )
    await desk.clock.advance(20_000)
    assert.deepEqual((await answer).result, { slot: 1 })
    assert.deepEqual(desk.steps.slice(0, 2), ['place', 'poor'])
  })

  it('refuses a finger that is enrolled already, and names its slot', async () => {
    const answer = desk.ask('enroll', {}, obedient('anna'))
    await desk.clock.advance(20_000)
    assert.match((await answer).error ?? '', /already enrolled in slot 0; nothing was stored/)
    assert.deepEqual(slots(), CLEAN)
  })

  it('begins again when the images are of two fingers', async () => {
    let names = 0
    const answer = desk.ask('enroll', {}, (step) => {
      if (step === 'place' || step === 'place-again')
        twin.place(desk.steps.includes('again') ? 'ben' : `finger-${++names}`)
      else twin.lift()
    })
    await desk.clock.advance(40_000)
    assert.deepEqual((await answer).result, { slot: 1 })
    assert.equal(desk.steps.filter((step) => step === 'again').length, 1)
    assert.equal(twin.slots.get(1), 'ben')
  })

  it('does not touch a module that hides which slots are in use: a store could overwrite somebody', async () => {
    await desk.end()
    forget('under-test')
    await start({ model: 'as608', hidesSlots: true })
    for (const kind of ['enroll', 'remove', 'list'] as const) {
      const answer = desk.ask(kind, { slot: 0 }, obedient('ben'))
      await desk.clock.advance(20_000)
      assert.match((await answer).error ?? '', /does not tell which of its slots are in use/)
    }
    assert.deepEqual(slots(), CLEAN)
    twin.place('anna')
    await desk.clock.advance(1_000)
    assert.deepEqual(desk.session.values, ['0'], 'its fingers are recognised all the same')
    twin.slots.set(5, 'mallory')
    twin.lift()
    await desk.clock.advance(61_000)
    assert.deepEqual(desk.session.events.map(({ type, detail }) => [type, detail]), [['sensor-changed', { what: 'changed', count: 2 }]]) // prettier-ignore
  })

  it('a finger placed while somebody lists is a punch', async () => {
    twin.place('anna')
    const answer = desk.ask('list')
    await desk.clock.advance(1_000)
    assert.ok((await answer).result)
    assert.deepEqual(desk.session.values, ['0'])
  })

  it('gives up a person who does not come', async () => {
    const answer = desk.ask('enroll')
    await desk.clock.advance(31_000)
    assert.match((await answer).error ?? '', /Nobody placed a finger for 30 s/)
  })

  for (const [what, args, message] of [
    ['a slot in use', { slot: 0 }, /Slot 0 is in use/],
    ['a slot that does not exist', { slot: 200 }, /Slot 200 does not exist: this module has 0 to 199/],
  ] as const) {
    it(`refuses ${what} before it troubles anybody`, async () => {
      const answer = desk.ask('enroll', args)
      await desk.clock.advance(1_000)
      assert.match((await answer).error ?? '', message)
      assert.deepEqual(desk.steps, [])
    })
  }

  it('says that the module is full', async () => {
    await desk.end()
    forget('under-test')
    desk = new Desk((line, clock) => {
      const full = new Zfm({ clock, line, capacity: 3 })
      for (let slot = 0; slot < 3; slot++) full.slots.set(slot, `finger-${slot}`)
      return full
    })
    twin = desk.twin
    await desk.clock.advance(500)
    const answer = desk.ask('enroll')
    await desk.clock.advance(1_000)
    assert.match((await answer).error ?? '', /The module is full: all 3 slots are in use/)
  })

  for (const [step, count] of [
    ['place', 1],
    ['lift', 1],
    ['place-again', 1],
    ['lift', 3],
    ['place-again', 3],
  ] as const) {
    // prettier-ignore
    it(`can be cancelled at "${step}" ${count}, and leaves the module clean and dark`, async () => {
      const cancel = new AbortController()
      const person = obedient('ben')
      const answer = desk.ask('enroll', {}, (at, times) => (at === step && times === count ? cancel.abort() : person(at)), cancel.signal) // prettier-ignore
      await desk.clock.advance(20_000)
      assert.deepEqual(await answer, { error: 'Cancelled; nothing was stored.' })
      assert.deepEqual(slots(), CLEAN)
      assert.equal(twin.lights.at(-1), '3504000000')
    })

    it(`leaves the module clean when it is unplugged at "${step}" ${count}`, async () => {
      const person = obedient('ben')
      const answer = desk.ask('enroll', {}, (at, times) => (at === step && times === count ? void desk.line.unplug() : person(at))) // prettier-ignore
      await desk.clock.advance(20_000)
      assert.match((await answer).error ?? '', /the reader went away meanwhile/)
      assert.deepEqual(slots(), CLEAN)
    })
  }

  it('finds out what became of a store whose answer was lost', async () => {
    twin.losesAnswerTo.set(0x06, 1)
    const answer = desk.ask('enroll', {}, obedient('ben'))
    await desk.clock.advance(20_000)
    assert.deepEqual((await answer).result, { slot: 1 })
    assert.deepEqual(slots(), [[0, 'anna'], [1, 'ben']]) // prettier-ignore
  })

  it('undoes a store when the module was lost with the answer: nobody was told that it was stored', async () => {
    twin.losesAnswerTo.set(0x06, 1)
    const answer = desk.ask('enroll', {}, obedient('ben'))
    while (!twin.asked.has(0x06)) await desk.clock.advance(100)
    await desk.line.unplug()
    await desk.clock.advance(5_000)
    assert.match((await answer).error ?? '', /went away/)
    assert.equal(twin.slots.get(1), 'ben', 'the module did store it')
    const kept = new Map(twin.slots)
    await desk.end()
    desk = new Desk((line, clock) => {
      const again = new Zfm({ clock, line })
      for (const [slot, name] of kept) again.slots.set(slot, name)
      return again
    })
    twin = desk.twin
    await desk.clock.advance(1_000)
    assert.deepEqual(slots(), CLEAN)
    assert.deepEqual(desk.session.events.map(({ type, detail }) => [type, detail]), [['enrolment-undone', { slot: 1 }]]) // prettier-ignore
  })

  it('takes no punches meanwhile', async () => {
    const cancel = new AbortController()
    const answer = desk.ask('enroll', {}, () => twin.place('anna'), cancel.signal)
    await desk.clock.advance(2_000)
    assert.match((await answer).error ?? '', /already enrolled/)
    assert.deepEqual(desk.session.values, [])
  })

  it('lists and removes', async () => {
    twin.slots.set(3, 'carla')
    twin.slots.set(4, 'david')
    await desk.clock.advance(61_000)
    const listed = desk.ask('list')
    await desk.clock.advance(1_000)
    assert.deepEqual((await listed).result, { slots: '0,3-4', count: 3, capacity: 200 })
    const removed = desk.ask('remove', { slot: 3 })
    const empty = desk.ask('remove', { slot: 5 })
    await desk.clock.advance(1_000)
    assert.deepEqual((await removed).result, { slot: 3 })
    assert.match((await empty).error ?? '', /slot 5 is empty/)
    assert.deepEqual(slots(), [[0, 'anna'], [4, 'david']]) // prettier-ignore
  })

  it('shows itself', async () => {
    const answer = desk.ask('identify')
    await desk.clock.advance(6_000)
    assert.deepEqual((await answer).result, {})
    assert.deepEqual(twin.lights, ['3501600200', '3504000000'])
  })
})
