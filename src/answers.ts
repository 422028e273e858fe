/** What the running daemon answers on the control socket. */
import type { Config } from './config/config.js'
import type { ControlActions, ReaderLine } from './control.js'
import { DaemonError } from './errors.js'
import type { JournalThread } from './journal/client.js'
import { zoneFormatter } from './journal/time.js'
import type { MqttPublisher } from './mqtt/publisher.js'
import type { Outbox } from './outbox.js'
import type { ReaderStatus, Status } from './status.js'

export interface AnswerSources {
  readonly config: Config
  readonly status: Status
  readonly thread: JournalThread
  readonly outbox: Outbox
  readonly publisher: MqttPublisher
}

const MOST_PARKED = 100_000

export function controlActions({ config, status, thread, outbox, publisher }: AnswerSources): ControlActions {
  const timeOf = zoneFormatter(config.site.offsets)
  return {
    readers: () => Promise.resolve(status.readers.map((reader) => readerLine(reader, timeOf))),
    status: async () => {
      const { journal, lastSeq, parked } = await thread.state()
      const { online, trouble } = publisher
      const broker = { online, trouble: trouble?.message, hint: trouble?.hint }
      return { pid: process.pid, journal, lastSeq, settled: outbox.settled, backlog: outbox.waiting, parked, broker }
    },
    retry: async ({ id }) => {
      const parked = (await thread.parked(MOST_PARKED)).find((candidate) => candidate.id === id)
      if (!parked)
        throw new DaemonError('usage', `no parked record has the id ${id}`, { hint: 'punchd backlog lists them' })
      await outbox.retry(parked)
      return { delivered: true }
    },
  }
}

function readerLine(reader: ReaderStatus, timeOf: (wall: number) => string): ReaderLine {
  const { id, name, driver, state, lastGoodRead, identity } = reader
  return {
    id,
    name,
    driver,
    state: state.state,
    since: timeOf(state.since),
    code: state.code,
    hint: state.hint,
    lastGoodRead: lastGoodRead === undefined ? null : timeOf(lastGoodRead),
    model: identity?.model,
  }
}
