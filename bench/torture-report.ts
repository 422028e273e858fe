/** What a run of kills found, and whether that is good. */
import { WINDOW } from './fixture.js'
import { columns } from './table.js'
import type { TortureStored } from './torture-stored.js'
import type { TortureSubscriber } from './torture-subscriber.js'

/** Acknowledgements that may not be written down yet when the kill comes (src/watermark.ts), and those in flight. */
const USUAL_REDELIVERIES = 1_024 + WINDOW

export interface Findings {
  readonly stored: TortureStored
  readonly subscriber: TortureSubscriber
  readonly kills: number
  readonly whileStarting: number
  /** Most records that came again after one kill. */
  readonly mostRedelivered: number
  readonly integrity: string
  readonly seconds: number
}

/** What a run found, as a table. */
export function report(title: string, found: Findings): string {
  const { stored, subscriber } = found
  const lost = stored.ids.filter((_, index) => !subscriber.ids.has(index + 1)).length
  const rows = [
    ['kills', found.kills, `${found.whileStarting} of them while the daemon started`],
    ['greens', stored.greens, 'lights shown before a kill'],
    ['stored', stored.ids.length, `records, ${stored.punches} of them punches; integrity_check: ${found.integrity}`],
    ['missing', stored.missing.length, 'green and not stored'],
    ['twice', stored.twice.length, 'accepted more than once'],
    ['renumbered', stored.renumbered + strangers(found), 'numbers skipped, used again, or sent and then not stored'],
    ['received', subscriber.received, 'by the subscriber'],
    ['lost', lost, 'stored and not received'],
    ['disordered', subscriber.disordered, 'received for the first time after a later record'],
    [
      'redelivered',
      subscriber.redelivered,
      `at most ${found.mostRedelivered} after one kill; ${USUAL_REDELIVERIES} are usual`,
    ],
    ['seconds', found.seconds, ''],
  ]
  return [title, ...columns(rows.map(([name, value, note]) => [`  ${name ?? ''}`, String(value), String(note)]))].join(
    '\n',
  )
}

/** Numbers that were received with another id than is stored under them. */
function strangers({ stored, subscriber }: Findings): number {
  const wrong = [...subscriber.ids].filter(([seq, id]) => stored.ids[seq - 1] !== id)
  return wrong.length + subscriber.renumbered
}

/** Nothing is missing, lost, doubled or out of order, and there was something to lose. */
export function isClean(found: Findings): boolean {
  const { stored, subscriber, integrity } = found
  const allArrived = stored.ids.every((id, index) => subscriber.ids.get(index + 1) === id)
  const bad = stored.missing.length + stored.twice.length + stored.renumbered + strangers(found) + subscriber.disordered
  return allArrived && bad === 0 && integrity === 'ok' && stored.greens > 0
}
