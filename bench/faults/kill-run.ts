/** Many lives of one daemon on one journal, and what was found after each. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { journalFile } from '../../src/config/paths.js'
import { between, type Random } from '../../simulators/random.js'
import { startBroker } from '../broker.js'
import { Life, type LifeOptions, type Moment } from './life.js'
import type { Findings } from './kill-report.js'
import { Stored } from './stored.js'
import { Consumer } from './consumer.js'

const LOAD_MOST_MS = 300
/** One kill in so many comes while the daemon still starts and recovers. */
const WHILE_STARTING = 10
const START_MOST_MS = 500
/** Of the lights before a kill, so many cards are shown again after it. */
const AGAIN = 5
const ARRIVE_MS = 60_000
const SAY_EVERY = 10

export interface RunOptions {
  readonly folder: string
  readonly kills: number
  readonly random: Random
  readonly cheat: boolean
  readonly say: (progress: string) => void
}

/** Kills the daemon again and again on one journal, then lets it send what is left. A control (`cheat`) ends with its first find. */
export async function runKills({ folder, kills, random, cheat, say }: RunOptions): Promise<Findings> {
  const broker = await startBroker(folder)
  const subscriber = await Consumer.connect(broker.url)
  const data = join(folder, 'data')
  const stored = new Stored(journalFile({ data: { path: data } }))
  const life = { data, port: broker.port, cheat }
  let [round, whileStarting, mostRedelivered] = [0, 0, 0]
  let again: string[] = []
  while (round < kills && !(cheat && stored.missing.length > 0)) {
    round += 1
    const redelivered = subscriber.redelivered
    const moment = momentOf(random)
    if (moment.after === 'start') whileStarting += 1
    const lights = await new Life({ ...life, round, again }).killAt(moment)
    stored.check(lights)
    if (lights.length > 0) again = lights.slice(-AGAIN).map(({ card }) => card)
    mostRedelivered = Math.max(mostRedelivered, subscriber.redelivered - redelivered)
    if (round % SAY_EVERY === 0)
      say(`kill ${round}/${kills}: ${stored.greens} greens, ${stored.missing.length} missing`)
  }
  mostRedelivered = Math.max(mostRedelivered, await lastLife(life, stored, subscriber))
  const integrity = stored.verdict()
  await subscriber.close()
  await broker.stop()
  return { stored, subscriber, kills: round, whileStarting, mostRedelivered, integrity }
}

function momentOf(random: Random): Moment {
  const starting = between(random, 1, WHILE_STARTING) === 1
  return starting
    ? { after: 'start', ms: between(random, 0, START_MOST_MS) }
    : { after: 'load', ms: between(random, 0, LOAD_MOST_MS) }
}

/** A last start after the last kill, without people: it sends what is left. Returns how many records came again. */
async function lastLife(
  life: Omit<LifeOptions, 'round' | 'again'>,
  stored: Stored,
  subscriber: Consumer,
): Promise<number> {
  const before = subscriber.redelivered
  const last = new Life({ ...life, round: 0, again: [] }, true)
  const deadline = performance.now() + ARRIVE_MS
  while (subscriber.received < stored.ids.length && performance.now() < deadline) await sleep(50)
  await last.stop()
  return subscriber.redelivered - before
}
