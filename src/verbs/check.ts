/** `punchd check`: validates the configuration without touching hardware or network. */
import { EXIT } from '../errors.js'
import { common, load, print, printable, type CommonOptions, type Verb } from './verb.js'

export const check: Verb = (program, context) => {
  common(program.command('check').description('check the configuration; exit 78 when it has errors')).action(
    async (options: CommonOptions) => {
      const loaded = await load(options.config, context)
      const ok = loaded.config !== undefined
      if (options.json) print(context.out, JSON.stringify({ ok, file: options.config, problems: loaded.problems }))
      else {
        print(context.out, await printable(loaded))
        print(context.out, ok ? `${options.config} is valid.` : 'Nothing was changed.')
      }
      if (!ok) process.exitCode = EXIT.config
    },
  )
}
