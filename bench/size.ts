/** size: what the idle daemon keeps in memory, next to a Node that does nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import mqtt from 'mqtt'
import { tcpLine } from '../simulators/tcp-line.js'
import { startBroker, type Broker } from './broker.js'
import { programFile, start } from './child.js'
import { median, outcomeOf, round, type Bench } from './outcome.js'
import { memoryOf, ticksOf, type Memory } from './proc.js'

/** V8 gives memory back only after about half a minute of idleness. */
const SETTLE_MS = 30_000
const MOST_MS = 60_000
/** It has settled when it did not move by more than this for so long. */
const STABLE_SHARE = 0.005
const STABLE_MS = 8_000
const LOOK_MS = 1_000
const TICKS_MS = 10_000
const UP_MS = 30_000

export const size: Bench = {
  name: 'size',
  title: 'RSS of the idle daemon (TCP reader, broker connected) ÷ bare node',
  goal: { bound: 'at most', limit: 1.6 },

  async run({ folder, quick, say }) {
    const count = quick ? 1 : 3
    const broker = await startBroker(folder)
    const lines = await Promise.all(Array.from({ length: count }, () => tcpLine()))
    const daemons = lines.map(({ url }, index) =>
      startDaemon(join(folder, `daemon-${index}`), `gw-${index}`, broker, url),
    )
    const bare = lines.map(() => start(process.execPath, ['-e', 'setInterval(()=>{},1e9)'], { stdio: 'ignore' }))
    await readersUp(broker, count)
    await settled(daemons, quick, say)
    const ours = daemons.map(memoryOf)
    const theirs = bare.map(memoryOf)
    const before = daemons.map(ticksOf)
    await sleep(quick ? LOOK_MS : TICKS_MS)
    const ticks = daemons.map((daemon, index) => ticksOf(daemon) - before[index]!)
    for (const child of [...daemons, ...bare]) child.kill('SIGKILL')
    await Promise.all(lines.map((line) => line.close()))
    await broker.stop()
    const ratios = ours.map(({ rssKb }, index) => rssKb / theirs[index]!.rssKb)
    return outcomeOf(this.goal, 'bareNode', ratios, {
      ...figures('daemon', ours),
      ...figures('node', theirs),
      idleTicksIn10s: median(ticks),
    })
  },
}

function startDaemon(folder: string, gateway: string, broker: Broker, reader: string): ChildProcess {
  mkdirSync(folder)
  const file = join(folder, 'config.yaml')
  const config = {
    version: 1,
    site: { id: 'bench', name: 'Bench', timezone: 'Europe/Berlin' },
    gateway: { id: gateway },
    data: { path: join(folder, 'data') },
    mqtt: { url: broker.url },
    readers: [{ id: 'gate', driver: 'rdm6300', transport: reader, direction: 'in' }],
    log: { level: 'warn' },
  }
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config))
  return start(process.execPath, [programFile('../src/main'), 'run', '--config', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** The retained state of every reader says up: daemon, broker and reader have found each other. */
async function readersUp(broker: Broker, count: number): Promise<void> {
  const client = await mqtt.connectAsync(broker.url, { protocolVersion: 5 })
  const up = new Set<string>()
  client.on('message', (topic, payload) => {
    if ((JSON.parse(payload.toString()) as { state: unknown }).state === 'up') up.add(topic)
  })
  await client.subscribeAsync('punchd/v1/bench/+/reader/+/state', { qos: 1 })
  const deadline = performance.now() + UP_MS
  while (up.size < count && performance.now() < deadline) await sleep(50)
  await client.endAsync()
  if (up.size < count)
    throw new Error(`size: ${up.size} of ${count} daemons have their reader up after ${UP_MS / 1_000} s`)
}

/** Resolves when the memory of all daemons stands still. */
async function settled(
  daemons: readonly ChildProcess[],
  quick: boolean,
  say: (progress: string) => void,
): Promise<void> {
  const begun = performance.now()
  const seen: number[] = []
  for (;;) {
    await sleep(LOOK_MS)
    const waitedMs = performance.now() - begun
    seen.push(daemons.reduce((sum, daemon) => sum + memoryOf(daemon).rssKb, 0) / daemons.length)
    const last = seen.slice(-STABLE_MS / LOOK_MS)
    const still = Math.max(...last) - Math.min(...last) <= Math.max(...last) * STABLE_SHARE
    say(`size: ${round(seen.at(-1)! / 1_024)} MB after ${Math.round(waitedMs / 1_000)} s`)
    if (quick || waitedMs > MOST_MS || (waitedMs > SETTLE_MS && still)) return
  }
}

function figures(who: string, memories: readonly Memory[]): Record<string, number> {
  const of = (field: keyof Memory): number => round(median(memories.map((memory) => memory[field])) / 1_024)
  return { [`${who}RssMb`]: of('rssKb'), [`${who}AnonMb`]: of('anonKb'), [`${who}FileMb`]: of('fileKb') }
}
