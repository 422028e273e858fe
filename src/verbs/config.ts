/** `punchd config`: a commented example, the JSON Schema, and the effective values with their origin. */
import type { Config } from '../config/config.js'
import { ConfigError, EXIT, VerbError } from '../errors.js'
import { common, load, print, printable, type CommonOptions, type Verb, type VerbContext } from './verb.js'

/** What `config resolve` prints for `run`: with secrets, so only into a pipe. */
export type Resolved =
  { readonly config: Config; readonly warnings: readonly Warning[] } | { readonly problems: string }

/** A problem that does not keep the daemon from running. */
interface Warning {
  readonly place: string
  readonly reason: string
  readonly hint?: string | undefined
}

interface ShowOptions extends CommonOptions {
  readonly origin?: boolean
}

export const config: Verb = (program, context) => {
  const command = program.command('config').description('show, explain and describe the configuration')
  common(command.command('example').description('print a commented example')).action(async (options: CommonOptions) => {
    const { exampleText, exampleValues } = await import('../config/docs.js')
    const drivers = await context.drivers()
    print(context.out, options.json ? JSON.stringify(exampleValues(drivers)) : exampleText(drivers))
  })
  common(command.command('schema').description('print the JSON Schema of the file')).action(async () => {
    const { jsonSchema } = await import('../config/docs.js')
    print(context.out, JSON.stringify(jsonSchema(await context.drivers()), undefined, 2))
  })
  common(command.command('show').description('print the effective values; secrets are hidden'))
    .option('--origin', 'say where each value comes from')
    .action((options: ShowOptions) => show(options, context))
  const resolve = command.command('resolve', { hidden: true })
  common(resolve).action((options: CommonOptions) => printResolved(options, context))
}

async function show(options: ShowOptions, context: VerbContext): Promise<void> {
  const loaded = await load(options.config, context)
  if (!loaded.config) throw new ConfigError('config-invalid', await printable(loaded))
  const { effectiveValues, valueText } = await import('../config/show.js')
  const values = effectiveValues(loaded)
  if (options.json) print(context.out, JSON.stringify(values))
  else for (const value of values) print(context.out, valueText(value, options.origin === true))
}

async function printResolved(options: CommonOptions, context: VerbContext): Promise<void> {
  if (context.out.isTTY) throw new VerbError(EXIT.usage, 'usage', 'config resolve prints secrets; use config show')
  const loaded = await load(options.config, context)
  const { config: resolvedConfig, problems } = loaded
  const warnings = problems.map(({ file, line, path, message, suggestion }) => {
    return { place: `${file}:${line} ${path}`, reason: message, hint: suggestion }
  })
  const resolved: Resolved = resolvedConfig
    ? { config: resolvedConfig, warnings }
    : { problems: await printable(loaded) }
  print(context.out, JSON.stringify(resolved))
}
