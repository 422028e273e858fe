/** argv → verb. Wires the real drivers and transports. */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { driversNamed } from '../drivers/named.js'
import { DaemonError, EXIT, exitCodeOf, messageOf } from './errors.js'
import { openTransport } from './transport/open.js'
import { run } from './verbs/run.js'
import { print, type Verb, type VerbContext } from './verbs/verb.js'

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
    await (await program(context)).parseAsync()
  } catch (error) {
    process.exitCode = explain(error, context)
  }
}

async function program(context: VerbContext): Promise<Command> {
  const punchd = new Command('punchd').description('Attendance gateway: readers in, punches out.')
  // Before the verbs: they inherit it.
  punchd.exitOverride().showSuggestionAfterError().configureHelp({ showGlobalOptions: true })
  for (const verb of await verbsFor(process.argv[2])) verb(punchd, context)
  return punchd
}

/** A daemon lives for months: it must not keep in memory what the other verbs are made of. */
async function verbsFor(named: string | undefined): Promise<readonly Verb[]> {
  if (named === 'run') return [run]
  const [{ VERBS }, { sim, demo }] = await Promise.all([import('./verbs/all.js'), import('../simulators/main.js')])
  return [run, ...VERBS, sim, demo]
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
