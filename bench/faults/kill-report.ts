/** What a run of kills found, and whether that is good. */
import { WINDOW } from '../fixture.js'
import type { Row } from './fault.js'
import { brokenPromises, lostOf, strangers, type Evidence } from './oracle.js'

/** Acknowledgements that may not be written down yet when the kill comes (src/watermark.ts), and those in flight. */
const USUAL_REDELIVERIES = 1_024 + WINDOW

export interface Findings extends Evidence {
  readonly kills: number
  readonly whileStarting: number
  /** Most records that came again after one kill. */
  readonly mostRedelivered: number
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
    ['lost', lostOf(found), 'stored and not received'],
    ['disordered', subscriber.disordered, 'received for the first time after a later record'],
    [
      'redelivered',
      subscriber.redelivered,
      `at most ${found.mostRedelivered} after one kill; ${USUAL_REDELIVERIES} are usual`,
    ],
  ]
}

/** Nothing may be missing, lost, doubled or out of order, and there must have been something to lose. */
export function violationsOf(found: Findings): string[] {
  return brokenPromises(found)
}
