/** drain: how near emptying a backlog comes to what bare mqtt.js can send. */
import { copyFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import mqtt from 'mqtt'
import { startBroker, type Broker } from './broker.js'
import { measure } from './child.js'
import { fillJournal, READER, TOPICS, WINDOW } from './fixture.js'
import { median, outcomeOf, round, type Bench } from './outcome.js'

/** What both senders print about themselves. */
export interface Sent {
  readonly acknowledged: number
  readonly ms: number
  readonly cpuUs: number
  readonly maxRssKb: number
}

const RECORDS = 20_000
const ARRIVE_MS = 30_000

export const drain: Bench = {
  name: 'drain',
  title: `msgs/s out of the journal, window ${WINDOW} ÷ bare mqtt.js`,
  goal: { bound: 'at least', limit: 0.9 },

  async run({ folder, quick, say }) {
    const records = quick ? 2_000 : RECORDS
    const rounds = quick ? 1 : 7
    const full = join(folder, 'full.db')
    const payloads = join(folder, 'payloads')
    writeFileSync(payloads, fillJournal(full, records).join('\n'))
    const broker = await startBroker(folder)
    const sendOurs = (): Promise<Sent> =>
      withCopy(full, folder, (copy) => checked(records, measure('child-drain-punchd', ['run', copy, broker.port])))
    const sendBare = (): Promise<Sent> => checked(records, measure('child-drain-mqttjs', [payloads, broker.port]))
    const ours: Sent[] = []
    const bare: Sent[] = []
    for (let turn = 1; turn <= rounds; turn++) {
      if (turn % 2 === 0) bare.push(await sendBare())
      ours.push(await sendOurs())
      if (turn % 2 === 1) bare.push(await sendBare())
      say(`drain ${turn}/${rounds}: ${round(rate(ours.at(-1)!))}/s against ${round(rate(bare.at(-1)!))}/s`)
    }
    const arrived = await countArrived(broker, records, sendOurs)
    await broker.stop()
    if (arrived !== records) throw new Error(`drain: a subscriber received ${arrived} of ${records} records`)
    const ratios = ours.map((sent, index) => rate(sent) / rate(bare[index]!))
    return outcomeOf(this.goal, 'mqttjs', ratios, { records, ...figures('punchd', ours), ...figures('mqttjs', bare) })
  },
}

/** A drain settles its records: every round gets a copy of the full journal. */
async function withCopy(full: string, folder: string, send: (copy: string) => Promise<Sent>): Promise<Sent> {
  const copy = join(folder, 'copy')
  mkdirSync(copy)
  copyFileSync(full, join(copy, 'journal.db'))
  cpSync(join(dirname(full), 'keys'), join(copy, 'keys'), { recursive: true })
  const sent = await send(join(copy, 'journal.db'))
  rmSync(copy, { recursive: true })
  return sent
}

async function checked(records: number, sending: Promise<Sent>): Promise<Sent> {
  const sent = await sending
  if (sent.acknowledged !== records)
    throw new Error(`drain: ${sent.acknowledged} of ${records} records were acknowledged`)
  return sent
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

function rate({ acknowledged, ms }: Sent): number {
  return (acknowledged * 1_000) / ms
}

function figures(who: string, sent: readonly Sent[]): Record<string, number> {
  return {
    [`${who}PerSecond`]: round(median(sent.map(rate))),
    [`${who}CpuUsPerRecord`]: round(median(sent.map(({ cpuUs, acknowledged }) => cpuUs / acknowledged))),
    [`${who}PeakRssMb`]: round(median(sent.map(({ maxRssKb }) => maxRssKb / 1_024))),
  }
}
