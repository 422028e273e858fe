import { strict as assert } from 'node:assert'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PluggableLine } from '../simulators/line.js'
import { ptyLine } from '../simulators/pty-line.js'
import { tagFrame } from '../simulators/rdm6300.js'
import { guard, type RawPort } from '../src/transport/guard.js'
import { hasSocat, openBytes, runRdm6300 } from './support/bytes.js'
import { rejectsWith } from './support/rejects.js'
import { skip } from './support/skip.js'
import { until } from './support/until.js'

describe('42 serial: a real port, on a pseudo terminal', () => {
  const folder = mkdtempSync(join(tmpdir(), 'punchd-serial-'))
  const path = join(folder, 'usb-reader-port0')
  let line: PluggableLine
  let stop: AbortController

  before(function () {
    if (!hasSocat()) skip(this, 'socat is not installed')
  })
  beforeEach(async () => {
    stop = new AbortController()
    line = await ptyLine(path)
  })
  afterEach(async () => {
    stop.abort()
    await line.close()
  })
  after(() => rmSync(folder, { recursive: true }))

  it('carries 1,000 cards in order', async () => {
    const { transport, close } = await openBytes(`serial:${path}`, { signal: stop.signal })
    const { session, done } = runRdm6300(transport, stop.signal)
    const sent = Array.from({ length: 1_000 }, (_, number) => tagNumber(number))
    for (const tag of sent) line.send(tagFrame(tag, 'rdm6300'))
    await until(() => session.sightings.length >= sent.length, 10_000, '1,000 sightings')
    assert.deepEqual(session.values, sent)
    assert.deepEqual(session.counters, { goodFrames: 1_000, badFrames: 0, discardedBytes: 0 })
    stop.abort()
    await done
    await close()
  })

  it('carries what the host writes', async () => {
    const received: number[] = []
    line.onReceive = (bytes) => received.push(...bytes)
    const { transport, close } = await openBytes(`serial:${path}`)
    const sent = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    await transport.write(sent)
    await until(() => received.length >= sent.length, 5_000, '256 bytes at the device')
    assert.deepEqual(received, [...sent])
    await close()
  })

  it('is lost when unplugged and works again under the same name (E02)', async () => {
    for (const tag of ['0A00123456', '62E3086CED', '0A00123456']) {
      const { transport, close } = await openBytes(`serial:${path}`, { signal: stop.signal })
      const { session, done } = runRdm6300(transport, stop.signal)
      line.send(tagFrame(tag, 'rdm6300'))
      await until(() => session.sightings.length > 0, 5_000, 'the card')
      await line.unplug()
      await rejectsWith('transport-lost', done)
      await rejectsWith('transport-lost', transport.write(Uint8Array.of(1)))
      await close()
      await rejectsWith('transport-absent', openBytes(`serial:${path}`))
      await line.plug()
      assert.deepEqual(session.values, [tag])
    }
  })

  it('notices an unplug in the middle of a flood', async () => {
    for (let round = 0; round < 20; round++) {
      const { transport, close } = await openBytes(`serial:${path}`)
      const { done, session, ended } = runRdm6300(transport, stop.signal)
      for (let burst = 0; burst < 400; burst++) line.send(new Uint8Array(200))
      await until(() => session.counters.discardedBytes > 0)
      await line.unplug()
      // Without the guard serialport never does, and burns a core, in one of these rounds or more.
      await until(ended, 3_000, `the loss in round ${round}`)
      await rejectsWith('transport-lost', done)
      await close()
      await line.plug()
    }
  })

  it('says who holds a port that is locked: another program', async () => {
    const other = spawn('flock', ['-o', path, '-c', 'echo locked; exec cat'], { stdio: ['pipe', 'pipe', 'ignore'] })
    await once(other.stdout, 'data')
    const error = await rejectsWith('transport-locked', openBytes(`serial:${path}`))
    assert.match(error.hint ?? '', new RegExp(`flock \\(pid ${other.pid}\\)`))
    other.stdin.end()
    await once(other, 'exit')
  })

  it('says who holds a port that is locked: another reader', async () => {
    const first = await openBytes(`serial:${path}`)
    const error = await rejectsWith('transport-locked', openBytes(`serial:${path}`))
    assert.match(error.hint ?? '', /two readers name the same port/)
    await first.close()
    const second = await openBytes(`serial:${path}`)
    await second.close()
  })

  it('says that a path is not there, and what is', async () => {
    const error = await rejectsWith('transport-absent', openBytes(`serial:${folder}/nothing`))
    assert.match(error.hint ?? '', /by-id|plugged in are/)
    writeFileSync(join(folder, 'file'), 'no port')
    await rejectsWith('transport-absent', openBytes(`serial:${folder}/file`))
  })

  it('says how to get permission', async function () {
    if (process.getuid?.() !== 0) skip(this, 'only root can become somebody else')
    await (await openBytes(`serial:${path}`)).close() // Loads serialport while everything may be read.
    process.seteuid?.(65_534)
    try {
      const error = await rejectsWith('transport-denied', openBytes(`serial:${path}`))
      assert.match(error.hint ?? '', /usermod -aG dialout/)
    } finally {
      process.seteuid?.(0)
    }
  })

  it('takes no bytes from before it was opened', async () => {
    const early = tagFrame('0A00123456', 'rdm6300')
    line.send(Uint8Array.from([0, ...early]))
    const peek = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    await until(() => readsByte(peek)) // The frame came with that byte and waits in the pty.
    const { transport, close } = await openBytes(`serial:${path}`, { signal: stop.signal })
    const { session } = runRdm6300(transport, stop.signal)
    line.send(tagFrame('62E3086CED', 'rdm6300'))
    await until(() => session.sightings.length > 0)
    assert.deepEqual(session.values, ['62E3086CED'])
    await close()
    closeSync(peek)
  })

  it('closes without a trace, twice, and ends the reading', async () => {
    const { transport, close } = await openBytes(`serial:${path}`, { signal: stop.signal })
    const { done } = runRdm6300(transport, stop.signal)
    await Promise.all([close(), close()])
    await close()
    await done
    assert.equal(
      process
        .getActiveResourcesInfo()
        .filter((name) => /FSReq|Poll/.test(name))
        .join(),
      '',
    )
  })

  it('takes "no bytes" for a device that hung up', async () => {
    const file = openSync('/dev/null', 'r')
    const port = rawPort(file)
    guard(port)
    await assert.rejects(port.read(Buffer.alloc(8), 0, 8), /hung up/)
    closeSync(file)
  })

  it('does not give its descriptor away under a read that is under way', async () => {
    const fifo = join(folder, 'fifo')
    spawnSync('mkfifo', [fifo])
    const file = openSync(fifo, 'r+')
    const port = rawPort(file)
    guard(port)
    const reading = port.read(Buffer.alloc(8), 0, 8)
    const closing = port.close()
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(port.fd, file)
    writeSync(file, 'x')
    assert.equal((await reading).bytesRead, 1)
    await closing
    assert.equal(port.fd, null)
    await assert.rejects(port.read(Buffer.alloc(8), 0, 8), { canceled: true })
    closeSync(file)
  })
})

/** A port as serialport makes it, that only notes its close. */
function rawPort(fd: number): RawPort {
  const port: RawPort = {
    fd,
    poller: { once: () => assert.fail('nothing to wait for') },
    read: () => assert.fail('replaced'),
    write: () => assert.fail('replaced'),
    close: async () => void (port.fd = null),
  }
  return port
}

function tagNumber(number: number): string {
  return number.toString(16).toUpperCase().padStart(10, '0')
}

function readsByte(file: number): boolean {
  try {
    return readSync(file, Buffer.alloc(1)) === 1
  } catch {
    return false // EAGAIN: nothing there yet.
  }
}
