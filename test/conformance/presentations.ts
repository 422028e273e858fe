/** Questions about what a driver reports, and what it shows in return. */
import { strict as assert } from 'node:assert'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { OptionFields } from '../../src/config/options.js'
import type { Credential, TransportKind, Verdict } from '../../src/driver.js'
import type { Rig } from './rig.js'
import { Run } from './run.js'

const VERDICTS: readonly Verdict[] = ['accepted', 'repeat', 'unknown', 'refused']
/** How long a forgotten card lies on the reader. */
const HELD_MS = 60_000
const MANY = 1_000
/** Far below one kept object per presentation; above the noise of the measurement. */
const GROWTH_BYTES = 256

/** The canonical form of each type that readers take. [CONTRACT §4, Credentials] */
const CANONICAL: Partial<Record<Credential['type'], RegExp>> = {
  card: /^([0-9A-F]{2})+$|^[0-9A-F]{3,}$/,
  fingerprint: /^(0|[1-9][0-9]*)$/,
  mac: /^[0-9A-F]{12}$/,
}

export function askAboutPresentations<Fields extends OptionFields, Kind extends TransportKind>(
  rig: Rig<Fields, Kind>,
): void {
  it('is ready once per run', async () => {
    const run = await Run.of(rig)
    await run.present(0)
    assert.equal(run.session.identities.length, 1)
    assert.ok(run.session.identities[0]?.model)
    await run.end()
  })

  it('reports one presentation once, canonical, at the moment it arrived', async () => {
    const run = await Run.of(rig)
    const before = run.clock.uptime()
    await run.present(0)
    assert.deepEqual(
      run.session.sightings.map((sighting) => sighting.credential),
      [offered(run, 0)],
    )
    const [sighting] = run.session.sightings
    assert.ok(sighting && Object.isFrozen(sighting.arrived), 'arrived is the Moment that came with the bytes')
    assert.ok(sighting.arrived.uptime >= before && sighting.arrived.uptime <= run.clock.uptime())
    assert.match(sighting.credential.value, CANONICAL[sighting.credential.type] ?? /./)
    await run.end()
  })

  it('reports a credential that is held for a minute once', async () => {
    const run = await Run.of(rig)
    await run.present(0)
    await run.clock.advance(HELD_MS)
    assert.equal(run.session.sightings.length, 1)
    await run.end()
  })

  it('reports it again after it was taken away and came back, and others meanwhile', async () => {
    const run = await Run.of(rig)
    for (const index of [0, 0, 1, 0]) {
      await run.present(index)
      await run.withdraw()
    }
    assert.deepEqual(
      run.session.values,
      [0, 0, 1, 0].map((index) => offered(run, index).value),
    )
    await run.end()
  })

  for (const verdict of VERDICTS) {
    it(`shows ${verdict}${rig.shows === 'none' ? ': nothing, the device cannot' : ''}`, async () => {
      const run = await Run.of(rig)
      run.session.answer = verdict
      run.device.shown()
      await run.present(0)
      await run.withdraw()
      assert.deepEqual(run.device.shown(), rig.shows === 'none' ? [] : rig.shows[verdict])
      await run.end()
    })
  }

  it('shows nothing before the record is on disk', async () => {
    const run = await Run.of(rig)
    let stored: ((verdict: Verdict) => void) | undefined
    run.session.answer = () => new Promise((resolve) => (stored = resolve))
    run.device.shown()
    await run.present(0)
    assert.ok(stored, 'the driver reported')
    assert.deepEqual(run.device.shown(), [])
    stored('accepted')
    await run.withdraw()
    assert.deepEqual(run.device.shown(), rig.shows === 'none' ? [] : rig.shows.accepted)
    await run.end()
  })

  it(`takes ${MANY} presentations without growing`, async function () {
    this.timeout(60_000)
    const run = await Run.of(rig)
    await presentOften(run, 200)
    const before = heapUsed()
    await presentOften(run, MANY)
    const grown = heapUsed() - before
    assert.ok(grown < MANY * GROWTH_BYTES, `grew by ${grown} bytes`)
    await run.end()
  })
}

async function presentOften<F extends OptionFields, K extends TransportKind>(
  run: Run<F, K>,
  times: number,
): Promise<void> {
  for (let time = 0; time < times; time++) {
    await run.present(time % 2)
    await run.withdraw()
    run.device.shown()
    assert.equal(run.session.sightings.length, 1, `presentation ${time}`)
    run.session.sightings.length = 0
    run.session.log.lines.length = 0
  }
}

function offered<F extends OptionFields, K extends TransportKind>(run: Run<F, K>, index: number): Credential {
  const credential = run.device.credentials[index]
  assert.ok(credential, `the rig offers no credential ${index}`)
  return credential
}

/** Bytes in use after a full collection. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
