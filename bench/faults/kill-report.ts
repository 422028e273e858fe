/** What a run of kills found, and whether that is good. */
import { WINDOW } from '../fixture.js'
import type { Row } from './fault.js'
import type { Stored } from './stored.js'
import type { Consumer } from './consumer.js'

/** Acknowledgements that may not be written down yet when the kill comes (src/watermark.ts), and those in flight. */
const USUAL_REDELIVERIES = 1_024 + WINDOW

export interface Findings {
  readonly stored: Stored
  readonly subscriber: Consumer
  readonly kills: number
  readonly whileStarting: number
  /** Most records that came again after one kill. */
  readonly mostRedelivered: number
  readonly integrity: string
}

/** What a run found, as lines of a table. */
export function rowsOf(found: Findings): Row[] {
  const { stored, subscriber } = found
  return [
    ['kills', found.kills, `${found.whileStarting} of them while the daemon started`],
    ['greens', stored.greens, 'lights shown before a kill'],
    ['stored', stored.ids.length, `records, ${stored.punches} of them punches; integrity_check: ${found.integrity}`],
    ['missing', stored.missing.length, 'green and not stored'],
    ['twice', stored.twice.length, 'accepted more than once'],
    ['renumbered', stored.renumbered + strangers(found), 'numbers skipped, used again, or sent and then not stored'],
    ['received', subscriber.received, 'by the consumer'],
    ['lost', lostOf(found).length, 'stored and not received'],
    ['disordered', disorderedOf(found), 'received for the first time after a later record'],
    [
      'redelivered',
      subscriber.redelivered,
      `at most ${found.mostRedelivered} after one kill; ${USUAL_REDELIVERIES} are usual`,
    ],
  ]
}

/** Numbers of those that are stored and not set aside, and were not received. */
function lostOf({ stored, subscriber }: Findings): number[] {
  const seqs = stored.ids.map((_, index) => index + 1)
  return seqs.filter((seq) => !subscriber.ids.has(seq) && !stored.parked.has(seq))
}

function disorderedOf({ stored, subscriber }: Findings): number {
  return subscriber.late.filter((seq) => !stored.everParked.has(seq)).length
}

/** Numbers that were received with another id than is stored under them. */
function strangers({ stored, subscriber }: Findings): number {
  const wrong = [...subscriber.ids].filter(([seq, id]) => stored.ids[seq - 1] !== id)
  return wrong.length + subscriber.renumbered
}

/** Nothing may be missing, lost, doubled or out of order, and there must have been something to lose. */
export function violationsOf(found: Findings): string[] {
  const nothing = found.stored.greens === 0 ? ['nothing was shown green: there was nothing to lose'] : []
  return [...brokenIn(found), ...nothing]
}

/** The promises that were not kept. */
export function brokenIn(found: Findings): string[] {
  const { stored, integrity } = found
  const counted: readonly (readonly [count: number, what: string])[] = [
    [stored.missing.length, 'shown green and not stored'],
    [stored.twice.length, 'accepted more than once'],
    [stored.renumbered + strangers(found), 'numbers skipped or used again'],
    [lostOf(found).length, 'stored and not received'],
    [disorderedOf(found), 'received after a later record'],
  ]
  const bad = counted.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  const [missing, twice] = [stored.missing[0], stored.twice[0]]
  if (missing !== undefined) bad.push(`missing, for one: ${missing.slice(0, 32)}`)
  if (twice !== undefined) bad.push(`accepted twice, for one: ${twice.slice(0, 32)}`)
  const [lost] = lostOf(found)
  if (lost !== undefined) bad.push(`lost, for one: number ${lost} of ${stored.ids.length}`)
  if (integrity !== 'ok') bad.push(`integrity_check: ${integrity}`)
  return bad
}
