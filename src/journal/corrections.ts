/** Punches whose time became known after they were taken: each gets one `correction/1`, whatever happens in between. */
import type { Moment } from '../model.js'
import type { Effective } from '../policy/effective.js'
import type { Journal, Draft } from './journal.js'

/** Records looked at for one commit: a person at a reader must not wait for this. */
const STEP = 200

/** The fields of a stored punch that its correction needs. */
interface StoredPunch {
  readonly id: string
  readonly reader: string
  readonly place: string
  readonly clock: Moment
  readonly sim?: boolean
}

/**
 * Writes the next few; true when there are more. How far it came is kept in the same commit, so that a kill neither
 * forgets one nor writes one twice.
 */
export function writeCorrections(journal: Journal, now: Moment, step = STEP): boolean {
  const { due } = journal.times
  if (!due) return false
  const through = Math.min(due.through, due.from + step - 1)
  const drafts: Draft[] = []
  for (let seq = due.from; seq <= through; seq++) {
    const record = journal.get(seq)
    const draft = record?.kind === 'punch' ? correction(journal, `${record.body.toString()}}`, now) : undefined
    if (draft) drafts.push(draft)
  }
  // point: corrections.before-append
  journal.append(drafts, through)
  // point: corrections.appended
  return journal.times.due !== undefined
}

function correction(journal: Journal, body: string, moment: Moment): Draft | undefined {
  const { id, reader, place, clock, sim } = JSON.parse(body) as StoredPunch
  const effective = journal.times.effective(clock)
  if (!effective) return undefined
  const fields = { reader, place, of: id, sim, ...written(effective, (wall) => journal.timeOf(wall)) }
  return { kind: 'correction', channel: reader, moment, fields }
}

function written(effective: Effective, timeOf: (wall: number) => string) {
  return 'time' in effective
    ? { time: timeOf(Math.round(effective.time)), errorMs: effective.errorMs }
    : { earliest: timeOf(effective.earliest), latest: timeOf(effective.latest) }
}
