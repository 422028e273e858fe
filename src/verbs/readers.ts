/** `punchd readers`: the configured readers and their state. */
import type { Config } from '../config/config.js'
import type { ReaderLine } from '../control.js'
import { EXIT, VerbError } from '../errors.js'
import { ask } from './ask.js'
import { common, print, requireConfig, type CommonOptions, type Verb } from './verb.js'

export const readers: Verb = (program, context) => {
  common(program.command('readers').description('list the configured readers and their state')).action(
    async (options: CommonOptions) => {
      const config = await requireConfig(options, context)
      const lines = await ask(config, 'readers', undefined).catch((error: unknown) =>
        withoutDaemon(config, error, context.err),
      )
      if (options.json) print(context.out, JSON.stringify(lines))
      else for (const line of lines) print(context.out, readerText(line))
      if (lines.length === 0 && !options.json) print(context.err, 'no readers are configured')
    },
  )
}

/** The list is worth having without the states; the exit code tells that they are missing. */
function withoutDaemon(config: Config, error: unknown, err: NodeJS.WritableStream): ReaderLine[] {
  if (!(error instanceof VerbError)) throw error
  print(err, `${error.message}; states are unknown${error.hint === undefined ? '' : `\n${error.hint}`}`)
  process.exitCode = error.exitCode === EXIT.permission ? EXIT.permission : EXIT.unavailable
  return config.readers.map(({ id, name, driver }) => ({
    id,
    name,
    driver,
    state: 'unknown',
    since: '',
    lastGoodRead: null,
  }))
}

function readerText({ id, driver, state, since, hint, lastGoodRead }: ReaderLine): string {
  const facts = [id.padEnd(20), driver.padEnd(10), state.padEnd(8), since === '' ? '' : `since ${since}`]
  if (lastGoodRead !== null) facts.push(`last read ${lastGoodRead}`)
  if (hint !== undefined) facts.push(`- ${hint}`)
  return facts.join(' ').trimEnd()
}
