/** `punchd run`: the daemon, in the foreground. */
import { execFile } from 'node:child_process'
import { SystemClock } from '../clock.js'
import type { Config } from '../config/config.js'
import { ConfigError } from '../errors.js'
import { releaseStart } from '../start.js'
import { createLogger } from '../log.js'
import { CHRONYC, TimeSources } from '../sync.js'
import type { Resolved } from './config.js'
import { common, type CommonOptions, type Verb } from './verb.js'

/** Long enough for what closes by itself. */
const LEAVE_MS = 1_000

export const run: Verb = (program, context) => {
  common(program.command('run').description('run the daemon in the foreground; SIGTERM stops it')).action(
    async (options: CommonOptions) => {
      forbidCoreDumps()
      const { config, warnings } = await resolveApart(options.config)
      const { runDaemon } = await import('../daemon.js')
      const { open, version, stop } = context
      const drivers = await context.driversNamed(config.readers.map(({ driver }) => driver))
      const log = createLogger(config.log.level)
      for (const warning of warnings) log.warn('Configuration warning', { event: 'config-warning', ...warning })
      const clock = new SystemClock({ sync: new TimeSources({ chronyc: CHRONYC }) })
      await runDaemon({ config, drivers, open, version, clock, log, onBusy: releaseStart }, stop).finally(leave)
    },
  )
}

/** A driver that did not end at the stop may still have timers and sockets: they must not keep the process. */
export function leave(): void {
  setTimeout(() => process.exit(), LEAVE_MS).unref()
}

/** A dump of this process would hold keys and numbers. The unit forbids it, too; where there is no prlimit nothing is lost but that. */
function forbidCoreDumps(): void {
  execFile('prlimit', ['--pid', String(process.pid), '--core=0:0'], () => undefined)
}

/**
 * Loads the configuration in a process of its own, `punchd config resolve`: the YAML parser, the schemas and
 * their library are a fifth of this daemon's memory, and it needs them for a moment.
 */
async function resolveApart(file: string): Promise<Extract<Resolved, { config: Config }>> {
  const resolved = await new Promise<Resolved>((resolve, reject) => {
    const args = [process.argv[1] ?? '', 'config', 'resolve', '--config', file]
    execFile(process.execPath, args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (stdout === '') reject(error ?? new Error(stderr))
      else resolve(JSON.parse(stdout) as Resolved)
    })
  })
  if ('config' in resolved) return resolved
  throw new ConfigError('config-invalid', resolved.problems)
}
