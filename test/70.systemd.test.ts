/** What systemd hears, by the real helper and a real datagram socket. */
import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Systemd } from '../src/systemd.js'
import { FakeClock } from './support/fake-clock.js'
import { skip } from './support/skip.js'
import { until } from './support/until.js'

/** Node has no datagram sockets of this kind. The descriptor that comes with a barrier is closed, as by systemd. */
const RECEIVER = `
import json, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
while True: print(json.dumps(receiver.recv(65536).decode()), flush=True)
`

/** Stands in for systemd: a datagram socket whose messages can be read. */
class Receiver {
  readonly path: string
  readonly #child: ChildProcess
  #text = ''

  constructor(folder: string) {
    this.path = join(folder, 'notify.sock')
    this.#child = spawn('python3', ['-c', RECEIVER, this.path], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.#text += chunk.toString()))
  }

  /** The fields of each message, but for the barriers that the helper waits at. */
  get messages(): string[][] {
    const lines = this.#text.split('\n').slice(0, -1)
    const messages = lines.map((line) => String(JSON.parse(line)).trim())
    return messages.filter((message) => message !== 'BARRIER=1').map((message) => message.split('\n').sort())
  }

  count(field: string): number {
    return this.messages.flat().filter((line) => line === field).length
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#child.once('close', resolve))
    this.#child.kill()
    await closed
  }
}

describe('systemd', function () {
  let folder: string
  let clock: FakeClock
  let warnings: string[]

  function systemd(env: NodeJS.ProcessEnv, options: { program?: string; helperMs?: number } = {}): Systemd {
    const log = { warn: (message: string) => warnings.push(message) }
    return new Systemd({ clock, log, env: { PATH: process.env['PATH'], ...env }, ...options })
  }

  /** A helper of our own, in shell; `$log` names a file. */
  function helper(script: string): { program: string; log: () => string[] } {
    const program = join(folder, 'helper')
    const log = join(folder, 'log')
    writeFileSync(program, `#!/bin/sh\nlog='${log}'\n${script}\n`)
    chmodSync(program, 0o755)
    return { program, log: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []) }
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'punchd-systemd-'))
    clock = new FakeClock()
    warnings = []
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
  })

  describe('through systemd-notify', () => {
    let receiver: Receiver

    before(function () {
      for (const program of ['systemd-notify', 'python3']) {
        if (spawnSync(program, ['--version']).error) skip(this, `${program} is not installed`)
      }
    })
    beforeEach(async () => {
      receiver = new Receiver(folder)
      await until(() => existsSync(receiver.path), 5_000, 'the socket')
    })
    afterEach(() => receiver.stop())

    function listening(env: NodeJS.ProcessEnv = {}): Systemd {
      return systemd({ NOTIFY_SOCKET: receiver.path, ...env })
    }

    it('says READY=1 with a status of one line', async () => {
      await listening().ready('3/4 readers up\n0 waiting')
      await until(() => receiver.messages.length === 1)
      assert.deepEqual(receiver.messages, [['READY=1', 'STATUS=3/4 readers up 0 waiting']])
      assert.deepEqual(warnings, [])
    })

    it('says STOPPING=1', async () => {
      await listening().stopping()
      await until(() => receiver.count('STOPPING=1') === 1)
    })

    it('sends a status only when it changes, once a second at most, the newest', async () => {
      const told = listening()
      await told.ready('a')
      told.status('a')
      for (const text of ['b', 'c', 'd']) told.status(text)
      await until(() => receiver.count('STATUS=b') === 1)
      await clock.advance(1_000)
      await until(() => receiver.count('STATUS=d') === 1)
      await clock.advance(10_000)
      assert.deepEqual(
        receiver.messages.map((lines) => lines.at(-1)),
        ['STATUS=a', 'STATUS=b', 'STATUS=d'],
      )
      assert.equal(clock.sleeping, 0, 'no timer is left when nothing changes')
    })

    it('pings twice per WatchdogSec while the daemon is alive', async () => {
      const stop = new AbortController()
      const done = listening({ WATCHDOG_USEC: '60000000' }).watchdog(() => Promise.resolve(true), stop.signal)
      for (let pings = 1; pings <= 4; pings++) {
        await until(() => receiver.count('WATCHDOG=1') === pings, 5_000, `ping ${pings}`)
        await clock.advance(29_999)
        assert.equal(receiver.count('WATCHDOG=1'), pings)
        await clock.advance(1)
      }
      stop.abort()
      await done
      assert.equal(clock.sleeping, 0)
    })

    it('does not ping when the daemon is not alive, or does not answer, until it does (A13)', async () => {
      const answers = [() => Promise.resolve(false), () => Promise.reject(new Error('broken'))]
      let revive: (alive: boolean) => void = () => undefined
      const late = new Promise<boolean>((resolve) => (revive = resolve))
      const stop = new AbortController()
      const told = listening({ WATCHDOG_USEC: '60000000' })
      let asked = 0
      const isAlive = (): Promise<boolean> => (asked++, answers.shift()?.() ?? late)
      const done = told.watchdog(isAlive, stop.signal)
      await clock.advance(300_000)
      assert.equal(asked, 3, 'a check that hangs is not started again')
      await told.ready('a marker behind every ping there might have been')
      await until(() => receiver.count('READY=1') === 1)
      assert.equal(receiver.count('WATCHDOG=1'), 0)
      revive(true)
      await until(() => receiver.count('WATCHDOG=1') === 1)
      stop.abort()
      await done
    })
  })

  it('does nothing outside systemd', async () => {
    const { program, log } = helper('echo "$@" >>"$log"')
    const told = systemd({ WATCHDOG_USEC: '2000000' }, { program })
    await told.ready('up')
    told.status('changed')
    await told.watchdog(() => Promise.resolve(true), new AbortController().signal)
    await told.stopping()
    assert.deepEqual(log(), [])
  })

  it('leaves a watchdog alone that watches another process', async () => {
    const told = systemd({ NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC: '2000000', WATCHDOG_PID: '1' })
    await told.watchdog(() => Promise.resolve(true), new AbortController().signal)
  })

  it('warns once and goes on when the helper is missing', async () => {
    const told = systemd({ NOTIFY_SOCKET: '/nowhere' }, { program: join(folder, 'absent') })
    await told.ready('up')
    await told.stopping()
    assert.deepEqual(warnings, ['systemd cannot be told how the daemon does'])
  })

  it('runs one helper at a time; what comes meanwhile leaves together', async () => {
    const { program, log } = helper('echo begin "$@" >>"$log"; sleep 0.1; echo end >>"$log"')
    const told = systemd({ NOTIFY_SOCKET: '/nowhere' }, { program })
    await Promise.all([told.ready('a'), told.ready('b'), told.ready('c'), told.stopping()])
    assert.deepEqual(log(), ['begin READY=1 STATUS=a', 'end', 'begin STATUS=c STOPPING=1', 'end'])
  })

  it('ends a helper that gets no answer, and repeats READY=1 until it was heard', async () => {
    const { program, log } = helper('echo "$@" >>"$log"; [ "$(wc -l <"$log")" -gt 1 ] || exec sleep 30')
    const told = systemd({ NOTIFY_SOCKET: '/nowhere' }, { program, helperMs: 200 })
    await told.ready('up')
    assert.equal(warnings.length, 1)
    told.status('next')
    await told.stopping()
    assert.deepEqual(log(), ['READY=1 STATUS=up', 'READY=1 STATUS=next', 'STOPPING=1'])
  })
})
