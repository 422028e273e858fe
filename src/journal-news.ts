/** What a daemon says about its journal: why it began, and what of it is not what was stored. */
import type { Clock } from './clock.js'
import type { EventDetail, Logger } from './driver.js'
import type { Damage } from './journal/check.js'
import type { JournalThread } from './journal/client.js'
import type { Started } from './journal/protocol.js'

interface Context {
  readonly clock: Clock
  readonly log: Logger
}

/** Before anything else is stored: a consumer must know that numbers are missing, and since when. */
export async function tellStart(thread: JournalThread, state: Started, context: Context): Promise<void> {
  await tellBeginning(thread, state, context)
  thread.onDamage = (damages) => void tellDamage(thread, damages, context)
  await tellDamage(thread, state.damages, context)
}

async function tellBeginning(
  thread: JournalThread,
  { journal, lastSeq, begun }: Started,
  { clock, log }: Context,
): Promise<void> {
  // point: start.before-begun
  if (lastSeq === 0 && !begun) await thread.append(audit(clock, 'journal-begun', journal, { reason: 'created' }))
  if (!begun) return
  const hint =
    'records were lost or replaced outside of punchd: keep a copy of the data directory, and see punchd verify'
  log.error('A new journal begins: the old one is not what it was', { event: 'journal-begun', code: 'journal-corrupt', ...begun, hint }) // prettier-ignore
  await thread.append(audit(clock, 'journal-begun', journal, { ...begun }))
}

async function tellDamage(thread: JournalThread, damages: readonly Damage[], { clock, log }: Context): Promise<void> {
  const [first] = damages
  if (!first) return
  const { seq, what } = first
  const records = damages.length
  const hint = 'punchd verify tells more; nothing was changed or repaired'
  log.error('Records are not what was stored', { event: 'journal-damaged', code: 'journal-corrupt', records, first: seq, what, hint }) // prettier-ignore
  const once = JSON.stringify(['journal-damaged', seq, what, records])
  await thread.append({ ...audit(clock, 'journal-damaged', String(seq), { records, what }), once })
}

/** An audit record about `subject`. */
export function audit(
  clock: Clock,
  type: string,
  subject: string,
  detail: EventDetail,
  at?: { id: string; place: string },
) {
  const fields = { reader: at?.id ?? null, place: at?.place ?? null, type, subject, detail: { ...detail } }
  return { kind: 'audit', channel: type, moment: clock.now(), fields } as const
}
