/** argv → verb. Wires the real drivers and transports. */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { driversNamed } from '../drivers/named.js'
import { demo, sim } from '../simulators/main.js'
import { DaemonError, EXIT, exitCodeOf, messageOf } from './errors.js'
import { openTransport } from './transport/open.js'
import { backlog } from './verbs/backlog.js'
import { backup, restore } from './verbs/backup.js'
import { check } from './verbs/check.js'
import { config } from './verbs/config.js'
import { enroll } from './verbs/enroll.js'
import { exportRecords } from './verbs/export.js'
import { keys } from './verbs/keys.js'
import { people } from './verbs/people.js'
import { punches } from './verbs/punches.js'
import { qr } from './verbs/qr.js'
import { readers } from './verbs/readers.js'
import { run } from './verbs/run.js'
import { tail } from './verbs/tail.js'
import { print, type Verb, type VerbContext } from './verbs/verb.js'
import { verify } from './verbs/verify.js'
import { version } from './verbs/version.js'

const VERBS: readonly Verb[] = [
  run,
  check,
  readers,
  enroll,
  tail,
  punches,
  backlog,
  exportRecords,
  backup,
  restore,
  keys,
  people,
  verify,
  config,
  qr,
  sim,
  demo,
  version,
]

/** Runs the verb that the command line names; sets the exit code. */
export async function main(): Promise<void> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())
  // A pipe whose reader went away (`| head`) is no error.
  process.stdout.on('error', () => stop.abort())
  const context: VerbContext = {
    drivers: async () => (await import('../drivers/index.js')).drivers,
    driversNamed,
    open: openTransport,
    version: readVersion(),
    env: process.env,
    out: process.stdout,
    err: process.stderr,
    stop: stop.signal,
  }
  try {
    await program(context).parseAsync()
  } catch (error) {
    process.exitCode = explain(error, context)
  }
}

function program(context: VerbContext): Command {
  const punchd = new Command('punchd').description('Attendance gateway: readers in, punches out.')
  // Before the verbs: they inherit it.
  punchd.exitOverride().showSuggestionAfterError().configureHelp({ showGlobalOptions: true })
  for (const verb of VERBS) verb(punchd, context)
  return punchd
}

/** Prints what went wrong, for a person; returns the exit code. */
function explain(error: unknown, { err }: VerbContext): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof DaemonError) {
    print(err, error.code === 'config-invalid' ? error.message : `punchd: ${error.message}`)
    if (error.hint !== undefined) print(err, `  ${error.hint}`)
  } else {
    const stack = process.env['PUNCHD_DEBUG'] !== undefined && error instanceof Error ? error.stack : undefined
    print(err, `punchd: unexpected: ${stack ?? messageOf(error)}`)
    print(err, '  this is a fault in punchd: please report it (PUNCHD_DEBUG=1 shows where)')
  }
  return exitCodeOf(error)
}

function readVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
