/** What the running daemon answers on the control socket. */
import type { Config } from './config/config.js'
import type { AskedReader, Call, ControlActions, ReaderLine } from './control.js'
import type { RequestDesk } from './desk.js'
import { DaemonError } from './errors.js'
import type { JournalThread } from './journal/client.js'
import { zoneFormatter } from './journal/time.js'
import type { MqttPublisher } from './mqtt/publisher.js'
import type { Outbox } from './outbox.js'
import { rotateSome } from './journal/rotation.js'
import type { RequestFacts, RequestKind } from './requests.js'
import type { Note } from './session.js'
import type { ReaderStatus, Status } from './status.js'

export interface AnswerSources {
  readonly config: Config
  readonly status: Status
  readonly thread: JournalThread
  readonly outbox: Outbox
  readonly publisher: MqttPublisher
  readonly desk: RequestDesk
  readonly note: Note
}

const MOST_PARKED = 100_000

export function controlActions(sources: AnswerSources): ControlActions {
  const { config, status, thread, outbox, publisher, desk, note } = sources
  const timeOf = zoneFormatter(config.site.offsets)
  return {
    readers: () => Promise.resolve(status.readers.map((reader) => readerLine(reader, desk.can(reader.id), timeOf))),
    status: async () => {
      const { journal, lastSeq, parked } = await thread.state()
      const { online, trouble } = publisher
      const broker = { online, trouble: trouble?.message, hint: trouble?.hint }
      const { settled, waiting: backlog, receipts } = outbox
      const { pid } = process
      return { pid, journal, lastSeq, settled, backlog, parked, unreceipted: receipts?.unreceipted, broker }
    },
    retry: ({ id }) => retry(id, sources),
    request: (asked, call) => request(asked, call, sources),
    erase: (order) => thread.erase(order),
    rotate: async () => ({ more: await rotateSome(() => thread.rotate()) }),
    record: async ({ type, subject, detail }) => {
      await note(subject, type, detail)
      return { recorded: true }
    },
  }
}

async function retry(id: string, { thread, outbox }: AnswerSources): Promise<{ delivered: true }> {
  const parked = (await thread.parked(MOST_PARKED)).find((candidate) => candidate.id === id)
  if (!parked)
    throw new DaemonError('usage', `no parked record has the id ${id}`, { hint: 'punchd backlog lists them' })
  await outbox.retry(parked)
  return { delivered: true }
}

async function request(
  { reader, kind, args }: AskedReader,
  { signal, progress }: Call,
  { desk, note }: AnswerSources,
): Promise<RequestFacts> {
  const onProgress = (step: string, text: string, facts: RequestFacts): void => progress({ step, text, facts })
  const result = await desk.ask(reader, { kind, args, signal, onProgress })
  const type = EVENT_OF[kind]
  if (type !== undefined) await note(reader, type, { ...keptOf(args), ...result })
  return result
}

/** What was changed in a reader goes on record; what was only shown does not. */
const EVENT_OF: Readonly<Partial<Record<RequestKind, string>>> = {
  enroll: 'enrolled',
  remove: 'removed',
  'set-key': 'key-set',
  'set-time': 'time-set',
  reboot: 'rebooted',
  'add-user': 'user-added',
  'remove-user': 'user-removed',
}

/** What of a request may stand in a record: never a key. */
function keptOf({ person, slot, user }: RequestFacts): RequestFacts {
  return {
    ...(person !== undefined && { person }),
    ...(slot !== undefined && { slot }),
    ...(user !== undefined && { user }),
  }
}

function readerLine(reader: ReaderStatus, can: ReaderLine['can'], timeOf: (wall: number) => string): ReaderLine {
  const { id, name, driver, state, lastGoodRead, identity, of } = reader
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
    of,
    can,
  }
}
