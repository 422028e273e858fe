/** store: how near one durable punch comes to the least a durable append can cost on this disk. */
import { closeSync, fdatasyncSync, openSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { SystemClock } from '../src/clock.js'
import type { Attendance } from '../src/attendance.js'
import { outputOf, start } from './child.js'
import { compile } from './compile.js'
import { cardReport, openAttendance } from './fixture.js'
import { outcomeOf, quantile, round, type Bench } from './outcome.js'
import { refuseMemory } from './workspace.js'

const BYTES = 350
/** A journal that was not yet used grows its write-ahead log, and a growing file costs more. */
const WARM_UP_STEP = 500
const WARM_UP_MOST = 20_000

/** Microseconds of each append, one after the other for `ms` milliseconds. */
type Appending = (ms: number) => number[] | Promise<number[]>

export const store: Bench = {
  name: 'store',
  title: 'durable punches/s, one per commit ÷ fdatasync loop appending 350 B',
  goal: { bound: 'at least', limit: 0.85 },

  async run({ folder, quick, say }) {
    refuseMemory(folder)
    const rounds = quick ? 5 : 15
    const ms = quick ? 40 : 500
    const file = join(folder, 'journal.db')
    const { journal, attendance } = openAttendance(file)
    const punching = punches(attendance)
    const { appending, written } = appends(folder)
    if (!quick) await warmUp(`${file}-wal`, punching)
    const ours: number[] = []
    const floor: number[] = []
    const ratios: number[] = []
    for (let turn = 1; turn <= rounds; turn++) {
      // Whoever comes second finds the disk as the first left it, so they take turns.
      const first = turn % 2 === 0 ? await punching(ms) : undefined
      const loop = await appending(ms)
      const punched = first ?? (await punching(ms))
      ratios.push(perSecond(punched) / perSecond(loop))
      ours.push(...punched)
      floor.push(...loop)
      say(`store ${turn}/${rounds}: ${round(perSecond(punched))}/s against ${round(perSecond(loop))}/s`)
    }
    journal.close()
    return outcomeOf(this.goal, 'fdatasyncLoop', ratios, {
      ...figures('punch', ours),
      ...figures('append', floor),
      loopIn: written,
    })
  },
}

/** The real decision and commit of one report at a time. */
function punches(attendance: Attendance): Appending {
  const clock = new SystemClock()
  let next = 0
  return (ms) => timed(ms, () => void attendance.record([cardReport(next++, clock)]))
}

/** The loop in C where it can be compiled: in JavaScript it is a little slower, which would flatter us. */
function appends(folder: string): { appending: Appending; written: string } {
  const file = join(folder, 'appended')
  const program = compile('append-loop', folder)
  if (program !== undefined) {
    const appending = async (ms: number): Promise<number[]> => {
      const child = start(program, [file, String(BYTES), String(ms)], { stdio: ['ignore', 'pipe', 'inherit'] })
      const lines = (await outputOf(child, 'append-loop')).trimEnd().split('\n')
      return lines.map((nanoseconds) => Number(nanoseconds) / 1_000)
    }
    return { appending, written: 'C' }
  }
  const record = Buffer.alloc(BYTES, 'x')
  const appending = (ms: number): number[] => {
    const fd = openSync(file, 'a')
    const took = timed(ms, () => {
      writeSync(fd, record)
      fdatasyncSync(fd)
    })
    closeSync(fd)
    return took
  }
  return { appending, written: 'JavaScript' }
}

function timed(ms: number, append: () => void): number[] {
  const took: number[] = []
  const last = performance.now() + ms
  for (let before = performance.now(); before < last;) {
    append()
    const after = performance.now()
    took.push((after - before) * 1_000)
    before = after
  }
  return took
}

/** Until the write-ahead log is reused instead of growing. */
async function warmUp(wal: string, punching: Appending): Promise<void> {
  let same = 0
  let size = 0
  for (let done = 0; done < WARM_UP_MOST && same < 3;) {
    for (let step = 0; step < WARM_UP_STEP;) step += (await punching(20)).length
    done += WARM_UP_STEP
    const now = statSync(wal).size
    same = now === size ? same + 1 : 0
    size = now
  }
}

function perSecond(took: readonly number[]): number {
  return (took.length * 1e6) / took.reduce((sum, us) => sum + us, 0)
}

function figures(what: string, took: readonly number[]): Record<string, number> {
  return {
    [`${what}PerSecond`]: round(perSecond(took)),
    [`${what}P50Us`]: round(quantile(took, 0.5)),
    [`${what}P99Us`]: round(quantile(took, 0.99)),
  }
}
