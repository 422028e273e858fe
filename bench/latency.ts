/** latency: from the last byte of a card to its light, and to the consumer: while nothing else is to do, and while a backlog is sent. */
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startBroker, type Broker } from './broker.js'
import { programFile, start } from './child.js'
import { TOPICS } from './fixture.js'
import { Gate } from './gate.js'
import type { Journals } from './journals.js'
import { LitDaemon } from './lit.js'
import { allowedMs, PACE, people, type Lived } from './live.js'
import { Moments, sharedNow } from './moments.js'
import { judged, median, quantile, round, type Bench, type Figures } from './outcome.js'
import { refuseMemory } from './workspace.js'

interface Stand {
  readonly folder: string
  readonly broker: Broker
  readonly gate: Gate
  readonly journals: Journals
}

interface Idle extends Lived {
  /** Milliseconds from the last byte to the consumer, of each. */
  readonly arrival: readonly number[]
}

interface Draining extends Lived {
  readonly perSecond: number
  /** From the last record of the backlog at the consumer to the last that came meanwhile. */
  readonly caughtUpMs: number
}

export const latency: Bench = {
  name: 'latency',
  title: `last byte to light, p99 at ${PACE}/s ÷ (1.3 × p99 of fdatasync meanwhile + 3 ms), idle and while a backlog is sent`,
  goal: { bound: 'at most', limit: 1 },

  async run({ folder, quick, full, journals, say }) {
    refuseMemory(folder)
    const backlog = quick ? 2_000 : full ? 1_000_000 : 100_000
    const [rounds, seconds] = quick ? [1, 0.5] : [full ? 5 : 3, 10]
    const stand = { folder, journals, broker: await startBroker(folder), gate: await Gate.serial(folder) }
    const idle: Idle[] = []
    const draining: Draining[] = []
    for (let turn = 1; turn <= rounds; turn++) {
      idle.push(await whileIdle(stand, seconds * PACE))
      draining.push(await whileDraining(stand, backlog, quick ? 5 : 2 * PACE))
      const [at, of] = [idle.at(-1)!, draining.at(-1)!].map(({ light }) => round(quantile(light, 0.99)))
      say(`latency ${turn}/${rounds}: p99 ${at} ms, and ${of} ms while ${backlog} are sent`)
    }
    await stand.gate.close()
    await stand.broker.stop()
    const share = ({ light, sync }: Lived): number => quantile(light, 0.99) / allowedMs(sync)
    const measured = [
      { against: 'allowed', goal: this.goal, rounds: idle.map(share) },
      { against: 'allowedWhileDraining', goal: this.goal, rounds: draining.map(share) },
    ]
    return judged(measured, {
      wire: stand.gate.wire,
      backlog,
      ...figures('idle', idle),
      ...spread('idleConsumer', idle.flatMap(({ arrival }) => arrival)), // prettier-ignore
      ...figures('draining', draining),
      drainPerSecond: round(median(draining.map(({ perSecond }) => perSecond))),
      caughtUpMs: round(median(draining.map(({ caughtUpMs }) => caughtUpMs))),
    })
  },
}

async function whileIdle({ folder, broker, gate }: Stand, count: number): Promise<Idle> {
  const data = join(folder, 'idle')
  mkdirSync(data)
  const consumer = await consumerAt(broker)
  const daemon = await LitDaemon.start({ data, port: broker.port, readers: [gate.url] })
  // The first ones find code that never ran.
  await people(gate, daemon, folder, (so) => so < count / 5)
  const lived = await people(gate, daemon, folder, (so) => so < count)
  const arrival = await Promise.all(lived.presented.map(async ({ card, at }) => (await consumer.seen.of(card)) - at))
  await daemon.stop()
  await consumer.stop()
  rmSync(data, { recursive: true })
  return { ...lived, arrival }
}

/** The broker takes nothing until the daemon is in full service; then all that waited leaves at once. */
async function whileDraining(
  { folder, broker, gate, journals }: Stand,
  backlog: number,
  before: number,
): Promise<Draining> {
  // prettier-ignore
  const data = join(folder, 'draining')
  await journals.copy(backlog, data)
  const consumer = await consumerAt(broker)
  broker.pause()
  const daemon = await LitDaemon.start({ data, port: broker.port, readers: [gate.url] })
  await people(gate, daemon, folder, (so) => so < before)
  const begun = sharedNow()
  broker.resume()
  // In the order of their numbers: the first live one to arrive is the end of the backlog.
  const lived = await people(gate, daemon, folder, () => consumer.seen.count <= 1)
  const arrivals = await Promise.all(lived.presented.map(({ card }) => consumer.seen.of(card)))
  const end = consumer.seen.first('up')
  await daemon.stop()
  await consumer.stop()
  rmSync(data, { recursive: true })
  return { ...lived, perSecond: (backlog * 1_000) / (end - begun), caughtUpMs: Math.max(...arrivals) - end }
}

interface Consumer {
  /** When each card arrived. */
  readonly seen: Moments
  stop(): Promise<void>
}

async function consumerAt(broker: Broker): Promise<Consumer> {
  const args = [programFile('child-arrivals'), String(broker.port), TOPICS.record('punch', 'live-0')]
  const child = start(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const seen = new Moments(child.stdout!, () => child.exitCode !== null)
  await seen.of('up')
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await once(child, 'close')
  }
  return { seen, stop }
}

function figures(what: string, rounds: readonly Lived[]): Figures {
  return {
    ...spread(`${what}Light`, rounds.flatMap(({ light }) => light)), // prettier-ignore
    ...spread(`${what}Sync`, rounds.flatMap(({ sync }) => sync)), // prettier-ignore
    [`${what}Punches`]: rounds.reduce((sum, { light }) => sum + light.length, 0),
  }
}

function spread(what: string, ms: readonly number[]): Figures {
  return { [`${what}P50Ms`]: round(quantile(ms, 0.5)), [`${what}P99Ms`]: round(quantile(ms, 0.99)) }
}
