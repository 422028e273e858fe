/** growth: what a punch, a delivery and a start cost more when the journal has grown, and when there are many readers. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SystemClock } from '../src/clock.js'
import { tcpLine } from '../simulators/tcp-line.js'
import { startBroker, type Broker } from './broker.js'
import { dataOf, startDaemon } from './daemon.js'
import { drainCopy, rate, type Sent } from './drain.js'
import { cardReport, GATEWAY, openAttendance } from './fixture.js'
import { manyReaders } from './many-readers.js'
import type { Journals } from './journals.js'
import { judged, median, quantile, round, type Bench, type Figures, type Goal, type Measured } from './outcome.js'
import { memoryOf } from './proc.js'
import { refuseMemory } from './workspace.js'

/** What is asked of journals of one length. */
interface Grown {
  /** Records before those that wait. */
  readonly records: number
  /** Microseconds of durable punches, by round. */
  readonly inserts: number[][]
  readonly drains: Sent[]
  /** Milliseconds to open it, and to the first reader that is up. */
  readonly opens: number[]
  readonly starts: number[]
  readonly peaksKb: number[]
}

interface Lengths {
  readonly sizes: readonly number[]
  /** Records that are sent, also from the journal that counts as empty. */
  readonly waiting: number
  /** Of drains and starts. */
  readonly rounds: number
  /** Of punches, so many in each. */
  readonly insertRounds: number
  readonly punches: number
  readonly settleMs: number
  readonly readers: number
}

const USUAL: Lengths = { sizes: [100_000], waiting: 20_000, rounds: 3, insertRounds: 9, punches: 400, settleMs: 4_000, readers: 200 } // prettier-ignore
const FULL: Lengths = { ...USUAL, sizes: [100_000, 1_000_000] }
const QUICK: Lengths = {
  sizes: [2_000],
  waiting: 500,
  rounds: 1,
  insertRounds: 1,
  punches: 20,
  settleMs: 300,
  readers: 20,
}

/** A punch may take a quarter longer, a delivery a tenth. */
const INSERT: Goal = { bound: 'at most', limit: 1.25 }
const DRAIN: Goal = { bound: 'at least', limit: 0.9 }
const ALLOWED: Goal = { bound: 'at most', limit: 1 }
const OPEN_MS = 50
const MORE_KB = 40 * 1_024

export const growth: Bench = {
  name: 'growth',
  title:
    'a grown journal ÷ an empty one: insert p50, drain rate; open ÷ 50 ms; peak RSS more ÷ 40 MB; many readers ÷ one',
  goal: INSERT,

  async run({ folder, quick, full, journals, say }) {
    refuseMemory(folder)
    const lengths = quick ? QUICK : full ? FULL : USUAL
    const broker = await startBroker(folder)
    const all = [0, ...lengths.sizes].map((records): Grown => ({ records, inserts: [], drains: [], opens: [], starts: [], peaksKb: [] })) // prettier-ignore
    await inserts(all, folder, journals, lengths, say)
    for (let turn = 1; turn <= lengths.rounds; turn++) {
      for (const grown of all) {
        await oneOf(grown, { folder, journals, broker, lengths })
        const [start, drained] = [grown.starts.at(-1)!, rate(grown.drains.at(-1)!)]
        say(`growth ${turn}/${lengths.rounds}: ${grown.records} records, start ${round(start)} ms, drain ${round(drained)}/s`) // prettier-ignore
      }
    }
    const crowd = await manyReaders({ folder, port: broker.port, readers: lengths.readers, quick, say })
    await broker.stop()
    const [empty, ...others] = all
    const measured = others.flatMap((grown) => measuredOf(grown, empty!))
    return judged([...measured, { against: 'oneReader', goal: INSERT, rounds: crowd.ratios }], {
      ...(Object.assign({}, ...all.map(figures)) as Figures),
      ...crowd.figures,
    })
  },
}

/** In turn, and one after the other in each: neighbours disturb all of them. */
async function inserts(
  all: readonly Grown[],
  folder: string,
  journals: Journals,
  { insertRounds, punches }: Lengths,
  say: (progress: string) => void,
): Promise<void> {
  // prettier-ignore
  const clock = new SystemClock()
  let next = 0
  const gates = []
  for (const grown of all) {
    const path = join(folder, `insert-${grown.records}`)
    const file = grown.records === 0 ? join(path, 'journal.db') : await journals.copy(grown.records, path)
    gates.push({ grown, path, ...openAttendance(file) })
  }
  // The first round fills caches and write-ahead logs.
  for (let turn = 0; turn <= insertRounds; turn++) {
    for (const { grown, attendance } of turn % 2 === 0 ? gates : [...gates].reverse()) {
      const took = Array.from({ length: turn === 0 ? punches * 2 : punches }, () => {
        // Cards that the journal knows from long ago.
        const report = cardReport(next++, clock)
        const begun = performance.now()
        attendance.record([report])
        return (performance.now() - begun) * 1_000
      })
      if (turn > 0) grown.inserts.push(took)
    }
    say(`growth: inserts, round ${turn}/${insertRounds}`)
  }
  for (const { journal, path } of gates) {
    journal.close()
    rmSync(path, { recursive: true })
  }
}

interface Stand {
  readonly folder: string
  readonly journals: Journals
  readonly broker: Broker
  readonly lengths: Lengths
}

/** One drain and one start of a journal of this length. */
async function oneOf(grown: Grown, { folder, journals, broker, lengths }: Stand): Promise<void> {
  // The empty one holds what is sent, and nothing else.
  const records = Math.max(grown.records, lengths.waiting)
  grown.drains.push(await drainCopy(journals, records, folder, broker.port, lengths.waiting))
  const path = join(folder, 'start')
  const file = await journals.copy(records, dataOf(path), lengths.waiting)
  const begun = performance.now()
  const { journal } = openAttendance(file)
  grown.opens.push(performance.now() - begun)
  journal.close()
  const line = await tcpLine()
  const daemon = startDaemon({ folder: path, gateway: GATEWAY, broker: broker.url, readers: [line.url] })
  grown.starts.push(await daemon.up(1))
  await sleep(lengths.settleMs)
  grown.peaksKb.push(memoryOf(daemon.child).peakKb)
  await daemon.kill()
  await line.close()
  rmSync(path, { recursive: true })
}

function measuredOf(grown: Grown, empty: Grown): Measured[] {
  const p50s = ({ inserts }: Grown): number[] => inserts.map(median)
  const over = (ours: readonly number[], theirs: readonly number[]): number[] => ours.map((value, turn) => value / theirs[turn]!) // prettier-ignore
  const at = `At${grown.records}`
  return [
    { against: `emptyInsert${at}`, goal: INSERT, rounds: over(p50s(grown), p50s(empty)) },
    { against: `emptyDrain${at}`, goal: DRAIN, rounds: over(grown.drains.map(rate), empty.drains.map(rate)) },
    { against: `openOf50Ms${at}`, goal: ALLOWED, rounds: grown.opens.map((ms) => ms / OPEN_MS) },
    { against: `moreOf40Mb${at}`, goal: ALLOWED, rounds: grown.peaksKb.map((kb, turn) => (kb - empty.peaksKb[turn]!) / MORE_KB) }, // prettier-ignore
  ]
}

function figures({ records, inserts, drains, opens, starts, peaksKb }: Grown): Figures {
  const at = `At${records}`
  return {
    [`insertP50Us${at}`]: round(median(inserts.flat())),
    [`insertP99Us${at}`]: round(quantile(inserts.flat(), 0.99)),
    [`drainPerSecond${at}`]: round(median(drains.map(rate))),
    [`drainPeakRssMb${at}`]: round(median(drains.map(({ maxRssKb }) => maxRssKb / 1_024))),
    [`openMs${at}`]: round(median(opens)),
    [`startMs${at}`]: round(median(starts)),
    [`daemonPeakRssMb${at}`]: round(median(peaksKb) / 1_024),
  }
}
