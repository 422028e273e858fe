/** Questions about what a driver reports, and what it shows in return. */
import { strict as assert } from 'node:assert'
import { setImmediate as turn } from 'node:timers/promises'
import { getHeapSpaceStatistics } from 'node:v8'
import type { OptionFields } from '../../src/config/options.js'
import type { Credential, TransportKind, Verdict } from '../../src/driver.js'
import type { Rig } from './rig.js'
import { Run } from './run.js'
import { collector } from '../support/heap.js'

const VERDICTS: readonly Verdict[] = ['accepted', 'repeat', 'unknown', 'refused']
/** How long a forgotten card lies on the reader. */
const HELD_MS = 60_000
const MANY = 1_000
/** V8 goes on compiling, and keeping what it learnt, for some two thousand cards: the first round or two may show it. */
const WARM_UP = 1_000
const ROUNDS = 5
/** An SD card that stalls. */
const SLOW_DISK_MS = 10_000
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
    const ready = run.session.identities.length
    assert.equal(ready, 1, `ready() was called ${ready} times; once per run, at the start when there is no handshake`)
    assert.ok(run.session.identities[0]?.model, 'ready() names the model')
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
    assert.ok(sighting)
    assert.equal(sighting.point, run.device.pointOf?.(0), 'the point at which it was presented')
    assert.ok(run.clock.gave(sighting.arrived), 'arrived must be the very object that came with the bytes')
    assert.ok(run.session.counters.goodFrames >= 1, 'a valid frame counts: session.count("goodFrames")')
    assert.ok(sighting.arrived.uptime >= before && sighting.arrived.uptime <= run.clock.uptime())
    assert.match(sighting.credential.value, CANONICAL[sighting.credential.type] ?? /./)
    await run.end()
  })

  it('reports a credential that is held for a minute once (E07)', async () => {
    const run = await Run.of(rig)
    await run.present(0)
    await run.clock.advance(HELD_MS)
    assert.equal(run.session.sightings.length, 1, 'a held credential is one presentation')
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
      assert.deepEqual(run.device.shown(), rig.shows === 'none' ? [] : rig.shows[verdict], `what ${verdict} shows`)
      assertPrivate(run, offered(run, 0))
      await run.end()
    })
  }

  it('shows nothing before the record is on disk (A01)', async () => {
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

  it('waits for the disk, and a card that lies there meanwhile stays one presentation (B15)', async () => {
    const run = await Run.of(rig)
    const stored: ((verdict: Verdict) => void)[] = []
    run.session.answer = () => new Promise((resolve) => stored.push(resolve))
    await run.present(0)
    await run.clock.advance(SLOW_DISK_MS)
    stored.shift()?.('accepted')
    await run.clock.advance(0)
    const reported = run.session.sightings.length
    assert.equal(reported, 1, `${reported} reports of one held credential: measure on \`arrived\`, not on the clock`)
    // A driver that asks could not look meanwhile: that is no silence of the card.
    await run.clock.advance(rig.noticeMs ?? 1_000)
    assert.equal(run.session.sightings.length, 1, 'reported again at the first looks after the disk came back')
    await run.withdraw()
    await run.end()
  })

  it(`takes ${MANY} presentations without growing`, async function () {
    this.timeout(60_000)
    const run = await Run.of(rig)
    await presentOften(run, WARM_UP)
    // A leak shows in every round; what V8 and tests before this one leave behind does not.
    const rounds: number[] = []
    while (rounds.length < ROUNDS && !rounds.some((grown) => grown < MANY * GROWTH_BYTES)) {
      const before = await heapUsed()
      await presentOften(run, MANY)
      rounds.push((await heapUsed()) - before)
    }
    assert.ok(Math.min(...rounds) < MANY * GROWTH_BYTES, `grew by ${rounds.join(', ')} bytes`)
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

/** Nothing that is logged holds a whole credential: its last four characters are enough to recognise it. */
function assertPrivate<F extends OptionFields, K extends TransportKind>(run: Run<F, K>, { value }: Credential): void {
  const told = run.session.log.lines.map((line) => JSON.stringify(line)).find((line) => line.includes(value))
  assert.equal(told, undefined, 'a log line holds the whole credential')
}

function offered<F extends OptionFields, K extends TransportKind>(run: Run<F, K>, index: number): Credential {
  const credential = run.device.credentials[index]
  assert.ok(credential, `the rig offers no credential ${index}`)
  return credential
}

/**
 * Bytes in use after full collections, machine code left out. The least of several: some things (weak references,
 * aborted signals) go only a turn of the loop after they were let go of.
 */
async function heapUsed(): Promise<number> {
  const collect = collector()
  let least = Infinity
  for (let time = 0; time < 5; time++) {
    collect()
    await turn()
    const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => !name.startsWith('code'))
    least = Math.min(least, spaces.reduce((sum, { space_used_size: used }) => sum + used, 0)) // prettier-ignore
  }
  return least
}
