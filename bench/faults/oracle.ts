/** The one oracle: what was shown green is stored, what is stored arrived, once, in order, under its number. */
import type { Received } from './received.js'
import type { Stored } from './stored.js'

export interface Evidence {
  readonly stored: Stored
  readonly subscriber: Received
  /** What SQLite says of its file. */
  readonly integrity: string
}

export function lostOf(found: Evidence): number {
  return lostNumbers(found).length
}

/** What is stored and did not arrive. `besides`: numbers that are not missed. */
export function lostNumbers({ stored, subscriber }: Evidence, besides: ReadonlySet<number> = new Set()): number[] {
  const numbers = stored.ids.map((_, index) => index + 1)
  return numbers.filter((seq) => !subscriber.ids.has(seq) && !besides.has(seq))
}

/** Numbers that were received with another id than is stored under them. */
export function strangers({ stored, subscriber }: Evidence): number {
  const wrong = [...subscriber.ids].filter(([seq, id]) => stored.ids[seq - 1] !== id)
  return wrong.length + subscriber.renumbered
}

export interface Leave {
  /** False where what was lost on the way is sent again and so comes late. */
  readonly disorder?: boolean
  /** False where it was looked at in the midst of things: some may still be on their way, and perhaps nobody has come yet. */
  readonly ended?: boolean
  /** True where records are set aside: they come late, or not at all. */
  readonly aside?: boolean
  /** True where a run may end before anybody came. */
  readonly empty?: boolean
}

/** The promises that were not kept, less those that nobody made there. */
export function brokenPromises(found: Evidence, leave: Leave = {}): string[] {
  const { disorder = true, ended = true, aside = false, empty = !ended } = leave
  const { stored, subscriber, integrity } = found
  const lost = lostNumbers(found, aside ? stored.aside : undefined)
  const late = subscriber.late.filter((seq) => !aside || !stored.everAside.has(seq))
  const counted: readonly (readonly [count: number, what: string])[] = [
    [stored.missing.length, 'shown green and not stored'],
    [stored.twice.length, 'accepted more than once'],
    [stored.renumbered + strangers(found), 'numbers skipped or used again'],
    [ended ? lost.length : 0, 'stored and not received'],
    [disorder ? late.length : 0, 'received after a later record'],
  ]
  const bad = counted.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  if (bad.length > 0) bad.push(`for one each: ${examples(stored, lost)}`)
  if (integrity !== 'ok') bad.push(`integrity_check: ${integrity}`)
  if (stored.greens === 0 && !empty) bad.push('nothing was shown green: there was nothing to lose')
  return bad
}

function examples({ missing, twice, ids }: Stored, lost: readonly number[]): string {
  const cards = `missing ${missing[0]?.slice(0, 32) ?? 'none'}, twice ${twice[0]?.slice(0, 32) ?? 'none'}`
  return `${cards}, lost ${lost[0] ?? 'none'} of ${ids.length}`
}
