/**
 * Who was there, by what a radio heard: a real daemon with real noble over a virtual controller, and half an hour of comings
 * and goings at thirty times their speed. And one phone through a whole day, on a clock of the test.
 */
import { strict as assert } from 'node:assert'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { driver } from '../drivers/ble/index.js'
import { eddystoneUid, iBeacon, phone, resolvableAddress, type OnAir } from '../simulators/hci-air.js'
import { Controller } from '../simulators/hci.js'
import { between, seeded } from '../simulators/random.js'
import type { OptionValues, Sample, Watched } from '../src/driver.js'
import { JournalReader } from '../src/journal/query.js'
import { Presence, type Change } from '../src/policy/presence.js'
import { presenceSettings } from '../src/presence-options.js'
import { Air } from './support/air.js'
import type { Child } from './support/child.js'
import { logged, startDaemon, writeConfig } from './support/daemon.js'
import { FakeClock } from './support/fake-clock.js'
import { optionDefaults, RecordingSession } from './support/session.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const SEED = 20_261_124
const IRK = 'ec0234a357c8ad05341010a60a397d9b'

/** Thirty minutes; a script's minute is two seconds. */
const LENGTH_MS = 60_000
const AWAY_MS = 6_000
/** Each badge speaks every ten seconds of the script. */
const EVERY_MS = 333
const LOSS_AT = 26_000
/** Longer than `away`: the silence of a lost radio sends nobody home. */
const BACK_AT = 33_000
/** How late a time may be: adverts come every third of a second, in batches, and the machine is busy. */
const LATE_MS = 2_500
const MB = 1024 * 1024

/** Somebody, and when that is to be heard. */
interface Walker {
  readonly value: string
  readonly data: Uint8Array
  readonly address: (ms: number) => string
  readonly heard: readonly (readonly [from: number, to: number])[]
  /** What the journal must say; the same as `heard`, but for those who were away too shortly, or too far off. */
  readonly stays: readonly (readonly [from: number, to: number])[]
  readonly rssiDbm: number
}

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0')

function walkers(): Walker[] {
  const random = seeded(SEED)
  return Array.from({ length: 200 }, (_, nth): Walker => {
    const isUid = nth % 2 === 0
    const value = isUid ? hex(0xabcd, 20) + hex(nth, 12) : `E2C56DB5DFFB48D2B060D0F5A71096E00001${hex(nth, 4)}`
    const data = isUid ? eddystoneUid(value) : iBeacon(value)
    const address = (): string => `C0112233${hex(nth, 4)}`
    const rssiDbm = nth % 10 === 9 ? -92 : -between(random, 45, 68)
    const heard = visits(nth, random)
    const first = heard[0] ?? [0, 0]
    const last = heard.at(-1) ?? first
    if (nth % 10 === 9) return { value, data, address, heard, rssiDbm, stays: [] }
    if (nth % 10 === 8) return { value, data, address, heard, rssiDbm, stays: [[first[0], last[1]]] }
    return { value, data, address, heard, rssiDbm, stays: heard }
  })
}

/** None ends or begins near the loss of the adapter in such a way that nobody could tell. */
function visits(nth: number, random: () => number): [number, number][] {
  const from = between(random, 1_000, 4_000)
  const end = between(random, 58_500, LENGTH_MS)
  // A walk round the house, shorter than `away`.
  if (nth % 10 === 8) return [[from, 46_000], [49_000, end]] // prettier-ignore
  if (nth % 4 === 0) return [[from, between(random, 7_000, 9_000)], [between(random, 21_000, 23_000), end]] // prettier-ignore
  if (nth % 4 === 1) return [[from, between(random, 44_000, 46_000)], [between(random, 55_500, 57_000), end]] // prettier-ignore
  if (nth % 4 === 2) return [[from, between(random, 12_000, 24_000)]]
  return [[from, end]]
}

describe('presence of 200 beacons and a phone, by a radio with faults', function () {
  this.timeout(240_000)
  const folder = tempFolder()
  const closers: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  const script = walkers()
  const ada: Walker = {
    value: 'ada-phone',
    data: phone(),
    // A new address every five minutes of the script.
    address: (ms) => resolvableAddress(IRK, 1_000 + Math.floor(ms / 10_000)),
    heard: [[2_000, LENGTH_MS]],
    stays: [[2_000, LENGTH_MS]],
    rssiDbm: -55,
  }

  function config(): string {
    const watch = script.map(({ value }) => `{ type: beacon, value: "${value}" }`)
    watch.push(`{ type: phone, value: ada-phone, name: ada, irk: "${IRK}" }`)
    return writeConfig(folder.path, {
      readers: [[
        'id: radio', 'driver: ble', 'transport: "ble:hci0"', 'sim: true', 'options:', // prettier-ignore
        `  samples: 3`, `  within: 2s`, `  away: ${AWAY_MS}ms`, `  watch: [${watch.join(', ')}]`, // prettier-ignore
      ]], // prettier-ignore
    })
  }

  it('are the arrivals and departures of the script (E14)', async () => {
    const twin = await Controller.start({ path: folder.file('hci.sock') })
    closers.push(() => twin.unplug())
    const daemon = await startDaemon(config(), twin.env)
    closers.push(() => stopped(daemon))
    await until(() => logged(daemon, 'reader-up').length > 0 && twin.scanning, 30_000, 'the radio')
    const { begun, backAt, memory } = await play(twin, daemon, [...script, ada])
    await until(() => logged(daemon, 'presence-left').length >= leavings(), AWAY_MS + 10_000, 'the last departures').catch(() => undefined) // prettier-ignore
    await stopped(daemon)
    compare(begun, backAt)
    checkMemory(memory)
    assert.ok(logged(daemon, 'driver-bug').length === 0)
  })

  function leavings(): number {
    return [...script, ada].reduce((sum, { stays }) => sum + stays.length, 0)
  }

  function compare(begun: number, backAt: number): void {
    const journal = new JournalReader(join(folder.path, 'journal.db'), [[0, 0]])
    const told = new Map<string, { change: string; at: number }[]>()
    for (const { json } of journal.records({ kind: 'presence' })) {
      const { change, time, credential } = JSON.parse(json) as { change: string; time: string; credential: { value: string } } // prettier-ignore
      const list = told.get(credential.value) ?? []
      told.set(credential.value, [...list, { change, at: Date.parse(time) - begun }])
    }
    journal.close()
    for (const { value, stays } of [...script, ada]) {
      const got = told.get(value) ?? []
      const expected = stays.flatMap(([from, to]) => [{ change: 'arrived', at: from }, { change: 'left', at: to }]) // prettier-ignore
      assert.deepEqual(got.map(({ change }) => change), expected.map(({ change }) => change), `${value}: ${JSON.stringify({ got, expected, backAt })}`) // prettier-ignore
      for (const [nth, { change, at }] of expected.entries()) {
        const off = (got[nth]?.at ?? Number.NaN) - at
        assert.ok(Math.abs(off) < LATE_MS, `${value} ${change} at ${at}, told ${off} ms off`)
      }
      told.delete(value)
    }
    assert.deepEqual([...told.keys()], [], 'nobody else')
  }
})

interface Played {
  readonly begun: number
  readonly backAt: number
  readonly memory: Readonly<Record<'daemonEarly' | 'daemonLate' | 'childEarly' | 'childLate', number>>
}

/** Puts on the air what the script says, with strangers, cut events and a lost adapter. */
async function play(twin: Controller, daemon: Child, script: readonly Walker[]): Promise<Played> {
  const pid = daemon.process.pid ?? 0
  const begun = Date.now()
  const start = performance.now()
  const memory = { daemonEarly: 0, daemonLate: 0, childEarly: 0, childLate: 0 }
  let backAt = 0
  let loss: Promise<void> | undefined
  let back: Promise<void> | undefined
  let step = 0
  let strangers = 0
  await until(async () => {
    const now = performance.now() - start
    if (!loss && now > LOSS_AT) await (loss = twin.unplug())
    if (!back && now > BACK_AT) await (back = twin.plug())
    if (back && backAt === 0 && twin.scanning) backAt = now
    if (memory.daemonEarly === 0 && now > 15_000) memory.daemonEarly = residentBytes(pid)
    if (memory.childEarly === 0 && now > 45_000) memory.childEarly = residentBytes(childOf(pid))
    for (; step * 10 < now; step++) {
      speak(twin, script, step)
      twin.air({ address: hex(0x4000_0000_0000 + strangers++, 12), rssiDbm: -60, data: phone() })
      if (step % 5 === 0) twin.event(Buffer.from('043e0502020301aa', 'hex'))
    }
    return now > LENGTH_MS
  }, LENGTH_MS + 20_000, 'the end of the script') // prettier-ignore
  memory.daemonLate = residentBytes(pid)
  memory.childLate = residentBytes(childOf(pid))
  console.log(`      adapter back after ${Math.round(backAt - LOSS_AT)} ms, ${strangers} strangers`)
  assert.ok(backAt > 0 && backAt < 43_000, `back at ${backAt}`)
  return { begun, backAt, memory }
}

/** Those whose turn it is in these ten milliseconds. */
function speak(twin: Controller, script: readonly Walker[], step: number): void {
  const ms = step * 10
  const slots = Math.floor(EVERY_MS / 10)
  for (const [nth, { heard, address, rssiDbm, data }] of script.entries()) {
    if (nth % slots !== step % slots) continue
    const report: OnAir = { address: address(ms), rssiDbm, data }
    if (heard.some(([from, to]) => ms >= from && ms < to)) twin.air(report)
  }
}

function checkMemory({ daemonEarly, daemonLate, childEarly, childLate }: Played['memory']): void {
  const mb = (bytes: number): string => (bytes / MB).toFixed(0)
  console.log(`      daemon ${mb(daemonEarly)} → ${mb(daemonLate)} MB, noble ${mb(childEarly)} → ${mb(childLate)} MB`)
  assert.ok(daemonEarly > 0 && childEarly > 0)
  assert.ok(daemonLate - daemonEarly < 25 * MB, 'the daemon grows')
  assert.ok(childLate - childEarly < 15 * MB, 'the child process grows')
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

function childOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  return Number(children.find((child) => existsSync(`/proc/${child}`) && readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('ble-child'))) // prettier-ignore
}

async function stopped(daemon: Child): Promise<void> {
  daemon.process.kill('SIGTERM')
  await daemon.ended
}

describe('a phone that changes its address every 15 minutes', function () {
  this.timeout(60_000)
  const HOUR_MS = 3_600_000
  const WATCH: readonly Watched[] = [
    { type: 'phone', value: 'ada-phone', name: 'ada', irk: IRK },
    { type: 'beacon', value: hex(7, 32), name: 'ada' },
  ]

  /** Adverts every 20 s for `hours`, among those of a hundred strangers whose addresses change, too. */
  async function day(hours: number, spoken: (ms: number) => OnAir[]): Promise<Change[]> {
    const clock = new FakeClock()
    const stop = new AbortController()
    const air = new Air(clock, stop.signal)
    const config: OptionValues<typeof driver.options> = { ...optionDefaults(driver.options), watch: WATCH, within: 60_000, away: 300_000 } // prettier-ignore
    const session = new RecordingSession<typeof config, 'advert'>({ config, transport: air, clock, signal: stop.signal, scheme: 'ble' }) // prettier-ignore
    const policy = new Presence(presenceSettings(config).rules)
    const changes: Change[] = []
    const done = driver.run(session)
    for (let ms = 0; ms < hours * HOUR_MS; ms += 20_000) {
      for (const report of spoken(ms)) air.say(report)
      air.say({ address: strangerAt(ms), rssiDbm: -50, data: phone() })
      await clock.advance(20_000)
      for (const sample of session.samples.splice(0) as Sample[]) changes.push(...policy.take(sample, 'ada')) // Nothing lists here.
      changes.push(...policy.tick(clock.uptime()))
    }
    stop.abort()
    await done
    return changes
  }

  const strangerAt = (ms: number): string => resolvableAddress('00112233445566778899aabbccddeeff', Math.floor(ms / 20_000)) // prettier-ignore
  const adaAt = (ms: number): OnAir => ({ address: resolvableAddress(IRK, Math.floor(ms / (HOUR_MS / 4))), rssiDbm: -60, data: phone() }) // prettier-ignore
  const told = (changes: readonly Change[]): unknown[] => changes.map(({ change, holder }) => [change, holder])

  it('is one person all day, and leaves once', async () => {
    const changes = await day(24, (ms) => (ms < 23 * HOUR_MS ? [adaAt(ms)] : []))
    assert.deepEqual(told(changes), [['arrived', 'ada'], ['left', 'ada']]) // prettier-ignore
    const [arrived, left] = changes
    assert.ok(
      left && arrived && left.at.uptime - arrived.at.uptime === 23 * HOUR_MS - 20_000,
      'from the first to the last',
    )
    assert.deepEqual([arrived.credential.value, left.since], ['ada-phone', arrived.at])
  })

  it('is nobody without the key', async () => {
    assert.deepEqual(await day(2, (ms) => [{ ...adaAt(ms), address: resolvableAddress('9b7d390aa610103405adc857a33402ec', ms) }]), []) // prettier-ignore
  })

  it('and the badge of the same person arrive and leave as one', async () => {
    const badge = { address: 'C01122334455', rssiDbm: -60, data: eddystoneUid(hex(7, 32)) }
    const changes = await day(6, (ms) => [
      ...(ms < 3 * HOUR_MS ? [adaAt(ms)] : []),
      ...(ms > 2 * HOUR_MS && ms < 5 * HOUR_MS ? [badge] : []),
    ])
    assert.deepEqual(told(changes), [['arrived', 'ada'], ['left', 'ada']]) // prettier-ignore
    assert.equal(changes[1]?.credential.type, 'beacon')
  })
})
