/** One daemon behind one bad line to one real broker: from the first card to the last record, and what was found. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { journalFile } from '../../src/config/paths.js'
import { startBroker, type Broker } from '../broker.js'
import { Consumer } from './consumer.js'
import { Life } from './life.js'
import type { Evidence } from './oracle.js'
import { Proxy, type LineFault } from './proxy.js'
import { Stored } from './stored.js'

export interface Trial {
  readonly name: string
  /** What it is, for the table. */
  readonly about: string
  /** Cards in all. */
  readonly cards: number
  /** Milliseconds between two cards of one reader, by the daemon's clock. */
  readonly pauseMs: number
  readonly fault?: LineFault
  readonly settle?: 'puback' | 'receipt'
  /** Lines of the broker's configuration. */
  readonly lines?: readonly string[]
  /** Files that these name, beside it. */
  readonly files?: Readonly<Record<string, string>>
  /** While cards are presented; `during` returns when the fault is over. Default: until all of them are on the disk. */
  readonly during?: (stage: Stage) => Promise<void>
  /** Most connections in a minute of the daemon's clock. */
  readonly connectsAMinute?: number
  /** Most records that come again when a connection ends. */
  readonly againACut?: number
  /** What was lost on the way comes late. */
  readonly disorder?: boolean
  /** The line stays as it is. */
  readonly forGood?: boolean
  /** The control: the consumer is away, and what it did not get is lost with the broker. */
  readonly away?: boolean
}

export interface Stage {
  readonly broker: Broker
  readonly proxy: Proxy
  readonly consumer: Consumer
  readonly folder: string
  readonly life: Life
  /** Cards that were shown a light. */
  readonly shown: () => number
}

export interface Found extends Evidence {
  readonly trial: Trial
  readonly proxy: Proxy
  readonly subscriber: Consumer
  readonly seconds: number
}

/** How many times as fast the daemon's clock runs: half a minute without an answer are three seconds. */
export const SPEED = 10
const READERS = 4
const ARRIVE_MS = 90_000
const SHOW_MS = 60_000

export async function runTrial(trial: Trial, folder: string): Promise<Found> {
  const begun = performance.now()
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(trial.files ?? {})) writeFileSync(join(folder, name), text)
  const broker = await startBroker(folder, trial.lines)
  const proxy = await Proxy.start(() => broker.port, trial.fault)
  const consumer = await Consumer.connect(broker.url, { receipts: trial.settle === 'receipt' })
  const data = join(folder, 'data')
  const stored = new Stored(journalFile({ data: { path: data } }))
  const life = new Life({ data, port: broker.port, round: 1, again: [], cheat: false, flags: flagsOf(trial, proxy) })
  const shown = (): number => life.lights.length
  const stage = { broker, proxy, consumer, folder, life, shown }
  if (trial.away) await consumer.close()
  await (trial.during ?? presented)(stage)
  await presented(stage)
  if (!trial.forGood) proxy.mend()
  // Nothing is stored any more once all were shown: what is there now must arrive.
  await arrived(stored, consumer, trial)
  stored.check(await life.stop())
  const integrity = stored.verdict()
  await consumer.close()
  await proxy.close()
  await broker.stop()
  return { trial, stored, subscriber: consumer, integrity, proxy, seconds: (performance.now() - begun) / 1_000 }

  async function presented({ shown }: Stage): Promise<void> {
    await eventually(() => shown() >= trial.cards, SHOW_MS)
  }
}

/** Until everything that is stored arrived; a part of it that never does is for the oracle to say. */
async function arrived(stored: Stored, consumer: Consumer, { away, settle }: Trial): Promise<void> {
  if (away) return sleep(2_000)
  await eventually(() => {
    stored.check([])
    // With receipts the daemon must hear of it, too.
    const all = consumer.received >= stored.ids.length
    return all && (settle !== 'receipt' || consumer.upTo >= stored.ids.length)
  }, ARRIVE_MS)
}

function flagsOf({ cards, pauseMs, settle = 'puback' }: Trial, proxy: Proxy): string[] {
  const each = String(Math.ceil(cards / READERS))
  return ['--url', proxy.url, '--cards', each, '--pause', String(pauseMs), '--speed', String(SPEED), '--settle', settle]
}

/** True when it came about in time. */
export async function eventually(predicate: () => boolean, patienceMs: number): Promise<boolean> {
  const deadline = performance.now() + patienceMs
  while (!predicate()) {
    if (performance.now() > deadline) return false
    await sleep(50)
  }
  return true
}
