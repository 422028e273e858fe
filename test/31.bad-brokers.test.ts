/** Brokers that are far, many, or wrong: what is sent to them, and when they are asked again. */
import assert from 'node:assert/strict'
import type { MqttConfig } from '../src/config/config.js'
import { Reconnect, type Ending } from '../src/mqtt/reconnect.js'
import { PublishWindow } from '../src/mqtt/window.js'
import { freePort } from './support/broker.js'
import { range } from './support/outbox.js'
import { fill } from './support/records.js'
import { disconnect, puback, ScriptedBroker, type Script } from './support/scripted-broker.js'
import { mqttConfig, Sending } from './support/sending.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const LONG = 60_000
const TAKEN_OVER = 0x8e
/** CONNACK with a receive maximum of one. */
const ONE_AT_A_TIME = Buffer.from('200600000321 0001'.replaceAll(' ', ''), 'hex')

describe('a broker that is', function () {
  this.timeout(90_000)
  const folder = tempFolder()
  const brokers: ScriptedBroker[] = []
  let sending: Sending | undefined
  let taken: number[] = []

  beforeEach(() => (taken = []))
  afterEach(async () => {
    await sending?.close()
    sending = undefined
    for (const broker of brokers.splice(0)) await broker.close()
  })

  async function broker(script: Script = {}): Promise<ScriptedBroker> {
    const made = await ScriptedBroker.start(script)
    made.onTaken = (text) => taken.push((JSON.parse(text) as { seq: number }).seq)
    brokers.push(made)
    return made
  }
  function send(urls: readonly string[], records: number, over: Partial<MqttConfig> = {}, speed = 10): Sending {
    sending = new Sending(folder.file('journal.db'), mqttConfig('', { urls, ...over }), speed)
    fill(sending.journal, records)
    return sending
  }

  it('one of several is taken when the one before does not answer, and the next when that ends, with a line each', async () => {
    const [first, second] = [await broker(), await broker()]
    const absent = `mqtt://127.0.0.1:${await freePort()}`
    const sending = send([absent, first.url, second.url], 10)
    await until(() => sending.done, LONG, 'the records')
    assert.deepEqual([first.connects.length, second.connects.length], [1, 0])
    first.cutAll()
    await until(() => second.connects.length === 1 && sending.publisher.online, LONG, 'the second')
    second.cutAll()
    await until(() => first.connects.length === 2 && sending.publisher.online, LONG, 'the first again')
    const lost = sending.log.lines.filter(({ fields }) => fields['event'] === 'broker-lost')
    assert.deepEqual(lost.map(({ fields }) => /ECONNREFUSED/.test(String(fields['reason']))), [true, false, false, true]) // prettier-ignore
  })

  it('taken from us by another gateway blames no record for it, however often', async () => {
    const thief = await broker({
      record: (guest) => {
        guest.send(disconnect(TAKEN_OVER))
        guest.end()
        return true
      },
    })
    const sending = send([thief.url], 3, {}, 200)
    const { log } = sending
    // Six connections without an answer would be enough to set a record aside.
    await until(() => thief.connects.length === 9, LONG, 'the ninth connection')
    assert.equal(sending.journal.state.parked, 0)
    const [lost] = log.lines.filter(({ fields }) => fields['event'] === 'broker-lost')
    assert.deepEqual(lost?.fields['code'], 'broker-refused')
    assert.match(String(lost?.fields['hint']), /two gateways/)
    thief.script = {}
    thief.cutAll()
    await until(() => sending.done, LONG, 'the records')
    assert.deepEqual(taken, range(1, 3))
  })

  it('able to receive one at a time is sent one at a time, status documents included', async () => {
    let [inFlight, most] = [0, 0]
    const later = (answer: () => void): true => {
      most = Math.max(most, ++inFlight)
      setTimeout(() => {
        inFlight -= 1
        answer()
      }, 2)
      return true
    }
    const narrow = await broker({
      connect: (guest) => {
        guest.send(ONE_AT_A_TIME)
        return true
      },
      record: (guest, packet) => later(() => narrow.take(guest, packet)),
      status: (guest, packet) => later(() => guest.send(puback(packet))),
    })
    const sending = send([narrow.url], 20)
    for (const topic of [sending.topics.info, sending.topics.health, sending.topics.state])
      sending.publisher.retain(topic, { some: 'document' })
    await until(() => sending.done && inFlight === 0, LONG, 'the records')
    assert.deepEqual([most, narrow.connects.length, taken], [1, 1, range(1, 20)])
  })

  it('repeating itself acknowledges no other record by that', async () => {
    let lost = 0
    const stutterer = await broker({
      record: (guest, packet) => {
        if (guest.records <= 5) {
          stutterer.take(guest, packet)
          setTimeout(() => guest.send(puback(packet)), 5)
        } else if (++lost > 0) setTimeout(() => guest.end(), 20)
        return true
      },
    })
    const sending = send([stutterer.url], 20, { window: 2 })
    await until(() => sending.done, LONG, 'the records')
    assert.deepEqual([...new Set(taken)], range(1, 20))
    assert.ok(lost > 0, 'some were not taken at first')
  })

  it('slow, but answering, is not given up', async () => {
    let due = 0
    const slow = await broker({
      record: (guest, packet) => {
        // Each a second after the one before, by the clock of the publisher: the last of 60 waits a minute.
        due = Math.max(due, performance.now()) + 100
        setTimeout(() => slow.take(guest, packet), due - performance.now())
        return true
      },
    })
    const sending = send([slow.url], 60)
    await until(() => sending.done, LONG, 'the records')
    assert.deepEqual([slow.connects.length, taken], [1, range(1, 60)])
  })

  it('sending a packet of 256 MB is left before that fills the memory', async () => {
    const header = Buffer.from('30ffffff7f00016100', 'hex')
    const huge = await broker({
      connect: (guest) => {
        if (guest.nth > 1) return false
        guest.send(Buffer.from('2003000000', 'hex'))
        guest.send(Buffer.concat([header, Buffer.alloc(3_000_000)]))
        return true
      },
    })
    const sending = send([huge.url], 0)
    await until(() => huge.connects.length === 2, LONG, 'the next connection')
    const [lost] = sending.log.lines.filter(({ fields }) => fields['event'] === 'broker-lost')
    assert.match(String(lost?.fields['reason']), /too large/)
  })

  it('not answering at all does not keep us when we stop', async () => {
    const mute = await broker({ record: () => true, status: () => true })
    const sending = send([mute.url], 3)
    await until(() => sending.publisher.online, LONG, 'the connection')
    await sending.close()
    await until(() => mute.open === 0, 10_000, 'the end of the connection')
  })
})

describe('the pauses between connections', () => {
  const ending = (over: Partial<Ending>): Ending => ({ heldMs: 0, answered: false, refused: false, code: undefined, ...over }) // prettier-ignore
  const pausesOf = (over: Partial<Ending>, times: number): number[] => {
    const reconnect = new Reconnect()
    return Array.from({ length: times }, () => reconnect.next(ending(over)))
  }
  const within = (pauses: readonly number[], expected: readonly number[]): void => {
    assert.equal(pauses.length, expected.length)
    pauses.forEach((pause, index) => {
      const wanted = expected[index] ?? 0
      assert.ok(
        pause >= wanted * 0.75 - 1 && pause <= wanted * 1.25 + 1,
        `${pauses.join()} is not like ${expected.join()}`,
      )
    })
  }

  it('double to half a minute', () => {
    within(pausesOf({}, 8), [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  })
  it('double to five seconds where records leave and connections do not last', () => {
    within(pausesOf({ heldMs: 900, answered: true }, 6), [500, 1_000, 2_000, 4_000, 5_000, 5_000])
  })
  it('stay short after a refusal, and after a connection that held', () => {
    within(pausesOf({ answered: true, refused: true }, 3), [500, 500, 500])
    within(pausesOf({ heldMs: 11_000, answered: true }, 3), [500, 500, 500])
  })
  it('are long where the broker asks for it, and after another gateway came, though records left', () => {
    for (const code of [TAKEN_OVER, 0x89, 0x97, 0x9f])
      within(pausesOf({ heldMs: 60_000, answered: true, code }, 8), [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]) // prettier-ignore
    within(pausesOf({ heldMs: 700_000, answered: true, code: TAKEN_OVER }, 3), [5_000, 5_000, 5_000])
  })
})

describe('the window of publishes in flight', () => {
  /** Sizes after each piece of acknowledgements, on a line that takes `emptyMs`, and `eachMs` more for each in flight. */
  function sizes(window: PublishWindow, emptyMs: number, eachMs: number, samples: number): number[] {
    return Array.from({ length: samples }, () => {
      // The first of a new line finds it empty.
      window.acked(emptyMs + eachMs * (window.size - 1))
      return window.size
    })
  }

  it('stays on a LAN', () => {
    assert.deepEqual(new Set(sizes(new PublishWindow(64, 65_535), 1, 0.01, 100)), new Set([64]))
  })
  it('grows where the trip is long and the line is not full', () => {
    assert.equal(sizes(new PublishWindow(64, 65_535), 50, 0.001, 300).at(-1), 1_000)
    assert.equal(sizes(new PublishWindow(64, 200), 50, 0.001, 300).at(-1), 200)
  })
  it('shrinks on a slow line to what fills it, and remembers that for the next connection', () => {
    const window = new PublishWindow(64, 65_535)
    window.acked(2_850)
    const last = sizes(window, 2_000, 850, 300).at(-1) ?? 0
    assert.ok(last >= 2 && last <= 16, `${last} in flight`)
    assert.equal(new PublishWindow(64, 65_535, last).size, last)
    assert.equal(new PublishWindow(64, 65_535, 1_000).size, 64)
  })
})
