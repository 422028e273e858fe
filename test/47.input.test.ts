import { siteZone } from '../src/zone.js'
import { strict as assert } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { closeSync, mkdtempSync, openSync, readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fields } from '../drivers/wedge/config.js'
import { driver } from '../drivers/wedge/index.js'
import { RequestDesk } from '../src/desk.js'
import type { Report } from '../src/attendance.js'
import type { ByteTransport } from '../src/driver.js'
import { Status } from '../src/status.js'
import { supervise } from '../src/supervisor.js'
import { grab } from '../src/transport/grab.js'
import { openTransport } from '../src/transport/open.js'
import { fifoLine } from '../simulators/fifo-line.js'
import type { PluggableLine } from '../simulators/line.js'
import { typed, Wedge } from '../simulators/wedge.js'
import { clock, openBytes } from './support/bytes.js'
import { FakeClock } from './support/fake-clock.js'
import { rejectsWith } from './support/rejects.js'
import { optionDefaults, RecordingLogger, RecordingSession } from './support/session.js'
import { skip } from './support/skip.js'
import { readerConfig } from './support/supervision.js'
import { until } from './support/until.js'

const T0_US = 1_700_000_000_000_000
/** A code that is typed in one go, as the kernel hands it to a reader that was busy. */
const code = (text: string, fromUs = T0_US): Uint8Array => typed(`${text}\n`, 64, fromUs)

/** Pipes stand for event devices: this machine has no /dev/uinput to make real ones. */
describe('47 input: event devices, on named pipes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'punchd-input-'))
  const path = join(folder, 'usb-Reader-event-kbd')
  let line: PluggableLine
  let stop: AbortController

  beforeEach(async () => {
    stop = new AbortController()
    line = await fifoLine(path)
  })
  afterEach(async () => {
    stop.abort()
    await line.close()
  })
  after(() => rmSync(folder, { recursive: true }))

  it('carries codes in order, stamped with the clock of its context', async () => {
    const fake = new FakeClock()
    const { transport, close } = await openBytes(line.url, { signal: stop.signal, clock: fake })
    const { session, done } = runWedge(transport, stop.signal)
    const sent = Array.from({ length: 100 }, (_, number) => String(number).padStart(10, '0'))
    for (const [at, text] of sent.entries()) {
      await until(() => line.send(code(text, T0_US + at * 1_000_000)) === 'whole')
    }
    await until(() => session.sightings.length >= sent.length, 5_000, '100 sightings')
    assert.deepEqual(
      session.values,
      sent.map((text) => Number(text).toString(16).toUpperCase().padStart(8, '0')),
    )
    assert.ok(session.sightings.every(({ arrived }) => fake.gave(arrived)))
    assert.deepEqual(session.counters, { goodFrames: 100, badFrames: 0, discardedBytes: 0 })
    stop.abort()
    await done
    await close()
    assert.equal(fake.sleeping, 0)
  })

  it('is lost when unplugged, and works again under the same name', async () => {
    for (const text of ['0008844356', '3808980205', '0008844356']) {
      const { transport, close } = await openBytes(line.url, { signal: stop.signal })
      const { session, done } = runWedge(transport, stop.signal)
      line.send(code(text))
      await until(() => session.sightings.length === 1)
      await line.unplug()
      const error = await rejectsWith('transport-lost', done)
      assert.match(error.message, /usb-Reader-event-kbd went away/)
      await close()
      await rejectsWith('transport-absent', openBytes(line.url))
      await line.plug()
    }
  })

  it('gives what was typed before it was unplugged', async () => {
    const { transport, close } = await openBytes(line.url)
    line.send(code('0008844356'))
    await line.unplug()
    const { session, done } = runWedge(transport, stop.signal)
    await rejectsWith('transport-lost', done)
    assert.deepEqual(session.values, ['0086F444'])
    await close()
  })

  it('is lost when its name leads elsewhere, and not for a moment without one (E02)', async () => {
    const fake = new FakeClock()
    const { transport, close } = await openBytes(line.url, { clock: fake })
    const { done, ended } = runWedge(transport, stop.signal)
    /** Lets it look once, and waits until it has. */
    const look = async (last = false): Promise<void> => {
      await fake.advance(2_000)
      await until(() => (last ? ended() : fake.sleeping === 1))
    }
    renameSync(path, `${path}.gone`)
    await look()
    renameSync(`${path}.gone`, path)
    for (let time = 0; time < 5; time++) await look()
    assert.equal(ended(), false)
    renameSync(path, `${path}.gone`)
    writeFileSync(path, 'another device')
    await look()
    assert.equal(ended(), false)
    await look(true)
    await rejectsWith('transport-lost', done)
    await close()
    rmSync(`${path}.gone`)
  })

  it('blocks nothing with sixteen readers that nobody uses, and spins nothing', async () => {
    const lines = await Promise.all(Array.from({ length: 16 }, (_, at) => fifoLine(join(folder, `idle-${at}`))))
    const opened = await Promise.all(lines.map(({ url }) => openBytes(url)))
    // Node's pool has four threads: reads that wait in it would stop every file access.
    await Promise.all(Array.from({ length: 32 }, () => readFile('/proc/self/stat')))
    const before = process.cpuUsage()
    const from = performance.now()
    await until(() => performance.now() - from > 300)
    const { user, system } = process.cpuUsage(before)
    assert.ok((user + system) / 1_000 < 200, `${(user + system) / 1_000} ms of work in 300 ms of silence`)
    const last = opened.at(-1)
    assert.ok(last)
    const { session, done } = runWedge(last.transport, stop.signal)
    lines.at(-1)?.send(code('0008844356'))
    await until(() => session.sightings.length === 1)
    await Promise.all(opened.map(({ close }) => close()))
    await done
    await Promise.all(lines.map((idle) => idle.close()))
  })

  it('closes at once and without a trace, twice, and ends the reading', async () => {
    for (let round = 0; round < 20; round++) {
      const { transport, close } = await openBytes(line.url, { signal: stop.signal })
      const { done } = runWedge(transport, stop.signal)
      await Promise.all([close(), close()])
      await done
    }
    assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
    assert.equal(openFilesOf(path), 1, 'only the twin has it open')
  })

  it('ends the reading when stopped, with keys half typed', async () => {
    const { transport, close } = await openBytes(line.url, { signal: stop.signal })
    const { session, done } = runWedge(transport, stop.signal)
    line.send(typed('12', 64, T0_US))
    line.send(code('x', T0_US + 10_000_000))
    await until(() => session.counters.badFrames > 0)
    stop.abort()
    await done
    await close()
  })

  it('takes nothing to write', async () => {
    const { transport, close } = await openBytes(line.url)
    await assert.rejects(transport.write(Uint8Array.of(1)), /can only be read/)
    await close()
  })

  it('says that a path is not there or no device', async () => {
    const error = await rejectsWith('transport-absent', openBytes(`input:${folder}/nothing`))
    assert.match(error.message, /nothing is not there/)
    assert.match(error.hint ?? '', /event-kbd/)
    writeFileSync(join(folder, 'file'), 'no device')
    for (const wrong of [join(folder, 'file'), folder]) {
      assert.match((await rejectsWith('transport-absent', openBytes(`input:${wrong}`))).message, /no input device/)
    }
  })

  it('says how to get permission', async function () {
    if (process.getuid?.() !== 0) skip(this, 'only root can become somebody else')
    spawnSync('chmod', ['600', path])
    await (await openBytes(line.url)).close() // Loads the package while everything may be read.
    process.seteuid?.(65_534)
    try {
      const error = await rejectsWith('transport-denied', openBytes(line.url))
      assert.match(error.hint ?? '', /70-punchd-wedge\.rules.*group input.*DeviceAllow/)
    } finally {
      process.seteuid?.(0)
    }
  })

  it('asks for the grab on the very descriptor, and says why there is none', async function () {
    if (spawnSync('perl', ['-v']).error) skip(this, 'perl is not installed')
    const file = openSync('/dev/null', 'r')
    // The kernel answers for that file: no input device.
    assert.deepEqual(await grab(file), { code: 'failed', reason: 'Inappropriate ioctl for device' })
    closeSync(file)
    const busy = join(folder, 'busy-perl')
    writeFileSync(busy, '#!/bin/sh\necho busy >&2\nexit 2\n', { mode: 0o755 })
    assert.equal((await grab(0, busy))?.code, 'busy')
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const absent = await grab(0, join(folder, 'no-perl'))
    assert.equal(timers(), before, 'nothing is left to wait for')
    assert.equal(absent?.code, 'failed')
    assert.match(absent?.reason ?? '', /ENOENT/)
  })

  it('goes on without a grab, and says that the console may read along', async () => {
    const log = new RecordingLogger()
    const { close } = await openBytes('input:/dev/tty', { log }).catch(() => openBytes('input:/dev/ptmx', { log }))
    assert.deepEqual(
      log.lines.map(({ level, message }) => [level, message]),
      [['warn', 'The console of this machine may read what is typed on the reader']],
    )
    await close()
  })

  it('grabs a real device', function () {
    skip(this, 'not written: the kernel it was developed on makes no input devices (no /dev/uinput)')
  })

  it('comes back by itself, and the reader beside it never goes', async () => {
    const other = await fifoLine(join(folder, 'usb-Other-event-kbd'))
    const readers = [line, other].map(({ url }, at) => wedgeReader(at === 0 ? 'gate' : 'desk', url))
    const reports: Report[] = []
    const log = new RecordingLogger()
    const status = new Status(clock, readers)
    const context = {
      driver,
      open: openTransport,
      clock,
      log,
      status,
      report: async (report: Report) => {
        reports.push(report)
        return { verdict: 'accepted' as const, lastSeq: reports.length }
      },
      onLost: () => undefined,
      desk: new RequestDesk([], []),
      note: async () => undefined,
      zone: siteZone([[0, 0]]),
      memory: { recall: async () => undefined, remember: async () => undefined },
      random: () => 0.5,
    }
    const running = readers.map((reader) => supervise(reader, context, stop.signal))
    const seen = (): string[] => reports.map(({ origin, sighting }) => `${origin.reader} ${sighting.credential.value}`)
    const present = async (at: PluggableLine, text: string, expected: string): Promise<void> => {
      const twin = new Wedge({ clock, line: at, paceMs: 1 })
      const before = reports.length
      twin.put(text)
      await until(() => reports.length > before, 10_000, expected)
      assert.equal(seen().at(-1), expected)
    }
    await present(line, '0008844356', 'gate 0086F444')
    await present(other, '3808980205', 'desk E3086CED')
    await line.unplug()
    await until(() => log.lines.some(({ fields }) => fields['code'] === 'transport-lost'))
    await present(other, '0000401829', 'desk 000621A5')
    await line.plug()
    await present(line, '0001193046', 'gate 00123456')
    stop.abort()
    await Promise.all(running)
    await other.close()
    assert.equal(
      log.lines.filter(({ fields }) => fields['reader'] === 'desk' && fields['code'] !== undefined).length,
      0,
    )
  })
})

function wedgeReader(id: string, url: string) {
  const transport = { scheme: 'input', path: url.slice('input:'.length) } as const
  return readerConfig(id, { driver: 'wedge', transport, options: optionDefaults(fields) })
}

/** Runs the driver on a transport. `done` settles as the run does; `ended()` tells whether it has. */
function runWedge(transport: ByteTransport, signal: AbortSignal) {
  const config = optionDefaults(fields)
  const session = new RecordingSession<typeof config, 'bytes'>({ config, transport, clock, signal, scheme: 'input' })
  const done = driver.run(session)
  let over = false
  const end = (): void => void (over = true)
  done.then(end, end) // A rejection is looked at later by the test.
  return { session, done, ended: () => over }
}

function openFilesOf(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path
    } catch {
      return false // The descriptor of the listing itself.
    }
  }).length
}
