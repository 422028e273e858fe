/** drain: how near emptying a backlog comes to what bare mqtt.js can send, and to what the C library can. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { startBroker, type Broker } from './broker.js'
import { measure, outputOf, start } from './child.js'
import { compile } from './compile.js'
import { READER, TOPICS, WINDOW } from './fixture.js'
import type { Journals } from './journals.js'
import { judged, median, round, type Bench, type Figures, type Measured } from './outcome.js'
import { bareNode } from './bare-node.js'

/** What all senders print about themselves. */
export interface Sent {
  readonly acknowledged: number
  readonly ms: number
  readonly cpuUs: number
  readonly maxRssKb: number
  /** Bytes that it had the disk write. */
  readonly written?: number
}

interface Load {
  readonly records: number
  readonly rounds: number
}

/** By the name of its figures; `punchd` first. */
type Senders = ReadonlyMap<string, (records: number) => Promise<Sent>>
type Results = ReadonlyMap<string, readonly Sent[]>

const RECORDS = 20_000
/** Of a release: from a long lunch to a year. */
const FULL: readonly Load[] = [
  { records: 10_000, rounds: 5 },
  { records: 100_000, rounds: 3 },
  { records: 1_000_000, rounds: 1 },
]
const ARRIVE_MS = 30_000
/** Of what a Node takes that does nothing. */
const PEAK_GOAL = { bound: 'at most', limit: 3.2 } as const

export const drain: Bench = {
  name: 'drain',
  title: `msgs/s out of the journal, window ${WINDOW} ÷ bare mqtt.js and ÷ libmosquitto; peak RSS ÷ bare node`,
  goal: { bound: 'at least', limit: 0.9 },

  async run({ folder, quick, full, journals, say }) {
    const records = quick ? 2_000 : RECORDS
    const broker = await startBroker(folder)
    const payloads = join(folder, 'payloads')
    writeFileSync(payloads, (await journals.payloads(records)).join('\n'))
    const senders = sendersTo(broker, { folder, payloads, journals })
    const usual = await rounds(senders, { records, rounds: quick ? 1 : 7 }, say)
    const larger: [number, Results][] = []
    for (const load of full ? FULL : []) larger.push([load.records, await rounds(senders, load, say)])
    const arrived = await countArrived(broker, records, () => senders.get('punchd')!(records))
    await broker.stop()
    if (arrived !== records) throw new Error(`drain: a subscriber received ${arrived} of ${records} records`)
    const idleKb = await bareNode()
    const ours = usual.get('punchd')!
    const measured: Measured[] = [
      { against: 'mqttjs', goal: this.goal, rounds: ratios(usual, 'mqttjs', rate) },
      ...(usual.has('libmosquitto') ? [{ against: 'libmosquitto', goal: { bound: 'at least', limit: 0.45 }, rounds: ratios(usual, 'libmosquitto', rate) } as const] : []), // prettier-ignore
      { against: 'bareNodePeakRss', goal: PEAK_GOAL, rounds: ours.map(({ maxRssKb }) => maxRssKb / idleKb) },
      ...larger.flatMap(([count, results]) => measuredAt(count, results, idleKb)),
    ]
    return judged(measured, {
      records,
      ...figuresOf(usual, ''),
      ...(usual.has('libmosquitto') ? {} : { libmosquitto: 'skipped: no C compiler or no mosquitto.h (sudo apt install gcc libc6-dev libmosquitto-dev)' }), // prettier-ignore
      ...(Object.assign({}, ...larger.map(([count, results]) => figuresOf(results, `At${count}`))) as Figures),
    })
  },
}

interface Parts {
  readonly folder: string
  readonly payloads: string
  readonly journals: Journals
}

function sendersTo(broker: Broker, { folder, payloads, journals }: Parts): Senders {
  const program = compile('mosquitto-send', folder, [], { header: 'mosquitto.h', name: 'mosquitto' })
  const senders = new Map([
    ['punchd', (records: number) => drainCopy(journals, records, folder, broker.port)],
    ['mqttjs', (records: number) => measure<Sent>('child-drain-mqttjs', [payloads, broker.port, records])],
  ])
  if (program === undefined) return senders
  const topic = TOPICS.record('punch', READER)
  return senders.set('libmosquitto', async (records) => {
    const args = [payloads, broker.port, topic, WINDOW, records].map(String)
    const child = start(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    return JSON.parse(await outputOf(child, 'mosquitto-send')) as Sent
  })
}

/** A drain settles its records: every round gets a copy of the full journal. */
export async function drainCopy(
  journals: Journals,
  records: number,
  folder: string,
  port: number,
  waiting = records,
): Promise<Sent> {
  // prettier-ignore
  const copy = join(folder, 'copy')
  const file = await journals.copy(records, copy, waiting)
  const sent = await measure<Sent>('child-drain-punchd', ['run', file, port])
  rmSync(copy, { recursive: true })
  return sent
}

/** All senders in turn, who begins alternates. */
async function rounds(senders: Senders, load: Load, say: (progress: string) => void): Promise<Results> {
  const results = new Map([...senders.keys()].map((name) => [name, [] as Sent[]]))
  for (let turn = 1; turn <= load.rounds; turn++) {
    const order = turn % 2 === 0 ? [...senders].reverse() : [...senders]
    for (const [name, send] of order) {
      const sent = await send(load.records)
      if (sent.acknowledged !== load.records)
        throw new Error(`drain: ${name}: ${sent.acknowledged} of ${load.records} records were acknowledged`)
      results.get(name)?.push(sent)
    }
    const rates = [...results].map(([name, all]) => `${name} ${round(rate(all.at(-1)!))}/s`)
    say(`drain of ${load.records} ${turn}/${load.rounds}: ${rates.join(', ')}`)
  }
  return results
}

function ratios(results: Results, against: string, of: (sent: Sent) => number): number[] {
  const theirs = results.get(against)!
  return results.get('punchd')!.map((sent, turn) => of(sent) / of(theirs[turn]!))
}

function measuredAt(count: number, results: Results, idleKb: number): Measured[] {
  const peers = [...results.keys()].filter((name) => name !== 'punchd')
  return [
    ...peers.map((name): Measured => {
      const limit = name === 'mqttjs' ? 0.9 : 0.45
      return { against: `${name}At${count}`, goal: { bound: 'at least', limit }, rounds: ratios(results, name, rate) }
    }),
    {
      against: `bareNodePeakRssAt${count}`,
      goal: PEAK_GOAL,
      rounds: results.get('punchd')!.map(({ maxRssKb }) => maxRssKb / idleKb),
    },
  ]
}

/** One more drain that is not timed, with a subscriber: what is acknowledged must also arrive. */
async function countArrived(broker: Broker, records: number, send: () => Promise<Sent>): Promise<number> {
  const client = await mqtt.connectAsync(broker.url, { protocolVersion: 5 })
  const seen = new Set<unknown>()
  const all = new Promise<void>((resolve) => {
    client.on('message', (_topic, payload) => {
      seen.add((JSON.parse(payload.toString()) as { id: unknown }).id)
      if (seen.size === records) resolve()
    })
  })
  await client.subscribeAsync(TOPICS.record('punch', READER), { qos: 1 })
  await send()
  const timeout = new Promise<void>((resolve) => setTimeout(resolve, ARRIVE_MS).unref())
  await Promise.race([all, timeout])
  await client.endAsync()
  return seen.size
}

export function rate({ acknowledged, ms }: Sent): number {
  return (acknowledged * 1_000) / ms
}

function figuresOf(results: Results, at: string): Figures {
  const named = [...results].map(([who, sent]) => ({
    [`${who}PerSecond${at}`]: round(median(sent.map(rate))),
    [`${who}CpuUsPerRecord${at}`]: round(median(sent.map(({ cpuUs, acknowledged }) => cpuUs / acknowledged))),
    [`${who}PeakRssMb${at}`]: round(median(sent.map(({ maxRssKb }) => maxRssKb / 1_024))),
  }))
  return Object.assign({}, ...named) as Figures
}
