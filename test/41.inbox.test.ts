/** Reading with time-outs, for drivers that ask and for those that listen. */
import assert from 'node:assert/strict'
import { TransportError } from '../src/errors.js'
import { Inbox } from '../src/inbox.js'
import { memoryWire } from '../src/transport/memory.js'
import { FakeClock } from './support/fake-clock.js'

describe('an inbox', () => {
  let clock: FakeClock
  let stop: AbortController
  let send: (byte: number) => void
  let unplug: () => void
  const open = (keepsAll = false) => {
    clock = new FakeClock()
    stop = new AbortController()
    const { transport, device } = memoryWire(clock, stop.signal)
    send = (byte) => device.send(Uint8Array.of(byte))
    unplug = () => device.unplug()
    return new Inbox({ transport, clock, signal: stop.signal, decode: (bytes) => [...bytes], keepsAll })
  }
  const allOf = async (inbox: Inbox<number>): Promise<number[]> => {
    const frames: number[] = []
    for (let next = await taken(inbox); next !== undefined; next = await taken(inbox)) frames.push(next)
    return frames
  }
  /** What comes within no time at all. */
  const taken = async (inbox: Inbox<number>): Promise<number | undefined> => {
    const next = inbox.next(1)
    await clock.advance(1)
    return (await next)?.frame
  }

  it('gives a frame with the moment of its chunk, waiting as long as it was told', async () => {
    const inbox = open()
    const early = inbox.next(100)
    await clock.advance(50)
    send(7)
    const received = await early
    assert.deepEqual([received?.frame, received && clock.gave(received.arrived)], [7, true])
    const late = inbox.next(100)
    await clock.advance(100)
    assert.equal(await late, undefined)
    assert.equal(clock.sleeping, 0)
  })

  it('waits for ever when it is told nothing, without a timer', async () => {
    const inbox = open()
    const next = inbox.next()
    await clock.advance(1e9)
    assert.equal(clock.sleeping, 0)
    send(1)
    assert.equal((await next)?.frame, 1)
  })

  it('keeps the newest of what an asked device says unasked, and forgets it before a question', async () => {
    const inbox = open()
    for (let frame = 0; frame < 100; frame++) send(frame)
    await clock.settle()
    assert.deepEqual([(await inbox.next(1))?.frame], [36])
    inbox.clear()
    assert.equal(await taken(inbox), undefined)
  })

  it('loses nothing of a device that speaks by itself, however long nobody looks', async () => {
    const inbox = open(true)
    for (let frame = 0; frame < 200; frame++) send(frame)
    await clock.advance(60_000)
    assert.deepEqual(
      await allOf(inbox),
      Array.from({ length: 200 }, (_, frame) => frame),
    )
  })

  for (const keepsAll of [false, true]) {
    it(`throws as soon as the device is lost, in a pause too (keepsAll: ${keepsAll})`, async () => {
      const inbox = open(keepsAll)
      const pause = inbox.pause(1e6)
      unplug()
      await assert.rejects(pause, TransportError)
      await assert.rejects(inbox.next(), TransportError)
    })

    it(`ends with the session, also with frames unread (keepsAll: ${keepsAll})`, async () => {
      const inbox = open(keepsAll)
      send(1)
      send(2)
      await clock.settle()
      stop.abort()
      // What was read is still given; then there is nothing to wait for any more.
      while ((await inbox.next()) !== undefined);
      await inbox.ended()
      assert.equal(clock.sleeping, 0)
    })
  }

  it('of a transport that ends by itself gives what came, then ends loops instead of letting them spin', async () => {
    clock = new FakeClock()
    const signal = new AbortController().signal
    const arrived = clock.now()
    async function* transport() {
      yield { bytes: Uint8Array.of(1, 2), arrived }
    }
    for (const keepsAll of [false, true]) {
      const inbox = new Inbox({ transport: transport(), clock, signal, decode: (bytes) => [...bytes], keepsAll })
      const frames: number[] = []
      while (!inbox.isOver) {
        const next = await inbox.next()
        if (next) frames.push(next.frame)
      }
      assert.deepEqual(frames, [1, 2])
      await assert.rejects(inbox.pause(1_000), TransportError)
    }
  })
})
