/** One PC/SC reader inside the child process, over a native layer that answers as the test wishes. */
import { strict as assert } from 'node:assert'
import { EventEmitter } from 'node:events'
import type { NativeReader } from 'nfc-pcsc'
import { Refusal } from '../src/transport/host/child.js'
import { PcscSlot } from '../src/transport/host/pcsc-slot.js'
import type { Fault } from '../src/transport/host/wire.js'

const EMPTY = 0x12
const PRESENT = 0x22
const COUNT = 0x1_0000
const ATR = Uint8Array.of(0x3b, 0x80, 0x80, 0x01, 0x01)
const GET_UID = Uint8Array.of(0xff, 0xca, 0, 0, 0)

type Done = (error: Error | null | undefined, result?: never) => void

/** Behaves as the binding does: `connected` decides whether connect and disconnect reach PC/SC at all. */
class FakeReader extends EventEmitter implements NativeReader {
  readonly name = 'Fake 00 00'
  connected = false
  readonly calls: string[] = []
  /** Codes with which the next calls fail, by operation. */
  readonly fail: Record<string, number[]> = {}

  connect(
    options: { share_mode: number; protocol: number },
    done: (error: Error | null, protocol?: number) => void,
  ): void {
    if (this.connected) return done(null)
    const direct = options.share_mode === 3
    this.#call(direct ? 'direct' : 'connect', done as Done, () => ((this.connected = true), done(null, direct ? 0 : 2)))
  }

  disconnect(disposition: number, done: (error: Error | null) => void): void {
    if (!this.connected) return done(null)
    this.#call(disposition === 1 ? 'reset' : 'disconnect', done as Done, () => ((this.connected = false), done(null)))
  }

  transmit(_: Buffer, __: number, protocol: number, done: (error: Error | null, response?: Buffer) => void): void {
    assert.equal(protocol, 2, 'a protocol that the card agreed to')
    this.#call('transmit', done as Done, () => done(null, Buffer.from([0x90, 0])))
  }

  control(_: Buffer, code: number, __: number, done: (error: Error | null, response?: Buffer) => void): void {
    assert.equal(code, 0x42000001)
    this.#call('control', done as Done, () => done(null, Buffer.from([0x90, 2])))
  }

  #call(operation: string, done: Done, success: () => void): void {
    this.calls.push(operation)
    const code = this.fail[operation]?.shift()
    const text = `SCard${operation === 'control' ? 'Control' : 'Transmit'} error: x(0x${code?.toString(16)})`
    setImmediate(() => (code === undefined ? success() : done(new Error(text))))
  }
}

function slotOn(reader = new FakeReader()) {
  const events: { kind: string; card: number }[] = []
  const faults: Fault[] = []
  const emit = (event: unknown): void => void events.push(event as { kind: string; card: number })
  const slot = new PcscSlot(reader, { emit, endWith: (fault) => void faults.push(fault) })
  const put = (): number => {
    slot.see(COUNT + PRESENT, ATR)
    return events.at(-1)?.card ?? 0
  }
  return { reader, slot, events, faults, put }
}

describe('a PC/SC reader in the child process', () => {
  it('tells cards that come and go, whatever else changes', () => {
    const { slot, events } = slotOn()
    const inUse = 0x100
    for (const state of [EMPTY, COUNT + PRESENT, COUNT + PRESENT + inUse, COUNT + PRESENT, 2 * COUNT + EMPTY])
      slot.see(state, ATR)
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['card', 'removed'],
    )
  })

  it('sees a card that was changed for another between two looks', () => {
    const { slot, events, put } = slotOn()
    put()
    slot.see(3 * COUNT + PRESENT, ATR)
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['card', 'removed', 'card'],
    )
    assert.notEqual(events[0]?.card, events[2]?.card)
  })

  it('connects once per card', async () => {
    const { reader, slot, put } = slotOn()
    const card = put()
    await slot.transmit(card, GET_UID)
    await slot.transmit(card, GET_UID)
    slot.leave()
    const next = put()
    await slot.transmit(next, GET_UID)
    assert.deepEqual(reader.calls, ['connect', 'transmit', 'transmit', 'disconnect', 'connect', 'transmit'])
    await assert.rejects(slot.transmit(card, GET_UID), /too early/)
  })

  it('connects anew when another program reset the card, or it was lost for a moment; once', async () => {
    const { reader, slot, put } = slotOn()
    const card = put()
    reader.fail['transmit'] = [0x80100068]
    await slot.transmit(card, GET_UID)
    assert.deepEqual(reader.calls, ['connect', 'transmit', 'disconnect', 'connect', 'transmit'])
    reader.fail['transmit'] = [0x80100016]
    await slot.transmit(card, GET_UID)
    assert.deepEqual(reader.calls.slice(5), ['transmit', 'reset', 'connect', 'transmit'])
    reader.fail['transmit'] = [0x80100016, 0x80100016]
    await assert.rejects(slot.transmit(card, GET_UID), Refusal)
  })

  it('connects anew after a disconnect that failed', async () => {
    const { reader, slot, put } = slotOn()
    await slot.transmit(put(), GET_UID)
    reader.fail['disconnect'] = [0x80100069]
    slot.leave()
    await slot.transmit(put(), GET_UID)
    assert.equal(reader.calls.filter((call) => call === 'connect').length, 2)
  })

  it('waits for another program that holds the reader, but not for ever', async () => {
    const { reader, slot, put } = slotOn()
    const card = put()
    reader.fail['connect'] = [0x8010000b, 0x8010000b]
    await slot.transmit(card, GET_UID)
    slot.leave()
    reader.fail['connect'] = new Array<number>(5).fill(0x8010000b)
    const error: unknown = await slot.transmit(put(), GET_UID).catch((reason: unknown) => reason)
    assert.ok(error instanceof Refusal && error.fault.code === 'transport-locked')
  })

  it('sends escape commands with and without a card, and serves the card that comes meanwhile', async () => {
    const { reader, slot, put } = slotOn()
    const escape = slot.control(GET_UID)
    await Promise.resolve()
    assert.deepEqual(reader.calls, ['direct'])
    const read = slot.transmit(put(), GET_UID)
    await Promise.all([escape, read])
    await slot.control(GET_UID)
    assert.deepEqual(reader.calls, ['direct', 'control', 'disconnect', 'connect', 'transmit', 'control'])
    slot.leave()
    await slot.control(GET_UID)
    assert.deepEqual(reader.calls.slice(-4), ['disconnect', 'direct', 'control', 'disconnect'])
  })

  it('ends the process when the service is gone', async () => {
    const { reader, slot, faults, put } = slotOn()
    reader.fail['transmit'] = [0x8010001d]
    await assert.rejects(slot.transmit(put(), GET_UID), Refusal)
    assert.equal(faults[0]?.code, 'transport-lost')
  })

  it('refuses more commands than a card can need', async () => {
    const { slot, put } = slotOn()
    const card = put()
    const results = await Promise.allSettled(Array.from({ length: 40 }, () => slot.transmit(card, GET_UID)))
    assert.equal(results.filter(({ status }) => status === 'rejected').length, 24)
  })
})
