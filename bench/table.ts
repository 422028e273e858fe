/** The outcomes for a person. */
import { statfsSync } from 'node:fs'
import { cpus, release } from 'node:os'
import type { Bench, Extra, Goal, Outcome, Skipped } from './outcome.js'

/** Of the names of figures. */
const WIDTH = 38
const FILE_SYSTEMS = new Map([
  [0xef53, 'ext4'],
  [0x9123_683e, 'btrfs'],
  [0x5846_5342, 'xfs'],
  [0x794c_7630, 'overlay'],
  [0xf2f5_2010, 'f2fs'],
])

export function tableOf(outcomes: ReadonlyMap<Bench, Outcome | Skipped>): string {
  const rows = [['bench', 'ratio to', 'goal', 'median', 'min–max', 'rounds', '']]
  const notes: string[] = []
  for (const [bench, outcome] of outcomes) {
    notes.push('', `${bench.name}: ${bench.title}`)
    if ('skipped' in outcome) {
      rows.push([bench.name, '–', text(bench.goal), '–', '–', '–', 'skipped'])
      notes.push(`  ${outcome.skipped}`)
      continue
    }
    const { figures, extra } = outcome
    rows.push(...rowsOf(bench.name, outcome))
    for (const [name, value] of Object.entries(figures)) notes.push(`  ${name.padEnd(WIDTH)} ${value}`)
    if (extra !== undefined) notes.push('', ...linesOf(extra))
  }
  return [...columns(rows), ...notes, ''].join('\n')
}

/** One for each ratio. */
function rowsOf(bench: string, { ratios, spreads, goals, missed }: Outcome): string[][] {
  return Object.entries(ratios).map(([against, ratio], index) => {
    const goal = goals[against]
    const { min = Number.NaN, max = Number.NaN, rounds = 0 } = spreads[against] ?? {}
    const verdict = goal === undefined ? '' : missed.includes(against) ? 'MISSED' : 'met'
    const name = index === 0 ? bench : ''
    return [name, against, goal ? text(goal) : '–', String(ratio), `${min}–${max}`, String(rounds), verdict]
  })
}

function text({ bound, limit }: Goal): string {
  return `${bound === 'at least' ? '≥' : '≤'} ${limit}`
}

function linesOf({ columns: head, rows, notes }: Extra): string[] {
  const cells = rows.map((row) => row.map(String))
  return [...columns([[...head], ...cells]), '', ...notes].map((line) => `  ${line}`.trimEnd())
}

/** What the absolute figures belong to. */
export function machine(folder: string): string {
  const [cpu] = cpus()
  const { type } = statfsSync(folder)
  const disk = FILE_SYSTEMS.get(type) ?? `file system 0x${type.toString(16)}`
  const node = `Node ${process.versions.node}`
  return `${cpus().length} × ${cpu?.model ?? process.arch}, Linux ${release()}, ${disk}, ${node}, ${new Date().toISOString().slice(0, 10)}`
}

/** Cells in columns as wide as their widest. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
