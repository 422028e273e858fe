/** One file of tests in a process of its own: what it leaves behind, or dies of, touches no other. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readOutcome, type Outcome } from '../outcome.js'
import { root } from '../root.js'

/** What mocha itself starts for `node-option` in package.json; starting that at once saves a process for each chapter. */
const MOCHA = fileURLToPath(import.meta.resolve('mocha/lib/cli/cli.js'))
/** Whatever a chapter started has no business to hold its output when it has ended. */
const SILENCE_MS = 5_000

export interface Run {
  readonly name: string
  readonly outcome: Outcome
  readonly seconds: number
}

/** Every program that runs now. */
const running = new Set<ChildProcess>()

/** Whoever ends the lanes ends what runs in them. */
export function endWith(signals: readonly NodeJS.Signals[]): void {
  for (const signal of signals)
    process.once(signal, () => {
      for (const child of running) child.kill('SIGTERM')
      process.kill(process.pid, signal)
    })
}

/** Resolves to how it went, whatever happens. `say` is given what it prints. */
export async function runChapter(name: string, file: string, say: (text: string) => void): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'punchd-lane-'))
  const path = join(folder, 'outcome.json')
  const colour = process.stdout.isTTY ? ['--color'] : []
  try {
    const args = [...nodeOptions(), MOCHA, '--reporter-option', `outcome=${path}`, ...colour, file]
    const { how, seconds } = await runProgram(process.execPath, args, say)
    return { name, seconds, outcome: judge(name, how, readOutcome(path)) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export interface Ended {
  /** `''`: with code 0 and nothing left open; otherwise what was wrong, as words behind a name. */
  readonly how: string
  readonly seconds: number
}

export async function runProgram(
  program: string,
  args: readonly string[],
  say: (text: string) => void,
): Promise<Ended> {
  const from = performance.now()
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', say)
  const how = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`))
    child.once('exit', () => setTimeout(() => resolve('left something running that holds its output'), SILENCE_MS).unref()) // prettier-ignore
    child.once('close', (code, signal) => resolve(code === 0 ? '' : `ended with ${signal ?? `exit code ${code}`}`))
  })
  running.delete(child)
  child.stdout.destroy()
  child.stderr.destroy()
  return { how, seconds: (performance.now() - from) / 1_000 }
}

/** A chapter that ends badly though no test of it failed counts as one that failed. */
function judge(name: string, how: string, said: Outcome | undefined): Outcome {
  if (said && (how === '' || said.failed > 0)) return said
  const { passed, failed, skipped } = said ?? { passed: 0, failed: 0, skipped: [] }
  const why = said ? 'though no test failed' : 'before it was through'
  const failures = `\n  ${name} ${how || 'ended'} ${why}: what it printed stands above.\n`
  return { passed, failed: failed + 1, failures, skipped }
}

function nodeOptions(): string[] {
  const { mocha } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Package
  return mocha['node-option'].map((option) => `--${option}`)
}

interface Package {
  readonly mocha: { readonly 'node-option': readonly string[] }
}
