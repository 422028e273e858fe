/** `npm run torture -- [NAME…] [--quick|--full] [--seed N] [--times N] [--json] [--dir PATH]`. */
import { parseArgs } from 'node:util'
import { FAULTS } from './faults/all.js'
import type { Fault, Finding, Size, Skipped } from './faults/fault.js'
import { BenchError } from './outcome.js'
import { columns, machine } from './table.js'
import { Workspace } from './workspace.js'

const USAGE = 64
const OPTIONS = {
  quick: { type: 'boolean', default: false },
  full: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  seed: { type: 'string' },
  times: { type: 'string' },
  dir: { type: 'string', default: '.bench' },
} as const

interface Asked {
  readonly wanted: readonly Fault[]
  readonly size: Size
  readonly seed: number
  readonly times: number | undefined
  readonly json: boolean
  readonly dir: string
}

function parse(): Asked {
  try {
    const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true })
    const unknown = positionals.find((name) => !FAULTS.some((fault) => fault.name === name))
    if (unknown !== undefined) throw new Error(`there is no fault "${unknown}"`)
    if (values.quick && values.full) throw new Error('--quick or --full, not both')
    const wanted = FAULTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
    const size = values.quick ? 'quick' : values.full ? 'full' : 'usual'
    const seed = whole('seed', values.seed, 0) ?? Date.now() % 1_000_000
    return { wanted, size, seed, times: whole('times', values.times, 1), json: values.json, dir: values.dir }
  } catch (error) {
    const names = FAULTS.map(({ name, title }) => `  ${name.padEnd(10)} ${title}`).join('\n')
    const usage = 'usage: npm run torture -- [NAME…] [--quick|--full] [--seed N] [--times N] [--json] [--dir PATH]'
    throw new BenchError(`${error instanceof Error ? error.message : String(error)}\n${usage}\n${names}`, USAGE)
  }
}

function whole(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > 0xffff_ffff)
    throw new Error(`--${name} takes a whole number from ${least}`)
  return value
}

async function main(): Promise<void> {
  const { wanted, json, ...asked } = parse()
  const workspace = new Workspace(asked.dir)
  const print = (text: string): void => {
    if (!json) process.stdout.write(`${text}\n`)
  }
  print(`seed ${asked.seed}`)
  const found = new Map<string, Finding | Skipped>()
  for (const fault of wanted) {
    const finding = await runOne(fault, asked, workspace.folder(fault.name))
    found.set(fault.name, finding)
    print(textOf(fault, finding, asked))
  }
  if (json) process.stdout.write(`${JSON.stringify({ seed: asked.seed, faults: Object.fromEntries(found) })}\n`)
  print(machine(asked.dir))
  if ([...found.values()].some((finding) => 'violations' in finding && finding.violations.length > 0))
    process.exitCode = 1
}

/** A harness that breaks down has found something, too: it must not hide what the others find. */
async function runOne(fault: Fault, asked: Omit<Asked, 'wanted' | 'json'>, folder: string): Promise<Finding | Skipped> {
  const begun = performance.now()
  try {
    const finding = await fault.run({ ...asked, folder, say: (text) => say(`${fault.name}: ${text}`) })
    if ('skipped' in finding) return finding
    return { ...finding, rows: [...finding.rows, ['seconds', Math.round((performance.now() - begun) / 1_000), '']] }
  } catch (error) {
    if (error instanceof BenchError) throw error
    return {
      rows: [],
      violations: [`broke down: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`],
    }
  } finally {
    endLine()
  }
}

function textOf({ name, title }: Fault, finding: Finding | Skipped, asked: Omit<Asked, 'wanted' | 'json'>): string {
  if ('skipped' in finding) return `\n${name}: ${title}\n  skipped: ${finding.skipped}`
  const { rows, violations } = finding
  const table = rows.length === 0 ? [] : columns(rows.map(([row, value, note]) => [`  ${row}`, String(value), note]))
  const verdict = violations.length === 0 ? '  kept' : `  BROKEN, ${violations.length}:`
  return [
    `\n${name}: ${title}`,
    ...table,
    verdict,
    ...violations.map((violation) => `  ! ${violation}`),
    ...(violations.length === 0 ? [] : [`  again: npm run torture -- ${again(name, asked)}`]),
  ].join('\n')
}

function again(name: string, { size, seed, times }: Omit<Asked, 'wanted' | 'json'>): string {
  const flags = [...(size === 'usual' ? [] : [`--${size}`]), ...(times === undefined ? [] : [`--times ${times}`])]
  return [name, ...flags, `--seed ${seed}`].join(' ')
}

let open = false
/** On a terminal one line that changes, elsewhere a line each. */
function say(text: string): void {
  open = process.stderr.isTTY
  process.stderr.write(open ? `\r${text}\u001b[K` : `${text}\n`)
}

function endLine(): void {
  if (open) process.stderr.write('\n')
  open = false
}

main().catch((error: unknown) => {
  process.stderr.write(`torture: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(error instanceof BenchError ? error.exitCode : 1)
})
