/** What the pcsc transport makes of readers that come and go, and of its child's messages. Without a child. */
import { strict as assert } from 'node:assert'
import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { TransportError, type Card } from '../src/driver.js'
import { endsService, faultOf, scardCode } from '../src/transport/host/pcsc-faults.js'
import { fromHex, parseRequest, parseToParent, toHex } from '../src/transport/host/wire.js'
import { PcscCards } from '../src/transport/pcsc-cards.js'
import { FakeClock } from './support/fake-clock.js'
import { RecordingLogger } from './support/session.js'

const A = 'ACS ACR122U PICC Interface 00 00'
const B = 'OMNIKEY 5022 CL 01 00'

function cardsOf(name: string) {
  const stop = new AbortController()
  const clock = new FakeClock()
  const log = new RecordingLogger()
  const asked: unknown[] = []
  const ask = async (verb: string, body: unknown): Promise<unknown> => (asked.push([verb, body]), '9000')
  const cards = new PcscCards(name, { clock, signal: stop.signal, log }, ask)
  const taken: Card[] = []
  const done = (async () => {
    for await (const card of cards) taken.push(card)
  })()
  for (const slot of [A, B]) cards.take({ kind: 'plugged', slot })
  const put = (slot: string, card: number): void => cards.take({ kind: 'card', slot, card, atr: '3b80800101' })
  return { cards, stop, clock, log, asked, taken, done, put }
}

describe('cards of a pcsc URL', () => {
  it('come from the readers that the URL names', async () => {
    const { cards, taken, put, clock, asked, stop, done } = cardsOf('acr122')
    assert.deepEqual([cards.slots, cards.plugged], [[A], [A, B]])
    put(B, 1)
    put(A, 2)
    await clock.settle()
    assert.deepEqual(
      taken.map(({ slot, atr }) => [slot, toHex(atr)]),
      [[A, '3b80800101']],
    )
    assert.deepEqual(await taken[0]!.transmit(Uint8Array.of(0xff)), Uint8Array.of(0x90, 0))
    assert.deepEqual(asked, [['transmit', { slot: A, card: 2, bytes: 'ff' }]])
    cards.take({ kind: 'removed', slot: A, card: 2 })
    assert.ok(taken[0]!.gone.aborted)
    await assert.rejects(taken[0]!.transmit(Uint8Array.of(0xff)), TransportError)
    stop.abort()
    await done
  })

  it('a named reader that is unplugged is lost (E13)', async () => {
    const { cards, done, put, taken, clock } = cardsOf('ACR122')
    put(A, 1)
    await clock.settle()
    cards.take({ kind: 'unplugged', slot: B })
    cards.take({ kind: 'unplugged', slot: A })
    await assert.rejects(done, (error) => error instanceof TransportError && error.code === 'transport-lost')
    assert.ok(taken[0]!.gone.aborted, 'and its card is gone')
    await assert.rejects(cards.control(A, Uint8Array.of(0xff)), TransportError)
  })

  it('with * the others go on, with one line in the log; without the last it is lost', async () => {
    const { cards, done, put, taken, clock, log } = cardsOf('*')
    cards.take({ kind: 'unplugged', slot: A })
    put(B, 1)
    await clock.settle()
    assert.equal(taken.length, 1)
    assert.equal(log.lines.filter(({ level }) => level === 'warn').length, 1)
    cards.take({ kind: 'plugged', slot: A })
    cards.take({ kind: 'unplugged', slot: B })
    put(A, 2)
    await clock.settle()
    assert.equal(taken.length, 2, 'a reader that comes back serves again')
    cards.take({ kind: 'unplugged', slot: A })
    await assert.rejects(done, TransportError)
  })

  it('are bounded when nobody takes them, and gone at the end', async () => {
    const stop = new AbortController()
    const context = { clock: new FakeClock(), signal: stop.signal, log: new RecordingLogger() }
    const cards = new PcscCards('*', context, () => Promise.reject(new Error('not asked')))
    for (let card = 1; card <= 200; card++) cards.take({ kind: 'card', slot: A, card, atr: '' })
    cards.take({ kind: 'plugged', slot: A })
    const waiting = cards[Symbol.asyncIterator]()
    const first = (await waiting.next()).value as Card
    let count = 1
    cards.take({ kind: 'removed', slot: A, card: 200 })
    const more = (async () => {
      for await (const card of cards) if (card.atr.length === 0) count += 1
    })()
    await context.clock.settle()
    assert.equal(count, 64)
    stop.abort()
    await more
    assert.ok(first.gone.aborted)
    assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
  })

  it('ignores messages that make no sense, whatever they are', () => {
    const { cards, stop } = cardsOf('*')
    fc.assert(
      fc.property(fc.anything(), (message) => {
        cards.take(message)
        parseToParent(message)
        parseRequest(message)
        fromHex(message)
      }),
    )
    assert.deepEqual(cards.slots, [A, B])
    stop.abort()
  })
})

describe('PC/SC errors', () => {
  it('are read from the text of the binding', () => {
    assert.equal(scardCode('SCardConnect error: Card was removed.(0x80100069)'), 0x80100069)
    assert.equal(scardCode('SCardConnect error: x (0xffffffff80100069)'), 0x80100069)
    assert.equal(scardCode('Card Reader not connected'), undefined)
  })

  it('end the service or concern one reader', () => {
    const codes = (text: string): (string | undefined)[] => [endsService(text)?.code, faultOf(text, A).code]
    assert.deepEqual(codes('SCardTransmit error: x(0x80100069)'), [undefined, 'transport-lost'])
    assert.deepEqual(codes('SCardConnect error: x(0x8010000b)'), [undefined, 'transport-locked'])
    assert.deepEqual(codes('SCardControl error: x(0x8010001f)'), [undefined, 'device-refused'])
    assert.deepEqual(codes('SCardControl error: x(0x80100016)'), [undefined, 'device-refused'])
    assert.equal(endsService('SCardGetStatusChange error: x(0x80100013)')?.code, 'transport-lost')
    assert.equal(endsService('SCardConnect error: x(0x8010001d)')?.code, 'transport-lost')
    assert.equal(endsService('SCardConnect error: Access denied.(0x8010006a)')?.code, 'transport-denied')
    // libpcsclite 1.9.9 says so of a pcscd that was killed with a request unread.
    assert.equal(endsService('SCardTransmit error: Access denied.(0x8010006a)')?.code, 'transport-lost')
  })

  it('of one command mean another thing for a card than for a reader', () => {
    assert.match(faultOf('SCardTransmit error: x(0x80100016)', A).message, /does not answer/)
    assert.match(faultOf('SCardControl error: x(0x80100016)', A).hint ?? '', /ifdDriverOptions/)
  })

  it('of one reader are told as what they are', () => {
    assert.match(faultOf('SCardTransmit error: x(0x80100066)', A).message, /does not answer/)
    assert.match(faultOf('SCardConnect error: x(0x80100009)', A).message, /unplugged/)
    assert.match(faultOf('something else', A).message, /something else/)
  })
})
