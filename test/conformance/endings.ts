/** Questions about how a run ends: unplugged, silent, stopped. */
import { strict as assert } from 'node:assert'
import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import type { OptionFields } from '../../src/config/options.js'
import { ProtocolError, TransportError, type TransportKind, type Verdict } from '../../src/driver.js'
import type { Rig } from './rig.js'
import { Run } from './run.js'

const HOUR_MS = 3_600_000

export function askAboutEndings<Fields extends OptionFields, Kind extends TransportKind>(rig: Rig<Fields, Kind>): void {
  it('rejects with TransportError when unplugged', async () => {
    const run = await Run.of(rig)
    await run.device.unplug()
    await run.clock.advance(0)
    await run.done
    assertLost(run)
  })

  it('rejects with TransportError when unplugged with a credential on it', async () => {
    const run = await Run.of(rig)
    await run.present(0)
    await run.device.unplug()
    await run.clock.advance(0)
    await run.done
    assertLost(run)
    assert.equal(run.session.sightings.length, 1, 'what was seen before stays reported')
  })

  if (rig.silence === 'normal') {
    it('stays up while the device is silent, as it may be', async () => {
      const run = await Run.of(rig, (device) => device.mute())
      await run.clock.advance(HOUR_MS)
      assert.equal(run.ending, 'running')
      assert.equal(run.session.identities.length, 1)
      await run.end()
    })
  } else {
    const { timeoutMs } = rig.silence
    it(`gives a silent device up within ${timeoutMs} ms`, async () => {
      const run = await Run.of(rig, (device) => device.mute())
      await run.clock.advance(timeoutMs)
      const error = errorOf(run)
      assert.ok(error instanceof TransportError || error instanceof ProtocolError, String(error))
      assert.equal(run.session.identities.length, 0, 'a device that never answered was never ready')
    })
    it('gives a device up that falls silent later', async () => {
      const run = await Run.of(rig)
      await run.device.mute()
      await run.clock.advance(timeoutMs)
      assert.ok(errorOf(run) !== undefined, 'still running')
    })
  }

  it('resolves at once when stopped, and leaves nothing behind', async () => {
    const resources = await countResources()
    const run = await Run.of(rig)
    await run.end()
    await run.clock.settle()
    await checkClean(run, resources)
    assert.ok(run.clock.sleeping === 0, `${run.clock.sleeping} sleeps left`)
  })

  it('resolves at once when stopped after a presentation', async () => {
    const resources = await countResources()
    const run = await Run.of(rig)
    await run.present(0)
    await run.device.withdraw()
    await run.end()
    await run.clock.settle()
    await checkClean(run, resources)
    assert.equal(run.clock.sleeping, 0, `${run.clock.sleeping} sleeps left`)
  })

  it('resolves when stopped while a report is being stored', async () => {
    const run = await Run.of(rig)
    let stored: ((verdict: Verdict) => void) | undefined
    run.session.answer = () => new Promise((resolve) => (stored = resolve))
    await run.present(0)
    await run.device.withdraw()
    run.stop.abort()
    stored?.('accepted')
    await run.done
    assert.equal(run.ending, 'resolved')
  })
}

function assertLost<F extends OptionFields, K extends TransportKind>(run: Run<F, K>): void {
  const how = typeof run.ending === 'object' ? `rejected with ${String(run.ending.error)}` : run.ending
  assert.ok(errorOf(run) instanceof TransportError, `run() ${how}; it must reject with the TransportError of the wire`)
}

function errorOf<F extends OptionFields, K extends TransportKind>(run: Run<F, K>): unknown {
  return typeof run.ending === 'object' ? run.ending.error : undefined
}

async function checkClean<F extends OptionFields, K extends TransportKind>(
  run: Run<F, K>,
  before: string,
): Promise<void> {
  assert.equal(run.ending, 'resolved', typeof run.ending === 'object' ? String(run.ending.error) : run.ending)
  assert.equal(getEventListeners(run.stop.signal, 'abort').length, 0, 'abort listeners left on the session signal')
  assert.equal(await countResources(), before, 'timers or handles left')
}

/** What keeps the event loop alive, sorted: equal before and after a run that cleaned up. */
async function countResources(): Promise<string> {
  await turn() // mocha starts its own timer after it called the test.
  return process
    .getActiveResourcesInfo()
    .filter((name) => name !== 'Immediate')
    .sort()
    .join(' ')
}
