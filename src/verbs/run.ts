/** `punchd run`: the daemon, in the foreground. */
import { SystemClock } from '../clock.js'
import { createLogger } from '../log.js'
import { common, requireConfig, type CommonOptions, type Verb } from './verb.js'

export const run: Verb = (program, context) => {
  common(program.command('run').description('run the daemon in the foreground; SIGTERM stops it')).action(
    async (options: CommonOptions) => {
      const config = await requireConfig(options, context)
      const { runDaemon } = await import('../daemon.js')
      const { drivers, open, version, stop } = context
      const log = createLogger(config.log.level)
      await runDaemon({ config, drivers, open, version, clock: new SystemClock(), log }, stop)
    },
  )
}
