/** The transport `gpio:` with stand-ins that print and fail as gpiomon of libgpiod 1.6 and 2.x do. */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { TransportError } from '../src/errors.js'
import { SystemClock } from '../src/clock.js'
import { normalised, openGpio } from '../src/transport/gpio.js'
import { parseTransportUrl } from '../src/transport/url.js'
import { RecordingLogger } from './support/session.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const URL = { scheme: 'gpio', chip: '/dev/gpiochip0', d0: 17, d1: 27 } as const

describe('gpio:', () => {
  const folder = tempFolder()
  const path = process.env['PATH'] ?? ''
  afterEach(() => void (process.env['PATH'] = path))

  /** A program named gpiomon on PATH; it writes down how it was called. */
  const install = (version: string, script: string): void => {
    const file = folder.file('gpiomon')
    writeFileSync(
      file,
      `#!/bin/sh\nif [ "$1" = --version ]; then echo "${version}"; exit 0; fi\necho "$@" > ${folder.file('args')}\necho $$ > ${folder.file('pid')}\n${script}\n`,
    )
    chmodSync(file, 0o755)
    process.env['PATH'] = `${folder.path}:${path}`
  }
  const open = (stop = new AbortController()) =>
    openGpio(URL, { clock: new SystemClock(), signal: stop.signal, log: new RecordingLogger() })
  const lives = (): boolean => {
    try {
      process.kill(Number(readFileSync(folder.file('pid'), 'utf8')), 0)
      return true
    } catch {
      return false
    }
  }

  for (const [what, version, script, args] of [
    [
      '1.6',
      'gpiomon (libgpiod) v1.6.3',
      'echo "27 0 0"; echo "17 0 1000000"; exec sleep 60',
      '--line-buffered --falling-edge --bias=pull-up --format=%o %s %n gpiochip0 17 27',
    ],
    [
      '2.x',
      'gpiomon (libgpiod) v2.2.1',
      'echo "27 0.000000000"; echo "17 0.001000000"; exec sleep 60',
      '--chip gpiochip0 --edges falling --bias pull-up --format %o %S 17 27',
    ],
  ] as const) {
    it(`gives the edges of libgpiod ${what} in one form, and leaves nothing running`, async () => {
      install(version, script)
      const opened = await open()
      assert.ok(opened.kind === 'bytes')
      let text = ''
      for await (const { bytes } of opened.transport) {
        text += Buffer.from(bytes).toString()
        if (text.split('\n').length === 3) break
      }
      assert.equal(text, '1 0\n0 1000000\n')
      assert.equal(readFileSync(folder.file('args'), 'utf8').trim(), args)
      assert.ok(lives())
      await opened.close()
      await until(() => !lives())
    })
  }

  for (const [says, code, hint] of [
    ['gpiomon: error waiting for events: Device or resource busy', 'transport-locked', /gpioinfo/],
    ["gpiomon: unable to open chip 'gpiochip0': Permission denied", 'transport-denied', /group gpio/],
    ["gpiomon: cannot find GPIO chip 'gpiochip0'", 'transport-absent', /gpiodetect/],
  ] as const) {
    it(`says what to do about "${says}"`, async () => {
      install('gpiomon (libgpiod) v1.6.3', `echo "${says}" >&2; exit 1`)
      await assert.rejects(
        open(),
        (error) => error instanceof TransportError && error.code === code && hint.test(error.hint ?? ''),
      )
    })
  }

  it('is lost when the program ends', async () => {
    install('gpiomon (libgpiod) v2.2.1', 'sleep 0.5; exit 1')
    const opened = await open()
    assert.ok(opened.kind === 'bytes')
    const { transport } = opened
    await assert.rejects(async () => {
      for await (const _ of transport);
    }, TransportError)
    await opened.close()
  })

  it('says how to get the program', async () => {
    process.env['PATH'] = folder.path
    await assert.rejects(open(), { code: 'transport-unavailable', hint: 'sudo apt install gpiod' })
  })

  it('reads lines of either form, and nothing else', () => {
    assert.equal(normalised('17 12 5000', URL), '0 12000005000\n')
    assert.equal(normalised('27 12.000005000', URL), '1 12000005000\n')
    for (const line of ['22 1 1', 'event: FALLING', '17 1', '']) assert.equal(normalised(line, URL), undefined, line)
  })

  it('has URLs with a chip and two different lines', () => {
    assert.deepEqual(parseTransportUrl('gpio:/dev/gpiochip0?d0=17&d1=27'), URL)
    for (const url of [
      'gpio:',
      'gpio:/dev/gpiochip0',
      'gpio:/dev/gpiochip0?d0=17',
      'gpio:x?d0=1&d1=1',
      'gpio:x?d0=1&d1=2&d2=3',
    ])
      assert.ok('problem' in parseTransportUrl(url), url)
  })
})
