/** `npm run bench -- [NAME…] [--json] [--check] [--quick|--full] [--dir PATH]`. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { drain } from './drain.js'
import { fuzz } from './fuzz.js'
import { growth } from './growth.js'
import { Journals } from './journals.js'
import { latency } from './latency.js'
import { loop } from './loop.js'
import { BenchError, type Bench, type Outcome, type Skipped } from './outcome.js'
import { peers } from './peers.js'
import { people } from './people.js'
import { presence } from './presence.js'
import { size } from './size.js'
import { store } from './store.js'
import { machine, tableOf } from './table.js'
import { wan } from './wan.js'
import { wear } from './wear.js'
import { Workspace } from './workspace.js'

const BENCHES: readonly Bench[] = [store, drain, size, loop, fuzz, presence, people, latency, wan, wear, growth, peers] // prettier-ignore
const USAGE = 64
const CANNOT_RUN = 69
const PEERS_USAGE =
  'peers: [--install DIR | --peers DIR] [--thingsboard PATH]: install others outside the repository, or say where they are'

const OPTIONS = {
  json: { type: 'boolean', default: false },
  check: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  full: { type: 'boolean', default: false },
  dir: { type: 'string', default: '.bench' },
  // Of `peers` only.
  install: { type: 'string' },
  peers: { type: 'string' },
  thingsboard: { type: 'string' },
} as const

function parse() {
  try {
    const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true })
    const unknown = positionals.find((name) => !BENCHES.some((bench) => bench.name === name))
    if (unknown !== undefined) throw new Error(`there is no bench "${unknown}"`)
    if (values.quick && values.full) throw new Error('--quick or --full, not both')
    const wanted = BENCHES.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
    return { ...values, wanted }
  } catch (error) {
    const names = BENCHES.map(({ name, title }) => `  ${name.padEnd(8)} ${title}`).join('\n')
    const usage = 'usage: npm run bench -- [NAME…] [--json] [--check] [--quick | --full] [--dir PATH]'
    throw new BenchError(
      `${error instanceof Error ? error.message : String(error)}\n${usage}\n${names}\n${PEERS_USAGE}`,
      USAGE,
    )
  }
}

async function main(): Promise<void> {
  const { wanted, json, check, quick, full, dir, install, peers: from, thingsboard } = parse()
  const workspace = new Workspace(dir)
  const given = { install, peers: from, thingsboard }
  const say = (progress: string): void => void process.stderr.write(`${progress}\n`)
  const outcomes = new Map<Bench, Outcome | Skipped>()
  const journals = new Journals(join(workspace.path, 'journals'), say)
  for (const bench of wanted) {
    const folder = workspace.folder(bench.name)
    outcomes.set(bench, await bench.run({ folder, quick, full, given, journals, say }))
    // What it left could fill the disk of the next one.
    rmSync(folder, { recursive: true, force: true })
  }
  const named = Object.fromEntries([...outcomes].map(([{ name }, outcome]) => [name, outcome]))
  process.stdout.write(json ? `${JSON.stringify({ benches: named })}\n` : `${tableOf(outcomes)}\n${machine(dir)}\n`)
  if (quick) say('--quick: too short to mean anything; only the shape is right')
  const missed = [...outcomes.values()].some((outcome) => 'met' in outcome && !outcome.met)
  if (check && missed) process.exitCode = 1
}

main().catch((error: unknown) => {
  if (error instanceof BenchError) process.stderr.write(`bench: ${error.message}\n`)
  else process.stderr.write(`bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exit(error instanceof BenchError ? error.exitCode : CANNOT_RUN)
})
