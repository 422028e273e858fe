/** The one oracle: what was shown green is stored, what is stored arrived, once, in order, under its number. */
import type { Received } from './received.js'
import type { Stored } from './stored.js'

export interface Evidence {
  readonly stored: Stored
  readonly subscriber: Received
  /** What SQLite says of its file. */
  readonly integrity: string
}

export function lostOf({ stored, subscriber }: Evidence): number {
  return stored.ids.filter((_, index) => !subscriber.ids.has(index + 1)).length
}

/** Numbers that were received with another id than is stored under them. */
export function strangers({ stored, subscriber }: Evidence): number {
  const wrong = [...subscriber.ids].filter(([seq, id]) => stored.ids[seq - 1] !== id)
  return wrong.length + subscriber.renumbered
}

/** `disorder`: false where what was lost on the way is sent again and so comes late. */
export function brokenPromises(found: Evidence, { disorder = true } = {}): string[] {
  const { stored, subscriber, integrity } = found
  const counted: readonly (readonly [count: number, what: string])[] = [
    [stored.missing.length, 'shown green and not stored'],
    [stored.twice.length, 'accepted more than once'],
    [stored.renumbered + strangers(found), 'numbers skipped or used again'],
    [lostOf(found), 'stored and not received'],
    [disorder ? subscriber.disordered : 0, 'received after a later record'],
  ]
  const bad = counted.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  if (integrity !== 'ok') bad.push(`integrity_check: ${integrity}`)
  if (stored.greens === 0) bad.push('nothing was shown green: there was nothing to lose')
  return bad
}
