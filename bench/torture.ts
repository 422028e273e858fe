/**
 * `npm run torture -- [--quick] [--kills N] [--seed N] [--dir PATH] [--cheat]`: SIGKILL at random moments, all on one
 * growing journal. Whatever was shown a green light must be stored, once; whatever is stored must arrive.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { JOURNAL_FILE } from '../src/daemon.js'
import { between, seeded, type Random } from '../simulators/random.js'
import { startBroker } from './broker.js'
import { BenchError } from './outcome.js'
import { machine } from './table.js'
import { Life, type Moment } from './torture-kill.js'
import { isClean, report, type Findings } from './torture-report.js'
import { TortureStored } from './torture-stored.js'
import { TortureSubscriber } from './torture-subscriber.js'
import { Workspace } from './workspace.js'

const KILLS = 200
const QUICK_KILLS = 20
const LOAD_MOST_MS = 300
/** One kill in so many comes while the daemon still starts and recovers. */
const WHILE_STARTING = 10
const START_MOST_MS = 500
/** Of the lights before a kill, so many cards are shown again after it. */
const AGAIN = 5
const ARRIVE_MS = 60_000
/** The control ends with its first find; without one it has seen enough. */
const CONTROL_KILLS = 40
const USAGE = 64

interface RunOptions {
  readonly folder: string
  readonly kills: number
  readonly random: Random
  readonly cheat: boolean
  readonly control: boolean
}

async function torture({ folder, kills, random, cheat, control }: RunOptions): Promise<Findings> {
  const begun = performance.now()
  const broker = await startBroker(folder)
  const subscriber = await TortureSubscriber.connect(broker.url)
  const data = join(folder, 'data')
  const stored = new TortureStored(join(data, JOURNAL_FILE))
  const life = { data, port: broker.port, cheat }
  let again: string[] = []
  let whileStarting = 0
  let mostRedelivered = 0
  let round = 0
  while (round < kills && !(control && stored.missing.length > 0)) {
    round += 1
    const redelivered = subscriber.redelivered
    const moment = momentOf(random)
    if (moment.after === 'start') whileStarting += 1
    const lights = await new Life({ ...life, round, again }).killAt(moment)
    stored.check(lights)
    if (lights.length > 0) again = lights.slice(-AGAIN).map(({ card }) => card)
    mostRedelivered = Math.max(mostRedelivered, subscriber.redelivered - redelivered)
    progress(`kill ${round}/${kills}: ${stored.greens} greens, ${stored.missing.length} missing`, round % 20 === 0)
  }
  const before = subscriber.redelivered
  const last = new Life({ ...life, round: 0, again: [] }, true)
  await arrived(subscriber, stored)
  await last.stop()
  mostRedelivered = Math.max(mostRedelivered, subscriber.redelivered - before)
  const integrity = stored.verdict()
  await subscriber.close()
  await broker.stop()
  const seconds = Math.round((performance.now() - begun) / 1_000)
  return { stored, subscriber, kills: round, whileStarting, mostRedelivered, integrity, seconds }
}

function momentOf(random: Random): Moment {
  const starting = between(random, 1, WHILE_STARTING) === 1
  return starting
    ? { after: 'start', ms: between(random, 0, START_MOST_MS) }
    : { after: 'load', ms: between(random, 0, LOAD_MOST_MS) }
}

/** Resolves when the subscriber has as many records as are stored, or when it waited long enough. */
async function arrived(subscriber: TortureSubscriber, stored: TortureStored): Promise<void> {
  const deadline = performance.now() + ARRIVE_MS
  while (subscriber.received < stored.ids.length && performance.now() < deadline) await sleep(50)
}

function progress(text: string, worthALine: boolean): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}\u001b[K`)
  else if (worthALine) process.stderr.write(`${text}\n`)
}

function parse(): { kills: number; seed: number; dir: string; cheat: boolean } {
  const usage = 'usage: npm run torture -- [--quick] [--kills N] [--seed N] [--dir PATH] [--cheat]'
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        kills: { type: 'string' },
        seed: { type: 'string', default: String(Date.now() % 1_000_000) },
        dir: { type: 'string', default: '.bench' },
        cheat: { type: 'boolean', default: false },
      },
    })
    const kills = Number(values.kills ?? (values.quick ? QUICK_KILLS : KILLS))
    const seed = Number(values.seed)
    if (!Number.isInteger(kills) || kills < 1 || kills > 0xffff)
      throw new Error('--kills takes a whole number from 1 to 65535')
    if (!Number.isInteger(seed)) throw new Error('--seed takes a whole number')
    return { kills, seed, dir: values.dir, cheat: values.cheat }
  } catch (error) {
    throw new BenchError(`${error instanceof Error ? error.message : String(error)}\n${usage}`, USAGE)
  }
}

async function main(): Promise<void> {
  const { kills, seed, dir, cheat } = parse()
  const workspace = new Workspace(dir)
  const print = (text: string): void => void process.stdout.write(`${text}\n`)
  print(
    `seed ${seed} (again: npm run torture -- --kills ${kills} --seed ${seed}; the moments of the kills repeat, what they meet does not)`,
  )
  const found = await torture({ folder: workspace.folder('run'), kills, random: seeded(seed), cheat, control: false })
  print(report(cheat ? 'a daemon that lies (--cheat):' : 'the daemon:', found))
  if (!isClean(found)) process.exitCode = 1
  if (!cheat) await positiveControl(workspace.folder('control'), seed, print)
  print(machine(dir))
  print(
    'This cannot find what only a power cut shows: the kernel survives a SIGKILL and still writes what it was given.',
  )
}

/** The same harness against a daemon that shows green too early: it must find it out. */
async function positiveControl(folder: string, seed: number, print: (text: string) => void): Promise<void> {
  const found = await torture({ folder, kills: CONTROL_KILLS, random: seeded(seed), cheat: true, control: true })
  const { length } = found.stored.missing
  const verdict =
    length > 0
      ? `found out: ${length} missing after ${found.kills} kills`
      : 'NOT FOUND OUT: the result above proves nothing'
  print(`control, a daemon that shows green before it stores: ${verdict}`)
  if (length === 0) process.exitCode = 1
}

main().catch((error: unknown) => {
  const text =
    error instanceof BenchError
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error)
  process.stderr.write(`torture: ${text}\n`)
  process.exit(error instanceof BenchError ? error.exitCode : 1)
})
