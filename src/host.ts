/** What the daemon stands on besides readers and clocks. All of it can be given: whoever owns it owns what happens next. */
import { ControlServer, type ControlActions } from './control.js'
import { diskSpace, type DiskSpace } from './documents.js'
import { JournalThread } from './journal/client.js'
import { lockDirectory } from './journal/lock.js'
import type { ThreadOptions } from './journal/protocol.js'
import { overNetwork, type Connect } from './mqtt/publisher.js'

export interface Host {
  /** One daemon per data directory: returns what releases it, or throws. */
  readonly lock: (directory: string) => () => void
  readonly openJournal: (options: ThreadOptions) => ReturnType<typeof JournalThread.open>
  readonly listen: (path: string, actions: ControlActions) => Promise<Pick<ControlServer, 'close'>>
  readonly connect: Connect
  readonly diskSpace: (file: string) => Promise<DiskSpace>
}

/** This machine. */
export const HOST: Host = {
  lock: lockDirectory,
  openJournal: (options) => JournalThread.open(options),
  listen: (path, actions) => ControlServer.listen(path, actions),
  connect: overNetwork,
  diskSpace,
}
