/** The pcsc transport and driver against a real pcscd, private to this test, with a virtual reader of two slots. */
import { strict as assert } from 'node:assert'
import { getEventListeners } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { fields, type Config } from '../drivers/pcsc/config.js'
import { driver } from '../drivers/pcsc/index.js'
import { VirtualCard, type CardModel } from '../simulators/pcsc/card.js'
import { PrivatePcscd, whyNoPcscd } from '../simulators/pcsc/pcscd.js'
import { VpcdSlot } from '../simulators/pcsc/vpcd.js'
import { SystemClock } from '../src/clock.js'
import { DeviceError, TransportError, type Card } from '../src/driver.js'
import { openPcsc } from '../src/transport/pcsc.js'
import { isCode, pcscChildren, ticks } from './support/pcsc.js'
import { optionDefaults, RecordingLogger, RecordingSession } from './support/session.js'
import { skip } from './support/skip.js'
import { until } from './support/until.js'

const UID = '04A1B2C3D4E5F6'
const clock = new SystemClock()
/** Aborted after each test, as a supervisor does. */
let stop = new AbortController()
const log = new RecordingLogger()
const opens: Awaited<ReturnType<typeof openPcsc>>[] = []
async function open(name = '*') {
  const opened = await openPcsc({ scheme: 'pcsc', name }, { clock, signal: stop.signal, log })
  opens.push(opened)
  return opened
}

/** An open transport with the driver running on it. */
async function running(name = '*') {
  const opened = await open(name)
  const config = { ...optionDefaults(fields), feedback: 'acr122' } satisfies Config
  const { transport } = opened
  const session = new RecordingSession<Config, 'card'>({ config, transport, clock, signal: stop.signal })
  const ended = driver.run(session).then(
    () => undefined,
    (error: unknown) => error,
  )
  return { opened, session, ended }
}

/** Opens again and again until it works, as the supervisor does. */
async function reopened() {
  for (;;) {
    try {
      return await running()
    } catch (error) {
      assert.ok(error instanceof TransportError, String(error))
      await clock.sleep(50)
    }
  }
}

describe('pcsc over a real pcscd', function () {
  this.timeout(60_000)
  let pcscd: PrivatePcscd
  let slots: [VpcdSlot, VpcdSlot]

  /** pcscd looks twice a second; a card that comes before it looked is not a new one. */
  async function emptied(): Promise<void> {
    await until(async () => (await pcscd.readersWithCards()).length === 0, 3_000, 'pcscd to see the empty field')
  }

  before(async function () {
    const reason = whyNoPcscd()
    if (reason !== undefined) skip(this, reason)
    pcscd = await PrivatePcscd.start()
    slots = [new VpcdSlot(pcscd.ports[0]), new VpcdSlot(pcscd.ports[1])]
    process.env['PCSCLITE_CSOCK_NAME'] = pcscd.socketName
  })
  beforeEach(() => {
    stop = new AbortController()
    log.lines.length = 0
  })
  afterEach(async () => {
    stop.abort()
    for (const opened of opens.splice(0)) await opened.close()
    for (const slot of slots) await slot.remove()
    await emptied()
  })
  after(async () => {
    delete process.env['PCSCLITE_CSOCK_NAME']
    await (pcscd as PrivatePcscd | undefined)?.stop()
  })

  it('takes 4, 7 and 10 bytes, storage cards, FeliCa and smart cards, and shows each verdict', async () => {
    const { opened, session, ended } = await running()
    assert.match(session.identities[0]?.model ?? '', /Virtual PCD 00 00, Virtual PCD 00 01/)
    const cards: [string, CardModel][] = [
      ['1EA68671', 'classic-1k'],
      [UID, 'desfire'],
      ['04A1B2C3D4E5F6071829', 'ultralight'],
      ['012E4CD123456789', 'felica'],
    ]
    for (const [uid, model] of cards) {
      const card = new VirtualCard({ uid, model })
      await slots[0].insert(card)
      await until(() => card.front.shown.length > 0, 5_000, `the light for ${uid}`)
      assert.equal(session.values.at(-1), uid)
      assert.deepEqual([card.front.shown[0]?.flash, card.front.buzzesOnDetect], ['green', false])
      assert.deepEqual(
        card.heard.filter((apdu) => apdu.startsWith('FFCA')),
        ['FFCA000000'],
        'one question',
      )
      await slots[0].remove()
      await emptied()
    }
    assert.equal(session.values.length, cards.length)
    stop.abort()
    assert.equal(await ended, undefined)
    await opened.close()
    assert.deepEqual(pcscChildren(), [])
  })

  it('serves two readers at once', async () => {
    const { opened, session } = await running()
    const cards = [new VirtualCard({ uid: '11223344' }), new VirtualCard({ uid: '55667788' })] as const
    await Promise.all([slots[0].insert(cards[0]), slots[1].insert(cards[1])])
    await until(() => cards.every(({ front }) => front.shown.length > 0), 5_000, 'both lights')
    assert.deepEqual([...session.values].sort(), ['11223344', '55667788'])
    await opened.close()
  })

  it('takes only the reader that is named, in any case, and lists the others when there is none', async () => {
    const { opened, session } = await running('pcd 00 01')
    assert.deepEqual(opened.transport.slots, ['Virtual PCD 00 01'])
    await slots[0].insert(new VirtualCard({ uid: '11223344' }))
    await slots[1].insert(new VirtualCard({ uid: '55667788' }))
    await until(() => session.values.length > 0)
    assert.deepEqual(session.values, ['55667788'])
    await opened.close()
    await assert.rejects(open('ACR122'), isCode('transport-absent', /Virtual PCD 00 00, Virtual PCD 00 01/))
    assert.deepEqual(pcscChildren(), [])
  })

  it('tells a driver that the card has gone', async () => {
    const opened = await open()
    const cards = opened.transport[Symbol.asyncIterator]()
    await slots[0].insert(new VirtualCard({ uid: UID }))
    const { value } = (await cards.next()) as { value: Card }
    const response = await value.transmit(Uint8Array.of(0xff, 0xca, 0, 0, 0))
    assert.equal(Buffer.from(response).toString('hex').toUpperCase(), `${UID}9000`)
    assert.deepEqual([Object.isFrozen(value.arrived), value.gone.aborted], [true, false])
    await slots[0].remove()
    await until(() => value.gone.aborted, 3_000, 'the card to go')
    await assert.rejects(value.transmit(Uint8Array.of(0xff, 0xca, 0, 0, 0)), TransportError)
    await opened.close()
  })

  it('passes on that a reader takes no escape commands', async () => {
    const opened = await open()
    const [slot = ''] = opened.transport.slots
    await assert.rejects(opened.transport.control(slot, Uint8Array.of(0xff, 0, 0x48, 0, 0)), DeviceError)
    await slots[0].insert(new VirtualCard({ uid: UID }))
    const { value } = (await opened.transport[Symbol.asyncIterator]().next()) as { value: Card }
    assert.equal((await value.transmit(Uint8Array.of(0xff, 0xca, 0, 0, 0))).length, 9, 'and still reads the next card')
    await opened.close()
  })

  it('loses the transport when pcscd is killed while cards are tapped, and serves again after its return (E13)', async () => {
    const first = await running()
    await slots[0].insert(new VirtualCard({ uid: UID }))
    await until(() => first.session.values.length === 1)
    await pcscd.kill()
    const error = await first.ended
    assert.ok(error instanceof TransportError && error.code === 'transport-lost', String(error))
    await first.opened.close()
    const again = reopened()
    await pcscd.restart()
    const second = await again
    await slots[0].insert(new VirtualCard({ uid: UID }))
    await until(() => second.session.values.length === 1, 5_000, 'the card after the restart')
    await second.opened.close()
    assert.deepEqual(pcscChildren(), [])
  })

  it('loses the transport when pcscd stops while nobody is there', async () => {
    const { opened, ended } = await running()
    process.kill(pcscd.pid ?? 0, 'SIGTERM')
    const error = await ended
    assert.ok(error instanceof TransportError && error.code === 'transport-lost', String(error))
    assert.match(error.message, /pcscd ended/)
    await opened.close()
    await pcscd.restart()
  })

  it('loses the transport when its child is killed, with one line, and serves again', async () => {
    const first = await running()
    const [child = 0, ...others] = pcscChildren()
    assert.deepEqual(others, [])
    process.kill(child, 'SIGKILL')
    const error = await first.ended
    assert.ok(error instanceof TransportError && error.code === 'transport-lost', String(error))
    assert.equal(log.lines.filter(({ level }) => level === 'warn').length, 1)
    await first.opened.close()
    const second = await reopened()
    await slots[1].insert(new VirtualCard({ uid: UID }))
    await until(() => second.session.values.length === 1)
    await second.opened.close()
  })

  it('is idle while nobody comes', async () => {
    const { opened } = await running()
    const [child = 0] = pcscChildren()
    await until(() => opened.transport.slots.length === 2)
    const before = ticks(child)
    await clock.sleep(2_000)
    assert.ok(ticks(child) - before <= 6, `${(ticks(child) - before) * 10} ms in two seconds`)
    await opened.close()
  })

  it('leaves no process, timer or descriptor behind, however often it is opened', async () => {
    const descriptors = (): number => readdirSync('/proc/self/fd').length
    await (await open()).close()
    const before = { descriptors: descriptors(), resources: process.getActiveResourcesInfo().sort() }
    for (let time = 0; time < 5; time++) await (await open()).close()
    await until(() => descriptors() <= before.descriptors, 2_000, `${descriptors()} to fall to ${before.descriptors}`)
    assert.deepEqual(process.getActiveResourcesInfo().sort(), before.resources)
    assert.deepEqual(pcscChildren(), [])
    assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
    assert.ok(existsSync(pcscd.socketName))
  })
})
