/** What verbs show or change of people goes on record: by the running daemon, or else by this process in its place. */
import { userInfo } from 'node:os'
import type { Config } from '../config/config.js'
import type { Deed } from '../control.js'
import { SystemClock } from '../clock.js'
import { DaemonError, messageOf } from '../errors.js'
import { JournalThread } from '../journal/client.js'
import { lockDirectory } from '../journal/lock.js'
import { auditOfView } from '../roles.js'
import { threadOptions } from '../thread-options.js'
import { ask } from './ask.js'
import { print, type VerbContext } from './verb.js'

/** Whoever may read the data directory is an admin. */
export function viewed(config: Config, person: string, what: string, context: VerbContext): Promise<void> {
  return putOnRecord(config, auditOfView({ id: whoAsks(), role: 'admin' }, person, what), context)
}

/** Says so when it cannot: somebody who only may read still reads. */
export async function putOnRecord(config: Config, deed: Deed, { err }: VerbContext): Promise<void> {
  try {
    await ask(config, 'record', deed)
  } catch (error) {
    if (!(error instanceof DaemonError)) throw error
    await appendAlone(config, deed).catch((failure: unknown) => {
      if (!(failure instanceof DaemonError)) throw failure
      print(err, `punchd: not put on record (${deed.type}): ${messageOf(failure)}`)
    })
  }
}

export function whoAsks(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`
  }
}

async function appendAlone(config: Config, { type, subject, detail }: Deed): Promise<void> {
  const unlock = lockDirectory(config.data.path)
  try {
    const { thread } = await JournalThread.open(threadOptions(config))
    const fields = { reader: null, place: null, type, subject, detail: { ...detail } }
    await thread
      .append({ kind: 'audit', channel: type, moment: new SystemClock().now(), fields })
      .finally(() => thread.close())
  } finally {
    unlock()
  }
}
