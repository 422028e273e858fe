/** store: how near one durable punch comes to the least a durable append can cost on this disk. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SystemClock } from '../src/clock.js'
import { JournalThread } from '../src/journal/client.js'
import { bodyBytes, fdatasyncLoop, punches, rawBetterSqlite3, rawSqlite, warmUp, type Appending } from './appending.js'
import { cardReport, threadOptions } from './fixture.js'
import { judged, quantile, round, type Bench, type Figures, type Measured } from './outcome.js'
import { refuseMemory } from './workspace.js'

/** A rush hour: so many readers at once, each with its next punch as soon as the light was shown. */
const CROWD = 64

/** By the name of its figures. */
type Contenders = ReadonlyMap<string, Appending>

export const store: Bench = {
  name: 'store',
  title: 'durable punches/s, one per commit ÷ fdatasync loop appending 350 B, and ÷ bare SQLite with the same rows',
  goal: { bound: 'at least', limit: 0.85 },

  async run({ folder, quick, say }) {
    refuseMemory(folder)
    const rounds = quick ? 5 : 15
    const ms = quick ? 40 : 500
    const contenders = await contendersIn(folder)
    if (!quick) for (const contender of contenders.values()) await warmUp(contender)
    const took = new Map([...contenders.keys()].map((name) => [name, [] as (readonly number[])[]]))
    for (let turn = 1; turn <= rounds; turn++) {
      // Whoever comes second finds the disk as the first left it, so they take turns.
      for (const name of rotated([...contenders.keys()], turn)) {
        took.get(name)?.push(await contenders.get(name)!.append(ms))
      }
      const speeds = [...took].map(([name, all]) => `${name} ${round(perSecond(all.at(-1)!))}/s`)
      say(`store ${turn}/${rounds}: ${speeds.join(', ')}`)
    }
    for (const { close } of contenders.values()) close()
    const crowd = await crowded(join(folder, 'crowd'), quick ? 100 : 2_000)
    const ratios = (who: string): number[] => took.get('punch')!.map((punched, turn) => perSecond(punched) / perSecond(took.get(who)![turn]!)) // prettier-ignore
    const measured: Measured[] = [
      { against: 'fdatasyncLoop', goal: this.goal, rounds: ratios('append') },
      { against: 'betterSqlite3', rounds: ratios('betterSqlite3') },
      ...(took.has('cSqlite') ? [{ against: 'cSqlite', goal: { bound: 'at least', limit: 0.9 }, rounds: ratios('cSqlite') } as const] : []), // prettier-ignore
    ]
    return judged(measured, {
      ...Object.fromEntries([...took].flatMap(([name, all]) => figures(name, all.flat()))),
      ...(took.has('cSqlite') ? {} : { cSqlite: 'skipped: no C compiler or no sqlite3.h (sudo apt install gcc libc6-dev libsqlite3-dev)' }), // prettier-ignore
      ...crowd,
      loopIn: contenders.get('append')?.by ?? '',
    })
  },
}

async function contendersIn(folder: string): Promise<Contenders> {
  const punch = punches(folder)
  // The first one tells how large a row is.
  await punch.append(1)
  const bytes = bodyBytes(folder)
  const cSqlite = rawSqlite(folder, bytes)
  return new Map([
    ['punch', punch],
    ['append', fdatasyncLoop(folder)],
    ['betterSqlite3', rawBetterSqlite3(folder, bytes)],
    ...(cSqlite ? [['cSqlite', cSqlite] as const] : []),
  ])
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const at = by % items.length
  return [...items.slice(at), ...items.slice(0, at)]
}

/** What the daemon can take: through the journal's thread, commits as large as they come. */
async function crowded(folder: string, ms: number): Promise<Figures> {
  mkdirSync(folder)
  const { thread } = await JournalThread.open(threadOptions(join(folder, 'journal.db')))
  const clock = new SystemClock()
  const took: number[] = []
  const begun = performance.now()
  let next = 0
  const reader = async (): Promise<void> => {
    while (performance.now() - begun < ms) {
      const before = performance.now()
      const { verdict } = await thread.report(cardReport(next++, clock))
      if (verdict !== 'accepted') throw new Error(`store: a punch was ${verdict}`)
      took.push((performance.now() - before) * 1_000)
    }
  }
  await Promise.all(Array.from({ length: CROWD }, reader))
  const seconds = (performance.now() - begun) / 1_000
  await thread.close()
  return {
    [`acceptedPerSecondAt${CROWD}Readers`]: round(took.length / seconds),
    [`acceptedP50UsAt${CROWD}Readers`]: round(quantile(took, 0.5)),
    [`acceptedP99UsAt${CROWD}Readers`]: round(quantile(took, 0.99)),
  }
}

function perSecond(took: readonly number[]): number {
  return (took.length * 1e6) / took.reduce((sum, us) => sum + us, 0)
}

function figures(what: string, took: readonly number[]): (readonly [string, number])[] {
  return [
    [`${what}PerSecond`, round(perSecond(took))],
    [`${what}P50Us`, round(quantile(took, 0.5))],
    [`${what}P99Us`, round(quantile(took, 0.99))],
  ]
}
