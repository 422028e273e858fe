/** Is the clock set? timesyncd's mark, a real chronyd, steps and suspend. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { SystemClock, type Kernel } from '../src/clock.js'
import { FollowedSync, TimeSources, trackingError } from '../src/sync.js'
import { freePort } from './support/broker.js'
import { built, startChild, type Child } from './support/child.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const HOUR = 3_600_000

describe("timesyncd's mark", () => {
  const folder = tempFolder()
  const mark = (): string => folder.file('synchronized')
  /** A sync, so many seconds ago. */
  const touch = (agoMs = 0): void => {
    writeFileSync(mark(), '')
    utimesSync(mark(), new Date(), new Date(Date.now() - agoMs))
  }

  it('says that the clock is set from the moment it is there, within 20 ms once a first offset is worked off', () => {
    const sources = new TimeSources({ mark: mark() })
    sources.look(HOUR)
    assert.equal(sources.errorMs, null)
    touch()
    sources.look(HOUR + 1_000)
    assert.equal(sources.errorMs, 420, 'less than 400 ms is not stepped')
    sources.look(HOUR + 9_000)
    assert.ok((sources.errorMs ?? 0) > 100 && (sources.errorMs ?? 0) < 200, String(sources.errorMs))
    sources.look(HOUR + 60_000)
    assert.equal(sources.errorMs, 20)
    rmSync(mark())
    sources.look(HOUR + 61_000)
    assert.equal(sources.errorMs, null)
  })

  it('says 20 ms at once when it came with a step', () => {
    const sources = new TimeSources({ mark: mark() })
    sources.look(HOUR)
    sources.doubt(HOUR + 999)
    touch()
    sources.look(HOUR + 1_000)
    assert.equal(sources.errorMs, 20)
  })

  it('grows the bound by 100 ppm once the sync is older than timesyncd lets it become (C03)', () => {
    touch()
    const sources = new TimeSources({ mark: mark() })
    sources.look(HOUR)
    sources.look(HOUR + 2_000_000)
    assert.equal(sources.errorMs, 20)
    sources.look(HOUR + 2_048_000 + 10 * HOUR)
    assert.ok(Math.abs((sources.errorMs ?? 0) - 3_620) <= 1, String(sources.errorMs))
    touch(1_000)
    sources.look(HOUR + 2_048_000 + 10 * HOUR + 1_000)
    assert.equal(sources.errorMs, 20)
  })

  it('is as old at the start as it says', () => {
    touch(12 * HOUR)
    const sources = new TimeSources({ mark: mark() })
    sources.look(24 * HOUR)
    assert.ok(Math.abs((sources.errorMs ?? 0) - (20 + 4_320 - 205)) <= 2, String(sources.errorMs))
  })

  it('does not count after a step until there is a new one', () => {
    touch(10_000)
    const sources = new TimeSources({ mark: mark() })
    sources.look(HOUR)
    assert.equal(sources.errorMs, 20)
    sources.doubt(HOUR + 500)
    assert.equal(sources.errorMs, null)
    sources.look(HOUR + 1_000)
    assert.equal(sources.errorMs, null)
    touch()
    sources.look(HOUR + 2_000)
    assert.equal(sources.errorMs, 20)
  })

  it('is the same to another thread', async () => {
    touch()
    const sources = new TimeSources({ mark: mark() })
    sources.look(HOUR)
    const code = `const { parentPort, workerData } = require('node:worker_threads')
      import(${built('clock.js')}).then(async ({ SystemClock }) => {
        const { FollowedSync } = await import(${built('sync.js')})
        parentPort.postMessage(new SystemClock({ sync: new FollowedSync(workerData) }).now())
      })`
    const worker = new Worker(code, { eval: true, execArgv: [], workerData: sources.shared })
    const moment = await new Promise((resolve) => worker.once('message', resolve))
    assert.equal((moment as { errorMs: unknown }).errorMs, 20)
    await worker.terminate()
    sources.doubt(HOUR + 1)
    assert.equal(new FollowedSync(sources.shared).errorMs, null)
  })
})

describe('the system clock beside what the kernel does', () => {
  /** Clocks that the test sets. */
  class FakeKernel implements Kernel {
    at = { wall: Date.UTC(1970, 0, 1, 1), monotonic: HOUR, uptime: HOUR }
    wall = (): number => this.at.wall
    monotonic = (): number => this.at.monotonic
    uptime = (): number => this.at.uptime
    pass(ms: number, by: Partial<FakeKernel['at']> = {}): void {
      const { wall = ms, monotonic = ms, uptime = ms } = by
      this.at = { wall: this.at.wall + wall, monotonic: this.at.monotonic + monotonic, uptime: this.at.uptime + uptime }
    }
  }
  class Doubts {
    errorMs: number | null = 20
    doubts = 0
    look(): void {
      // Nothing to look at.
    }
    doubt(): void {
      this.doubts += 1
      this.errorMs = null
    }
  }
  let kernel: FakeKernel
  let sync: Doubts
  let clock: SystemClock
  beforeEach(() => {
    kernel = new FakeKernel()
    sync = new Doubts()
    clock = new SystemClock({ kernel, sync })
    clock.now()
  })

  it('counts a suspend at the first card after it, and takes it for no step (C06)', () => {
    kernel.pass(300)
    const { uptime } = clock.now()
    kernel.pass(8 * HOUR, { monotonic: 5 })
    assert.equal(clock.now().uptime - uptime, 8 * HOUR)
    assert.equal(sync.doubts, 0)
    assert.equal(clock.now().state, 'synced')
  })

  it('does not trust a clock that was just stepped, from the first card after it', () => {
    kernel.pass(10)
    const before = clock.now()
    kernel.pass(10, { wall: -HOUR })
    const after = clock.now()
    assert.deepEqual([before.state, after.state, sync.doubts], ['synced', 'unsynced', 1])
    assert.equal(after.uptime - before.uptime, 10)
    kernel.pass(5_000)
    clock.now()
    assert.equal(sync.doubts, 1)
  })

  it('takes the second that a leap second gives twice, or leaves out, for a step (C05)', () => {
    for (const byMs of [-1_000, 1_000]) {
      sync.errorMs = 20
      const before = clock.now()
      kernel.pass(10, { wall: 10 + byMs })
      const after = clock.now()
      assert.deepEqual([before.state, after.state, after.errorMs], ['synced', 'unsynced', null])
      assert.equal(after.uptime - before.uptime, 10)
    }
    assert.equal(sync.doubts, 2)
  })

  it('bears what a time service does while it settles (C03)', () => {
    for (let second = 0; second < 600; second++) {
      // 500 ppm and a nudge.
      kernel.pass(1_000, { wall: 1_000.5 + (second === 300 ? 200 : 0) })
      assert.equal(clock.now().state, 'synced')
    }
  })
})

describe('what chronyd says', () => {
  it('is a bound: what it has yet to correct, its dispersion, half the delay', () => {
    const answer =
      '7F000001,127.0.0.1,6,1795528479.068,-0.010000000,-0.1,0.1,-3.5,-0.0,74.6,0.040000000,0.005000000,0.3,Normal\n'
    assert.equal(trackingError(answer), 10 + 20 + 5 + 1)
  })

  it('is nothing while it follows no source, or only its own clock, or something else speaks', () => {
    for (const answer of [
      '00000000,,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised',
      '7F7F0101,,5,1795528476.9,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,Normal',
      '506 Cannot talk to daemon',
      '7F000001,a,6,1.0,x,0,0,0,0,0,0.1,0.1,0,Normal',
      '',
    ])
      assert.equal(trackingError(answer), undefined, answer)
  })

  const folder = tempFolder()
  const children: Child[] = []
  afterEach(async () => {
    for (const child of children.splice(0)) {
      child.process.kill('SIGKILL')
      await child.ended
    }
  })

  it('grows between answers, counts for a minute without one, and is asked anew after a step', async () => {
    const program = folder.file('chronyc')
    const answer = folder.file('answer')
    const say = (text: string): void => writeFileSync(answer, text)
    writeFileSync(program, `#!/bin/sh\necho x >> ${folder.file('asked')}\ncat ${answer}\n`)
    chmodSync(program, 0o755)
    const sources = new TimeSources({ mark: folder.file('none'), chronyd: folder.path, chronyc: [program] })
    say('7F000001,a,6,1.0,0.004,0,0,0,0,0,0.004,0.004,0,Normal')
    const settles = async (uptime: number, wanted: number | null): Promise<void> =>
      until(() => {
        sources.look(uptime)
        return sources.errorMs === wanted
      })
    await settles(1_000_000, 11)
    sources.look(1_010_001)
    assert.equal(sources.errorMs, 13, '100 ppm of ten seconds, rounded up')
    sources.doubt(1_011_000)
    assert.equal(sources.errorMs, null)
    await settles(1_011_000, 11)
    rmSync(answer)
    sources.look(1_011_000 + 63_000)
    assert.equal(sources.errorMs, 18)
    sources.look(1_011_000 + 65_000)
    assert.equal(sources.errorMs, null)
  })

  it('is believed when it is the real one', async function () {
    this.timeout(60_000)
    if (spawnSync('chronyd', ['--version']).error || spawnSync('chronyc', ['--version']).error)
      return skip(this, 'chrony is not installed')
    if (process.getuid?.() !== 0) return skip(this, 'chronyd needs root')
    mkdirSync(folder.file('run'), { mode: 0o750 })
    /** One that never touches the clock of this machine (-x). Answers to the port of its commands. */
    const chronyd = async (name: string, lines: readonly string[]): Promise<number> => {
      const port = await freePort()
      const run = `${folder.file('run')}/${name}`
      const config = [...lines, `cmdport ${port}`, 'bindcmdaddress 127.0.0.1', 'bindcmdaddress /', `pidfile ${run}.pid`]
      writeFileSync(folder.file(`${name}.conf`), `${config.join('\n')}\n`)
      children.push(startChild('chronyd', ['-x', '-d', '-u', 'root', '-f', folder.file(`${name}.conf`)]))
      return port
    }
    const served = await freePort()
    const asking = (port: number): TimeSources =>
      new TimeSources({
        mark: folder.file('none'),
        chronyd: folder.path,
        chronyc: ['chronyc', '-h', '127.0.0.1', '-p', String(port), '-n', '-c', 'tracking'],
      })
    const own = asking(await chronyd('own', ['local stratum 5', 'allow 127.0.0.1', `port ${served}`]))
    const following = asking(
      await chronyd('following', [`server 127.0.0.1 port ${served} iburst minpoll 0 maxpoll 0`, 'port 0']),
    )
    let uptime = 1_000_000
    const look = (): boolean => {
      uptime += 1_000
      own.look(uptime)
      following.look(uptime)
      return following.errorMs !== null
    }
    await until(look, 30_000, 'chronyd')
    // The two clocks are one: the first bound is wide, and shrinks with every answer.
    await until(() => look() && (following.errorMs ?? Infinity) < 200, 30_000, 'a bound of less than 200 ms')
    assert.equal(own.errorMs, null, 'it follows nobody but itself')
  })
})
