/**
 * Drivers that do all that a driver must not, each beside four good readers in the real daemon: their punches must be what
 * they would be without it, and take as long. What one process cannot keep to one reader fells the daemon; then nothing
 * that was green may be missing (A13, E08, E09, E10, E12, E23).
 */
import { join } from 'node:path'
import { round } from '../outcome.js'
import { meet, type Met } from './drivers-run.js'
import { timesOf, type Fault, type FaultOptions, type Row } from './fault.js'
import { HOSTILE } from './hostile-drivers.js'
import { sideBySide } from './side-by-side.js'

/** Rounds of each: alone, then beside it. */
const ROUNDS = { quick: 1, usual: 2, full: 6 }
const LIFE_MS = { quick: 700, usual: 2_000, full: 4_000 }
/** For `npm test`: one of each kind. */
const QUICK = [
  'throws-oddly',
  'traps',
  'lies-about-time',
  'forges',
  'floods',
  'floods-events',
  'blocks-for-ever',
  'rejects-aside',
]
/** Side by side figures mean nothing, and are there all the same. */
const QUICK_LANES = 3
/** Others may be slower by so much; more is told, and broken only when a person would notice it. */
const SLOWER = 1.2
const NOTICED_MS = 500
const CONTROL_TRIES = 5

export const drivers: Fault = {
  name: 'drivers',
  title: 'hostile drivers beside good ones',

  async run(options) {
    const { folder, size, say } = options
    const chosen = Object.entries(HOSTILE).filter(([hostile]) => size !== 'quick' || QUICK.includes(hostile))
    const met = await sideBySide(chosen, size === 'quick' ? QUICK_LANES : 1, async ([hostile, { about }]) => {
      say(`${hostile}: ${about}`)
      const meeting = { folder: join(folder, hostile), hostile, rounds: timesOf(options, ROUNDS), ms: LIFE_MS[size] }
      return meet(meeting).catch((error: unknown) => brokenDown(hostile, error))
    })
    const control = await positiveControl(options)
    const slow = met.filter((one) => one.fell === undefined && ratioOf(one) > SLOWER).map(({ hostile }) => hostile)
    const summary: Row = ['slower', slow.length, `of ${met.length}: the others' p99 grew by more than a fifth${slow.length === 0 ? '' : `: ${slow.join(', ')}`}`] // prettier-ignore
    return {
      rows: [...met.map(rowOf), summary, control.row],
      violations: [...met.flatMap(violationsOf), ...control.violations],
    }
  },
}

function brokenDown(hostile: string, error: unknown): Met {
  const figures = { p50Ms: Number.NaN, p99Ms: Number.NaN, punches: 0, peakMb: Number.NaN }
  const why = error instanceof Error ? error.message : String(error)
  return { hostile, alone: figures, beside: figures, ofHostile: 0, stopMs: undefined, fell: 'it should not', greens: 0, violations: [why] } // prettier-ignore
}

function ratioOf({ alone, beside }: Met): number {
  return beside.p99Ms / alone.p99Ms
}

function rowOf(met: Met): Row {
  const { hostile, alone, beside, ofHostile, stopMs, fell, greens } = met
  const whole = (value: number): string => String(Math.round(value))
  if (fell !== undefined) return [hostile, 'fells', `${fell}; ${greens} greens, none missing afterwards`]
  const note = [
    `p99 of the others ${round(beside.p99Ms)} ms, ${round(alone.p99Ms)} without it (p50 ${round(beside.p50Ms)}, ${round(alone.p50Ms)})`,
    `${beside.punches} punches, ${alone.punches} without it`,
    `${ofHostile} records of its own`,
    `memory ${whole(beside.peakMb)} MB, ${whole(alone.peakMb)} without it`,
    `stops in ${whole(stopMs ?? 0)} ms`,
  ]
  return [hostile, round(ratioOf(met)), note.join('; ')]
}

function violationsOf({ hostile, beside, fell, violations }: Met): string[] {
  const noticed = fell === undefined && beside.p99Ms > NOTICED_MS
  const slow = noticed ? [`the others' p99 is ${round(beside.p99Ms)} ms`] : []
  return [...violations, ...slow].map((violation) => `${hostile}: ${violation}`)
}

/** A daemon that shows green before it stores, and is felled: that must be found out. */
async function positiveControl({ folder }: FaultOptions): Promise<{ row: Row; violations: string[] }> {
  let missing = false
  let tries = 0
  for (; tries < CONTROL_TRIES && !missing; tries++) {
    const meeting = { folder: join(folder, `control-${tries}`), hostile: 'exits', rounds: 1, ms: 500, cheat: true }
    missing = (await meet(meeting)).violations.some((violation) => violation.includes('green and not stored'))
  }
  const note = `of ${tries} falls of a daemon that shows green before it stores: must not be 0`
  const violations = missing ? [] : ['the control was not found out: this run proves nothing']
  return { row: ['control', Number(missing), note], violations }
}
