/** size: what the idle daemon keeps in memory and takes of the processor, and how soon it is there, next to a Node that does nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import mqtt from 'mqtt'
import type { PluggableLine } from '../simulators/line.js'
import { tcpLine } from '../simulators/tcp-line.js'
import { bareStart, startBareNode } from './bare-node.js'
import { startBroker, type Broker } from './broker.js'
import { startDaemon, type Daemon } from './daemon.js'
import { judged, median, round, type Bench, type Figures } from './outcome.js'
import { effortOf, memoryOf, memoryOfTree, type Memory } from './proc.js'

/** V8 gives memory back only after about half a minute of idleness. */
const SETTLE_MS = 30_000
const MOST_MS = 60_000
/** It has settled when it did not move by more than this for so long. */
const STABLE_SHARE = 0.005
const STABLE_MS = 8_000
const LOOK_MS = 1_000
const IDLE_MS = 60_000
const UP_MS = 30_000
/** Besides those with one reader, which are three. */
const MORE_READERS = [8, 32]
/** With eight readers. */
const IDLE_READERS = 8
const CPU_SHARE = 0.006
const WAKEUPS_PER_S = 5
const atMost = (limit: number) => ({ bound: 'at most', limit }) as const

/** A daemon and what its readers hang on. */
interface House {
  readonly readers: number
  readonly daemon: Daemon
  readonly lines: readonly PluggableLine[]
}

export const size: Bench = {
  name: 'size',
  title:
    'RSS of the idle daemon (TCP reader, broker connected) ÷ bare node; start to first reader up ÷ start of bare node',
  goal: { bound: 'at most', limit: 1.6 },

  async run({ folder, quick, say }) {
    const broker = await startBroker(folder)
    const counts = [...(quick ? [1] : [1, 1, 1]), ...MORE_READERS]
    const starts = await interleavedStarts(folder, broker, quick ? 1 : 7, say)
    const houses = await Promise.all(counts.map((readers, index) => house(folder, broker, index, readers)))
    const bare = counts.filter((readers) => readers === 1).map(startBareNode)
    await readersUp(broker, counts.length)
    await settled(houses, quick, say)
    const small = houses.filter(({ readers }) => readers === 1)
    const ours = small.map(({ daemon }) => memoryOf(daemon.child))
    const theirs = bare.map(memoryOf)
    const trees = houses.map(({ readers, daemon }) => ({ readers, ...memoryOfTree(daemon.child) }))
    const idle = await idleness(houses, quick ? LOOK_MS : IDLE_MS, say)
    await close(houses, bare)
    await broker.stop()
    const eight = idle.find(({ readers }) => readers === IDLE_READERS)!
    const measured = [
      { against: 'bareNode', goal: this.goal, rounds: ours.map(({ rssKb }, index) => rssKb / theirs[index]!.rssKb) },
      { against: 'bareNodeStart', goal: atMost(2), rounds: starts.map(({ ours, bare }) => ours / bare) },
      { against: 'idleCpuAllowed', goal: atMost(1), rounds: [eight.cpuShare / CPU_SHARE] },
      { against: 'wakeupsAllowed', goal: atMost(1), rounds: [eight.wakeupsPerS / WAKEUPS_PER_S] },
    ]
    return judged(measured, {
      ...figures('daemon', ours),
      ...figures('node', theirs),
      startMs: round(median(starts.map(({ ours }) => ours))),
      nodeStartMs: round(median(starts.map(({ bare }) => bare))),
      ...byReaders(trees, idle),
    })
  },
}

async function house(folder: string, broker: Broker, index: number, readers: number): Promise<House> {
  const lines = await Promise.all(Array.from({ length: readers }, () => tcpLine()))
  const options = { folder: join(folder, `daemon-${index}`), gateway: `gw-${index}`, broker: broker.url }
  return { readers, lines, daemon: startDaemon({ ...options, readers: lines.map(({ url }) => url) }) }
}

async function close(houses: readonly House[], bare: readonly ChildProcess[]): Promise<void> {
  for (const child of bare) child.kill('SIGKILL')
  for (const { daemon, lines } of houses) {
    await daemon.kill()
    await Promise.all(lines.map((line) => line.close()))
  }
}

/** Milliseconds from nothing to a reader that is up, into a new journal, and to the first line of a bare Node. */
async function interleavedStarts(
  folder: string,
  broker: Broker,
  rounds: number,
  say: (progress: string) => void,
): Promise<{ ours: number; bare: number }[]> {
  // prettier-ignore
  const line = await tcpLine()
  const starts: { ours: number; bare: number }[] = []
  // The first one reads everything from the disk.
  for (let turn = 0; turn <= rounds; turn++) {
    const options = { folder: join(folder, `start-${turn}`), gateway: 'gw-start', broker: broker.url }
    const bare = await bareStart()
    const daemon = startDaemon({ ...options, readers: [line.url] })
    const ours = await daemon.up(1)
    await daemon.kill()
    rmSync(options.folder, { recursive: true })
    if (turn === 0) continue
    starts.push({ ours, bare })
    say(`size: start ${turn}/${rounds}: ${round(ours)} ms, bare node ${round(bare)} ms`)
  }
  await line.close()
  return starts
}

/** The retained state of every reader says up: daemons, broker and readers have found each other. */
async function readersUp(broker: Broker, daemons: number): Promise<void> {
  const client = await mqtt.connectAsync(broker.url, { protocolVersion: 5 })
  const up = new Set<string>()
  client.on('message', (topic, payload) => {
    if ((JSON.parse(payload.toString()) as { state: unknown }).state === 'up') up.add(topic.split('/')[3] ?? '')
  })
  await client.subscribeAsync('punchd/v1/bench/+/reader/+/state', { qos: 1 })
  const deadline = performance.now() + UP_MS
  while (up.size < daemons && performance.now() < deadline) await sleep(50)
  await client.endAsync()
  if (up.size < daemons)
    throw new Error(`size: ${up.size} of ${daemons} daemons have a reader up after ${UP_MS / 1_000} s`)
}

/** Resolves when the memory of all daemons stands still. */
async function settled(houses: readonly House[], quick: boolean, say: (progress: string) => void): Promise<void> {
  await Promise.all(houses.map(({ daemon, readers }) => daemon.up(readers)))
  const begun = performance.now()
  const seen: number[] = []
  for (;;) {
    await sleep(LOOK_MS)
    const waitedMs = performance.now() - begun
    seen.push(houses.reduce((sum, { daemon }) => sum + memoryOf(daemon.child).rssKb, 0) / houses.length)
    const last = seen.slice(-STABLE_MS / LOOK_MS)
    const still = Math.max(...last) - Math.min(...last) <= Math.max(...last) * STABLE_SHARE
    say(`size: ${round(seen.at(-1)! / 1_024)} MB after ${Math.round(waitedMs / 1_000)} s`)
    if (quick || waitedMs > MOST_MS || (waitedMs > SETTLE_MS && still)) return
  }
}

interface Idleness {
  readonly readers: number
  /** Of one core. */
  readonly cpuShare: number
  readonly wakeupsPerS: number
}

/** What they do while nobody comes, by the number of their readers. */
async function idleness(houses: readonly House[], ms: number, say: (progress: string) => void): Promise<Idleness[]> {
  const before = houses.map(({ daemon }) => effortOf(daemon.child))
  const begun = performance.now()
  say(`size: idle for ${ms / 1_000} s`)
  await sleep(ms)
  const tookMs = performance.now() - begun
  return houses.map(({ readers, daemon }, index) => {
    const { cpuMs, sleeps } = effortOf(daemon.child)
    const { cpuMs: cpuBefore, sleeps: sleptBefore } = before[index]!
    return { readers, cpuShare: (cpuMs - cpuBefore) / tookMs, wakeupsPerS: ((sleeps - sleptBefore) * 1_000) / tookMs }
  })
}

function figures(who: string, memories: readonly Memory[]): Figures {
  const of = (field: keyof Memory): number => round(median(memories.map((memory) => memory[field])) / 1_024)
  return { [`${who}RssMb`]: of('rssKb'), [`${who}AnonMb`]: of('anonKb'), [`${who}FileMb`]: of('fileKb') }
}

/** Whole process trees. */
function byReaders(
  trees: readonly { readers: number; rssKb: number; pssKb: number; processes: number }[],
  idle: readonly Idleness[],
): Figures {
  const named = [1, ...MORE_READERS].map((readers) => {
    const mine = trees.filter((tree) => tree.readers === readers)
    const idleOnes = idle.filter((one) => one.readers === readers)
    return {
      [`rssMbAt${readers}Readers`]: round(median(mine.map(({ rssKb }) => rssKb)) / 1_024),
      [`pssMbAt${readers}Readers`]: round(median(mine.map(({ pssKb }) => pssKb)) / 1_024),
      [`processesAt${readers}Readers`]: median(mine.map(({ processes }) => processes)),
      [`idleCpuPercentAt${readers}Readers`]: round(median(idleOnes.map(({ cpuShare }) => cpuShare)) * 100),
      [`wakeupsPerSecondAt${readers}Readers`]: round(median(idleOnes.map(({ wakeupsPerS }) => wakeupsPerS))),
    }
  })
  return Object.assign({}, ...named) as Figures
}
