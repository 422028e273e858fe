/** What a configuration tells the journal's thread. */
import type { Config } from './config/config.js'
import { journalFile } from './config/paths.js'
import type { ThreadOptions } from './journal/protocol.js'

export function threadOptions(config: Config): ThreadOptions {
  return {
    file: journalFile(config),
    identity: { site: config.site.id, gateway: config.gateway.id, offsets: config.site.offsets },
    repeatWindowMs: config.policy.repeatWindowMs,
    keepSettledMs: config.data.keepSettledMs,
    policy: config.policy,
  }
}
