/** wan: a broker far away: how much of what the window allows is used, and how soon sending begins when the way is there again. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import mqtt from 'mqtt'
import { startBroker, type Broker } from './broker.js'
import { drainCopy, rate } from './drain.js'
import { Gate } from './gate.js'
import type { Journals } from './journals.js'
import { LitDaemon } from './lit.js'
import { judged, median, round, type Bench, type Measured } from './outcome.js'
import { Relay } from './relay.js'

/** Half of it each way. */
const TRIP_MS = 50
const PINGS = 20
const ACROSS_MS = 60_000
const ACKNOWLEDGED_MS = 500

interface Load {
  /** In flight, as the broker allows it. */
  readonly window: number
  /** So many of this journal wait. */
  readonly waiting: number
  readonly journal: number
}

/** Journals that other benches need, too. */
const LOADS: readonly Load[] = [
  { window: 64, waiting: 5_000, journal: 20_000 },
  { window: 1_000, waiting: 100_000, journal: 100_000 },
]
const QUICK_LOADS: readonly Load[] = LOADS.map(({ window }) => ({ window, waiting: 1_000, journal: 2_000 }))

export const wan: Bench = {
  name: 'wan',
  title: `records/s at a round trip of ${TRIP_MS} ms ÷ window per round trip; first publish after an outage ÷ 1 s and ÷ 5 s`,
  goal: { bound: 'at least', limit: 0.85 },

  async run({ folder, quick, full, journals, say }) {
    const rounds = quick ? 1 : 3
    const shares: Measured[] = []
    const trips: number[] = []
    for (const load of quick ? QUICK_LOADS : LOADS) {
      const far = await farBroker(folder, load.window)
      const sharesOfOne: number[] = []
      for (let turn = 1; turn <= rounds; turn++) {
        trips.push(await roundTrip(far.relay.port))
        const perSecond = await drained(journals, folder, load, far.relay)
        sharesOfOne.push(perSecond / ((load.window * 1_000) / trips.at(-1)!))
        say(`wan window ${load.window}, ${turn}/${rounds}: ${round(perSecond)}/s, ${round(trips.at(-1)!)} ms a trip`)
      }
      await far.close()
      shares.push({ against: `window${load.window}`, goal: this.goal, rounds: sharesOfOne })
    }
    const short = await outages(folder, quick ? [200] : [500, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500], say)
    const long = quick ? [] : await outages(folder, full ? [60_000, 60_000, 60_000] : [10_000], say)
    const recovery: Measured[] = [
      { against: 'second', goal: { bound: 'at most', limit: 1 }, rounds: short.map((ms) => ms / 1_000) },
      ...(long.length > 0 ? [{ against: 'fiveSecondsLong', goal: { bound: 'at most', limit: 1 }, rounds: long.map((ms) => ms / 5_000) } as const] : []), // prettier-ignore
    ]
    return judged([...shares, ...recovery], {
      tripMs: round(median(trips)),
      firstPublishMs: round(median(short)),
      ...(long.length > 0 && { firstPublishAfterLongMs: round(median(long)) }),
    })
  },
}

async function farBroker(folder: string, window: number): Promise<{ relay: Relay; close(): Promise<void> }> {
  const broker: Broker = await startBroker(folder, [`max_inflight_messages ${window}`])
  const relay = await Relay.open({ to: broker.port, delayMs: TRIP_MS / 2 })
  const close = async (): Promise<void> => {
    await relay.refuse()
    await broker.stop()
  }
  return { relay, close }
}

/** What one publish at a time takes over this line. */
async function roundTrip(port: number): Promise<number> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5 })
  const trips: number[] = []
  for (let ping = 0; ping < PINGS; ping++) {
    const before = performance.now()
    await client.publishAsync('ping', 'x', { qos: 1 })
    trips.push(performance.now() - before)
  }
  await client.endAsync()
  return median(trips)
}

async function drained(journals: Journals, folder: string, load: Load, relay: Relay): Promise<number> {
  const sent = await drainCopy(journals, load.journal, folder, relay.port, load.waiting)
  if (sent.acknowledged !== load.waiting) throw new Error(`wan: ${sent.acknowledged} of ${load.waiting} were acknowledged`) // prettier-ignore
  return rate(sent)
}

/** Milliseconds from the moment the way is there again to the first record on it, after outages of so many milliseconds. */
async function outages(folder: string, lengths: readonly number[], say: (progress: string) => void): Promise<number[]> {
  const data = join(folder, `outages-${lengths[0] ?? 0}`)
  mkdirSync(data)
  const broker = await startBroker(folder)
  const relay = await Relay.open({ to: broker.port })
  const gate = await Gate.network()
  const daemon = await LitDaemon.start({ data, port: relay.port, readers: [gate.url] })
  await across(relay, gate)
  await sleep(ACKNOWLEDGED_MS)
  const took: number[] = []
  for (const length of lengths) {
    await relay.refuse()
    const { card } = gate.present()
    await daemon.green(card)
    await sleep(length)
    const begun = performance.now()
    const first = published(relay)
    await relay.accept()
    await first
    took.push(performance.now() - begun)
    // It must be acknowledged, or the next outage is the same one for the daemon.
    await sleep(ACKNOWLEDGED_MS)
    say(`wan: first publish ${round(took.at(-1)!)} ms after an outage of ${length} ms`)
  }
  await daemon.stop()
  await gate.close()
  await relay.refuse()
  await broker.stop()
  return took
}

/** The daemon has found its broker. */
async function across(relay: Relay, gate: Gate): Promise<void> {
  const first = published(relay)
  gate.present()
  await first
}

/** Resolves when the next punch passes on its way to the broker. */
async function published(relay: Relay): Promise<void> {
  const passed = new Promise<boolean>((resolve) => {
    relay.onSent = (bytes) => {
      if (bytes.includes('/punch/')) resolve(true)
    }
  })
  const late = new AbortController()
  const isThere = await Promise.race([passed, sleep(ACROSS_MS, false, { signal: late.signal })])
  late.abort()
  if (!isThere) throw new Error('wan: no record came across')
}
