/** Which readers are plugged in: real ports (pseudo terminals), found under names as udev makes them. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import type { AnyDriver, CardTransport } from '../src/driver.js'
import { SystemClock } from '../src/clock.js'
import { proposals, scanText, type Found } from '../src/scan/found.js'
import { scanCards, scanInput } from '../src/scan/others.js'
import { scanSerial, type ScanContext } from '../src/scan/serial.js'
import { openTransport } from '../src/transport/open.js'
import { ptyLine } from '../simulators/pty-line.js'
import { loadConfig } from '../src/config/load.js'
import { verb, writeConfig } from './support/daemon.js'
import { hasSocat } from './support/bytes.js'
import { RecordingLogger } from './support/session.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'

const CABLE = 'usb-FTDI_FT232R_USB_UART_A10K2F7B-if00-port0'

/** Asks `?` and takes `!` for a yes. */
const asker: AnyDriver = {
  name: 'asker',
  title: 'Asker',
  transport: 'bytes',
  options: {},
  probe: {
    baudRates: [57_600, 9_600],
    ask: async (transport, _clock, signal) => {
      await transport.write(Buffer.from('?'))
      for await (const { bytes } of transport) if (bytes.includes(0x21)) return { model: 'Asker 3' }
      assert.ok(signal.aborted)
      return undefined
    },
  },
  run: async () => undefined,
}

describe('readers scan', function () {
  this.timeout(30_000)
  const folder = tempFolder()
  const stop = new AbortController()
  const asked: string[] = []
  const context = (over: Partial<ScanContext> = {}): ScanContext => ({
    drivers: [asker],
    open: openTransport,
    clock: new SystemClock(),
    log: new RecordingLogger(),
    signal: stop.signal,
    ask: true,
    configured: new Map(),
    say: (line) => void asked.push(line),
    remark: () => undefined,
    serialFolder: folder.file('serial'),
    inputFolder: folder.file('input'),
    // The other end of a pseudo terminal holds it open too.
    heldBy: () => Promise.resolve(''),
    ...over,
  })

  describe('of serial ports', () => {
    before(function () {
      if (!hasSocat()) skip(this, 'socat is not installed')
    })
    const plug = async (name: string, answer?: string) => {
      mkdirSync(folder.file('serial'), { recursive: true })
      const line = await ptyLine(folder.file('pty'))
      line.onReceive = () => answer !== undefined && void line.send(Buffer.from(answer))
      symlinkSync(folder.file('pty'), folder.file(`serial/${name}`))
      return line
    }
    beforeEach(() => asked.splice(0))

    it('names the device that answered, at its speed, and asks no further', async () => {
      const line = await plug(CABLE, '!')
      const found = await scanSerial(context())
      await line.close()
      const transport = `serial:${folder.file(`serial/${CABLE}`)}?baudRate=57600`
      const title = 'Asker 3 on FTDI USB-to-serial cable'
      assert.deepEqual(found, [{ title, driver: 'asker', transport, certainty: 'answered' }])
      assert.equal(asked.length, 1)
    })

    it('asks at every speed, and tells a silent one as such', async () => {
      const line = await plug(CABLE)
      const [found] = await scanSerial(context())
      await line.close()
      assert.deepEqual([found?.certainty, found?.driver, asked.length], ['unknown', undefined, 2])
    })

    for (const [what, name, over] of [
      ['a device that its name gives away', 'usb-Newland_Auto-ID_EM20-if00', {}],
      ['a device that may be a modem', 'usb-Huawei_Mobile-if00-port0', {}],
      ['anything, when told so', CABLE, { ask: false }],
    ] as const) {
      it(`does not ask ${what}`, async () => {
        const line = await plug(name, '!')
        let heard = 0
        line.onReceive = () => void (heard += 1)
        await scanSerial(context(over))
        await line.close()
        assert.deepEqual([heard, asked.length], [0, 0])
      })
    }

    it('does not ask a port that another program holds, and names it', async () => {
      const line = await plug(CABLE, '!')
      const { heldBy: _none, ...plain } = context()
      const [found] = await scanSerial(plain)
      await line.close()
      assert.match(found?.heldBy ?? '', /^socat \(\d+\)$/)
      assert.equal(asked.length, 0)
    })

    it('does not ask a port that is configured', async () => {
      const line = await plug(CABLE, '!')
      const configured = new Map([[`serial:${folder.file(`serial/${CABLE}`)}`, 'gate']])
      const [found] = await scanSerial(context({ configured }))
      await line.close()
      assert.deepEqual([found?.configured, asked.length], ['gate', 0])
    })
  })

  it('finds devices that type by their names, and keyboards apart from them', async () => {
    mkdirSync(folder.file('input'))
    for (const name of ['usb-Sycreader_RFID_Reader-event-kbd', 'usb-Logitech_K120-event-kbd', 'usb-Mouse-event-mouse'])
      writeFileSync(folder.file(`input/${name}`), '')
    const found = await scanInput(context())
    assert.deepEqual(
      found.map(({ driver, certainty }) => [driver, certainty]),
      [
        [undefined, 'unknown'],
        ['wedge', 'guess'],
      ],
    )
  })

  it('knows a card reader by the part of its name that is configured', async () => {
    const transport = { slots: ['ACS ACR122U PICC 00 00', 'Other 01 00'] } as unknown as CardTransport
    const open = () => Promise.resolve({ kind: 'card', transport, close: () => Promise.resolve() } as const)
    const found = await scanCards(context({ open, configured: new Map([['pcsc:acr122', 'desk']]) }))
    assert.deepEqual(
      found.map(({ configured }) => configured),
      ['desk', undefined],
    )
  })

  it('says that a configuration with errors was left aside', async () => {
    const file = writeConfig(folder.path, { readers: [['id: x', 'driver: nothing', 'transport: tcp://h:1']] })
    const { code, stderr } = await verb(['readers', 'scan', '--no-ask', '--config', file])
    assert.deepEqual([code, /has errors and was left aside.*punchd check/.test(stderr)], [0, true])
  })

  it('prints what can be pasted: ids that are free, and a configuration that loads', () => {
    const found: Found[] = ['a', 'b'].map((name) => ({
      title: 'Asker',
      driver: 'asker',
      transport: `serial:/dev/serial/by-id/${name}?baudRate=9600`,
      certainty: 'answered',
    }))
    assert.deepEqual(
      proposals(found, new Set(['asker-1'])).map(({ id }) => id),
      ['asker-2', 'asker-3'],
    )
    const lines = scanText(found, new Set())
    const entries = lines.slice(lines.indexOf('readers:') + 1)
    const file = writeConfig(folder.path)
    writeFileSync(file, readFileSync(file, 'utf8').replace('  []', entries.join('\n')))
    const { config } = loadConfig(file, { drivers: [asker], env: {} })
    assert.deepEqual(
      config?.readers.map(({ id }) => id),
      ['asker-1', 'asker-2'],
    )
  })
})
