/** The clocks of this machine. */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { setMaxListeners } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { SystemClock } from '../src/clock.js'
import { root } from './support/root.js'
import { skip } from './support/skip.js'

const run = promisify(execFile)
const kernelUptimeMs = (): number => Number.parseFloat(readFileSync('/proc/uptime', 'utf8')) * 1_000

describe('the system clock', () => {
  const clock = new SystemClock()

  it('says in a moment what all clocks say', () => {
    const before = Date.now()
    const moment = clock.now()
    assert.ok(moment.wall >= before && moment.wall <= Date.now())
    assert.equal(moment.boot, readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
    assert.ok(Number.isInteger(moment.uptime))
    assert.equal(moment.state, existsSync('/run/systemd/timesync/synchronized') ? 'synced' : 'unsynced')
    assert.equal(moment.errorMs, moment.state === 'synced' ? 20 : null)
    assert.ok(Object.isFrozen(moment))
  })

  it('agrees with the kernel on the uptime', () => {
    const before = kernelUptimeMs()
    const ours = clock.uptime()
    const after = kernelUptimeMs()
    // The kernel rounds to 10 ms; 50 ms more is what the clock tolerates before it takes it for suspend.
    assert.ok(ours >= before - 70 && ours <= after + 70, `${ours} is not between ${before} and ${after}`)
  })

  it('never goes back', () => {
    let last = clock.uptime()
    for (let turn = 0; turn < 100_000; turn++) {
      const next = clock.uptime()
      assert.ok(next >= last, `${next} after ${last}`)
      last = next
    }
  })

  it('says the same to two processes of one boot', async () => {
    const code = `const { SystemClock } = await import(${JSON.stringify(join(root, 'dist/src/clock.js'))}); console.log(JSON.stringify(new SystemClock().now()))`
    const before = clock.now()
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code])
    const other = JSON.parse(stdout) as typeof before
    const after = clock.now()
    assert.equal(other.boot, before.boot)
    assert.ok(other.uptime >= before.uptime - 70 && other.uptime <= after.uptime + 70)
  })

  it('counts the time in which the machine slept, as the kernel does (C06)', async function () {
    const SLEPT_S = 100_000
    const wrapper = ['--time', '--boottime', String(SLEPT_S), '--fork']
    if (process.getuid?.() !== 0) return skip(this, 'only root can make a time namespace')
    if (spawnSync('unshare', [...wrapper, 'true']).status !== 0) return skip(this, 'this kernel has no time namespaces')
    const code = `const { SystemClock } = await import(${JSON.stringify(join(root, 'dist/src/clock.js'))})
      console.log(JSON.stringify({ uptime: new SystemClock().now().uptime, monotonic: Number(process.hrtime.bigint() / 1_000_000n) }))`
    const { stdout } = await run('unshare', [...wrapper, process.execPath, '--input-type=module', '-e', code])
    const { uptime, monotonic } = JSON.parse(stdout) as { uptime: number; monotonic: number }
    const before = clock.uptime() - Number(process.hrtime.bigint() / 1_000_000n)
    assert.ok(Math.abs(uptime - monotonic - before - SLEPT_S * 1_000) < 1_000, `${uptime} at ${monotonic}`)
  })

  it('sleeps as long as asked', async () => {
    const start = performance.now()
    await clock.sleep(30)
    assert.ok(performance.now() - start >= 29)
  })

  it('wakes at once when the signal aborts, and leaves neither timer nor listener', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    // Mocha starts its own timer once the test gives it a promise.
    await turn()
    const before = timers()
    const abort = new AbortController()
    const slept = clock.sleep(60_000, abort.signal)
    assert.equal(timers(), before + 1)
    abort.abort()
    await slept
    assert.equal(timers(), before)
    await clock.sleep(60_000, abort.signal)
    assert.equal(timers(), before)
  })

  it('leaves no listener on a signal that many sleeps share', async () => {
    const abort = new AbortController()
    setMaxListeners(0, abort.signal)
    let listeners = 0
    const { signal } = abort
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1
      remove(...args)
    }
    await Promise.all(Array.from({ length: 20 }, () => clock.sleep(1, signal)))
    assert.equal(listeners, 0)
  })
})
