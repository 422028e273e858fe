/** What all verbs share: their options, their streams, loading the configuration. */
import type { Command } from 'commander'
import type { Config } from '../config/config.js'
import type { Loaded } from '../config/load.js'
import type { AnyDriver } from '../driver.js'
import { ConfigError } from '../errors.js'
import type { OpenTransport } from '../transport/url.js'

/** What `main` hands to every verb. */
export interface VerbContext {
  /** All there are; for what must know them all, as the check of a configuration. */
  readonly drivers: () => Promise<readonly AnyDriver[]>
  /** Those that a daemon runs. */
  readonly driversNamed: (names: Iterable<string>) => Promise<readonly AnyDriver[]>
  readonly open: OpenTransport
  readonly version: string
  readonly env: NodeJS.ProcessEnv
  /** Results. */
  readonly out: NodeJS.WriteStream
  /** Everything else. */
  readonly err: NodeJS.WriteStream
  /** Aborts on SIGINT and SIGTERM. */
  readonly stop: AbortSignal
}

/** A verb adds its command to the program. */
export type Verb = (program: Command, context: VerbContext) => void

export interface CommonOptions {
  readonly config: string
  readonly json?: boolean
}

/** Adds the options that every verb takes. */
export function common(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file', process.env['PUNCHD_CONFIG'] ?? '/etc/punchd/config.yaml')
    .option('--json', 'print JSON')
}

/** Loads the configuration, or throws ConfigError whose message is every problem, ready to print. */
export async function requireConfig(options: CommonOptions, context: VerbContext): Promise<Config> {
  const loaded = await load(options.config, context)
  if (loaded.config) return loaded.config
  throw new ConfigError('config-invalid', await printable(loaded))
}

/** zod and yaml are only read in when a configuration is. */
export async function load(file: string, { drivers, env }: VerbContext): Promise<Loaded> {
  const { loadConfig } = await import('../config/load.js')
  return loadConfig(file, { drivers: await drivers(), env })
}

/** All problems and a line that counts them. */
export async function printable({ problems }: Pick<Loaded, 'problems'>): Promise<string> {
  const { printProblem } = await import('../config/problems.js')
  const errors = problems.filter(({ severity }) => severity === 'error').length
  const count = `${plural(errors, 'error')}, ${plural(problems.length - errors, 'warning')}.`
  return [...problems.map(printProblem), count].join('\n')
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

export function print(stream: NodeJS.WritableStream, line: string): void {
  stream.write(`${line}\n`)
}

/** Writes lines, waiting when the reader of a pipe is slower; stops quietly when it went away (`| head`). */
export async function printAll(
  stream: NodeJS.WritableStream,
  lines: Iterable<string> | AsyncIterable<string>,
): Promise<number> {
  let count = 0
  let gone = false
  const leave = (): void => void (gone = true)
  stream.once('error', leave)
  for await (const line of lines) {
    if (gone || !stream.writable) break
    count += 1
    if (!stream.write(`${line}\n`)) await drained(stream)
  }
  stream.off('error', leave)
  return count
}

/** Resolves when there is room again, or nobody to make any. */
function drained(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of EITHER) stream.off(event, done)
      resolve()
    }
    for (const event of EITHER) stream.on(event, done)
  })
}

const EITHER = ['drain', 'close', 'error'] as const
