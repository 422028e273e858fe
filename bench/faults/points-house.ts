/** What people do beside a running daemon while it is killed at its points: a new key, an erasure, a new people list, receipts. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../../src/config/config.js'
import { journalFile } from '../../src/config/paths.js'
import { EXIT, VerbError } from '../../src/errors.js'
import { PeopleTable } from '../../src/journal/people.js'
import { ask } from '../../src/verbs/ask.js'
import { releaseKnown } from '../../src/verbs/release.js'
import { between, type Random } from '../../simulators/random.js'
import type { Consumer } from './consumer.js'
import { cardOfYesterday, DAY_MS, people } from './points-site.js'

const SPREAD_MS = 250
const AGAIN_MS = 20
const RECEIPT_EVERY_MS = 60

export interface House {
  readonly config: Config
  readonly round: number
  readonly random: Random
  /** The daemon's life is over. */
  readonly over: AbortSignal
}

/** Each at a moment of its own. Whatever the daemon's death interrupts is no fault. */
export async function keepHouse({ config, round, random, over }: House): Promise<void> {
  const deeds = [() => rotate(config, over), () => erase(config, round), () => importPeople(config, round)]
  await Promise.all(
    deeds.map(async (deed) => {
      await sleep(between(random, 0, SPREAD_MS))
      while (!over.aborted && !(await isDone(deed))) await sleep(AGAIN_MS)
    }),
  )
}

/** A daemon that died answers nothing. False when it was only busy: a list cannot be written during a change of keys. */
async function isDone(deed: () => Promise<void>): Promise<boolean> {
  try {
    await deed()
    return true
  } catch (error) {
    if (!(error instanceof VerbError)) throw error
    return error.exitCode !== EXIT.again
  }
}

async function rotate(config: Config, over: AbortSignal): Promise<void> {
  for (let more = true; more && !over.aborted;) more = (await ask(config, 'rotate', undefined)).more
}

/** Of two of those who came yesterday. */
async function erase(config: Config, round: number): Promise<void> {
  for (const index of [2 * round, 2 * round + 1]) {
    const credentials = [`card:global:${cardOfYesterday(index)}`]
    const order = { person: '', credentials, before: Date.now() - DAY_MS / 4 }
    for (let after: number | undefined = 0; after !== undefined;)
      after = (await ask(config, 'erase', { ...order, after })).through
  }
}

/** A new list that knows the strangers of earlier rounds, whose punches may be sent then. */
async function importPeople(config: Config, round: number): Promise<void> {
  const table = PeopleTable.open(journalFile(config), 'write')
  try {
    table.import(people(round, round - 1), false)
    await releaseKnown(config, table)
  } finally {
    table.close()
  }
}

/** The consumer says what it has, and asks for some of it again. */
export async function giveReceipts(consumer: Consumer, random: Random, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await sleep(RECEIPT_EVERY_MS)
    const { journal, newest } = consumer
    if (journal === undefined || newest === 0) continue
    const from = between(random, Math.max(1, newest - 50), newest)
    consumer.say({ journal, missing: [[from, Math.min(newest, from + 3)]] })
    consumer.say({ journal, upTo: newest })
  }
}
