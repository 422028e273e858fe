/** The outcomes for a person. */
import { statfsSync } from 'node:fs'
import { cpus, release } from 'node:os'
import type { Bench, Extra, Outcome, Skipped } from './outcome.js'

const FILE_SYSTEMS = new Map([
  [0xef53, 'ext4'],
  [0x9123_683e, 'btrfs'],
  [0x5846_5342, 'xfs'],
  [0x794c_7630, 'overlay'],
  [0xf2f5_2010, 'f2fs'],
])

export function tableOf(outcomes: ReadonlyMap<Bench, Outcome | Skipped>): string {
  const rows = [['bench', 'goal', 'ratio', 'min–max', 'rounds', '']]
  const notes: string[] = []
  for (const [bench, outcome] of outcomes) {
    const goal = `${bench.goal.bound === 'at least' ? '≥' : '≤'} ${bench.goal.limit}`
    notes.push('', `${bench.name}: ${bench.title}`)
    if ('skipped' in outcome) {
      rows.push([bench.name, goal, '–', '–', '–', 'skipped'])
      notes.push(`  ${outcome.skipped}`)
      continue
    }
    const { ratios, spread, met, figures, extra } = outcome
    const range = `${spread.min}–${spread.max}`
    rows.push([bench.name, goal, Object.values(ratios).join(' '), range, String(spread.rounds), met ? 'met' : 'MISSED'])
    for (const [name, value] of Object.entries(figures)) notes.push(`  ${name.padEnd(24)} ${value}`)
    if (extra !== undefined) notes.push('', ...linesOf(extra))
  }
  return [...columns(rows), ...notes, ''].join('\n')
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
