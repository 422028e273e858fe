/** Two hundred doors against one, with as many people a second in all. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDaemon } from './daemon.js'
import { Gate, type Presented } from './gate.js'
import { LitDaemon } from './lit.js'
import { median, quantile, round, type Figures } from './outcome.js'
import { memoryOf } from './proc.js'

export interface ManyOptions {
  readonly folder: string
  /** Of the broker. */
  readonly port: number
  readonly readers: number
  readonly quick: boolean
  readonly say: (progress: string) => void
}

interface House {
  readonly gates: readonly Gate[]
  readonly daemon: LitDaemon
  readonly lights: number[][]
}

/** At all readers together. */
const PER_SECOND = 100
const SETTLE_MS = 5_000

/** How much longer a light takes where there are many readers: a ratio of the medians per round. */
export async function manyReaders(options: ManyOptions): Promise<{ ratios: number[]; figures: Figures }> {
  const { readers, quick, say } = options
  const [rounds, seconds] = quick ? [1, 0.2] : [5, 3]
  const many = await open(options, 'many', readers)
  const one = await open(options, 'one', 1)
  for (let turn = 0; turn <= rounds; turn++) {
    for (const house of turn % 2 === 0 ? [many, one] : [one, many]) {
      const lights = await crowd(house, PER_SECOND * seconds)
      // The first ones find code that never ran.
      if (turn > 0) house.lights.push(lights)
    }
    say(`growth: ${readers} readers and one, round ${turn}/${rounds}`)
  }
  for (const { daemon, gates } of [many, one]) {
    await daemon.stop()
    await Promise.all(gates.map((gate) => gate.close()))
  }
  const ratios = many.lights.map((lights, turn) => median(lights) / median(one.lights[turn]!))
  return { ratios, figures: { readers, ...figures('many', many), ...figures('one', one), ...(await alone(options)) } }
}

async function open({ folder, port }: ManyOptions, name: string, readers: number): Promise<House> {
  const data = join(folder, name)
  mkdirSync(data)
  const gates = await Promise.all(Array.from({ length: readers }, () => Gate.network()))
  return { gates, daemon: await LitDaemon.start({ data, port, readers: gates.map(({ url }) => url) }), lights: [] }
}

/** Milliseconds from the last byte to the light, of so many people at all doors in turn. */
async function crowd({ gates, daemon }: House, count: number): Promise<number[]> {
  const begun = performance.now()
  const presented: Presented[] = []
  for (let index = 0; index < count; index++) {
    presented.push(gates[index % gates.length]!.present())
    await sleep(begun + ((index + 1) * 1_000) / PER_SECOND - performance.now())
  }
  return Promise.all(presented.map(async ({ card, at }) => (await daemon.green(card)) - at))
}

/** What a daemon as customers run it takes with so many. */
async function alone({ folder, port, readers, quick }: ManyOptions): Promise<Figures> {
  const gates = await Promise.all(Array.from({ length: readers }, () => Gate.network()))
  const urls = gates.map(({ url }) => url)
  const daemon = startDaemon({ folder: join(folder, 'alone'), gateway: 'gw-many', broker: `mqtt://127.0.0.1:${port}`, readers: urls }) // prettier-ignore
  const startMs = await daemon.up(readers)
  await sleep(quick ? 100 : SETTLE_MS)
  const { rssKb } = memoryOf(daemon.child)
  await daemon.kill()
  await Promise.all(gates.map((gate) => gate.close()))
  return { manyReadersStartMs: round(startMs), manyReadersRssMb: round(rssKb / 1_024) }
}

function figures(who: string, { lights }: House): Figures {
  const all = lights.flat()
  return { [`${who}LightP50Ms`]: round(quantile(all, 0.5)), [`${who}LightP99Ms`]: round(quantile(all, 0.99)) }
}
