/** `punchd readers`: the configured readers and their state, and what can be asked of one. */
import { readFileSync } from 'node:fs'
import type { Config } from '../config/config.js'
import type { ReaderLine } from '../control.js'
import { EXIT, messageOf, VerbError } from '../errors.js'
import { ask } from './ask.js'
import { asked } from './enroll.js'
import { scan } from './scan.js'
import { terminals } from './terminals.js'
import { common, print, requireConfig, type CommonOptions, type Verb, type VerbContext } from './verb.js'

export const readers: Verb = (program, context) => {
  const command = common(program.command('readers').description('list the configured readers and their state'))
  command.action((options: CommonOptions) => list(options, context))
  identify(command, context)
  setKey(command, context)
  terminals(command, context)
  scan(command, context)
}

async function list(options: CommonOptions, context: VerbContext): Promise<void> {
  const config = await requireConfig(options, context)
  const lines = await ask(config, 'readers', undefined).catch((error: unknown) =>
    withoutDaemon(config, error, context.err),
  )
  if (options.json) print(context.out, JSON.stringify(lines))
  else for (const line of lines) print(context.out, readerText(line))
  if (lines.length === 0 && !options.json) print(context.err, 'no readers are configured')
}

const identify: Verb = (program, context) => {
  const about = 'make one reader light up or beep, to see which it is'
  common(program.command('identify').description(about).argument('<reader>', 'id of the reader')).action(
    async (reader: string, _options: CommonOptions, self: Parameters<Verb>[0]) => {
      const options = self.optsWithGlobals<CommonOptions>()
      const config = await requireConfig(options, context)
      const result = await asked(config, reader, 'identify', {}, options, context)
      print(context.out, options.json ? JSON.stringify({ step: 'done', ...result }) : `${reader} has shown itself.`)
    },
  )
}

interface KeyOptions extends CommonOptions {
  readonly file: string
}

const setKey: Verb = (program, context) => {
  const about = 'give a device its key over the connection it has (OSDP secure channel)'
  common(program.command('set-key').description(about).argument('<reader>', 'id of the reader'))
    .requiredOption('--file <file>', 'file with the new key, 32 hex digits')
    .action(async (reader: string, _options: KeyOptions, self: Parameters<Verb>[0]) => {
      const options = self.optsWithGlobals<KeyOptions>()
      const config = await requireConfig(options, context)
      const result = await asked(config, reader, 'set-key', { key: keyIn(options.file) }, options, context)
      const text = `${reader} has its new key. Point its configuration at ${options.file} and restart punchd.`
      print(context.out, options.json ? JSON.stringify({ step: 'done', ...result }) : text)
    })
}

function keyIn(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new VerbError(EXIT.data, 'input-invalid', `${file} cannot be read: ${messageOf(error)}`)
  }
  if (/^[0-9a-f]{32}$/i.test(text)) return text.toUpperCase()
  throw new VerbError(EXIT.data, 'input-invalid', `${file} holds no key`, {
    hint: 'a key is 32 hex digits: openssl rand -hex 16 makes one',
  })
}

/** The list is worth having without the states; the exit code tells that they are missing. */
function withoutDaemon(config: Config, error: unknown, err: NodeJS.WritableStream): ReaderLine[] {
  if (!(error instanceof VerbError)) throw error
  print(err, `${error.message}; states are unknown${error.hint === undefined ? '' : `\n${error.hint}`}`)
  process.exitCode = error.exitCode === EXIT.permission ? EXIT.permission : EXIT.unavailable
  const unknown = { state: 'unknown', since: '', lastGoodRead: null, can: [] }
  return config.readers.flatMap(({ id, name, driver, points }) => [
    { id, name, driver, ...unknown },
    ...points.map((point) => ({ id: point.id, name: point.name, driver, of: id, ...unknown })),
  ])
}

function readerText({ id, driver, state, since, hint, lastGoodRead, of }: ReaderLine): string {
  const shown = of === undefined ? id : `  ${id}`
  const facts = [shown.padEnd(20), driver.padEnd(10), state.padEnd(8), since === '' ? '' : `since ${since}`]
  if (lastGoodRead !== null) facts.push(`last read ${lastGoodRead}`)
  if (hint !== undefined) facts.push(`- ${hint}`)
  return facts.join(' ').trimEnd()
}
