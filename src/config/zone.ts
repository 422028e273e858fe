/** The offsets of a time zone, read once from what Node knows about zones. */
import type { ZoneOffsets } from '../journal/time.js'

/** Clocks that were never set say 1970; nobody's punch is from before. */
const FIRST_YEAR = 1970
/** Rules further ahead are guesses; a restart after an update of Node reads them anew. */
const YEARS_AHEAD = 30
/** No zone changes twice within so short a time. */
const STEP_MS = 14 * 86_400_000

/** All offsets from 1970 on. Throws RangeError when there is no such zone. */
export function zoneOffsets(timezone: string, now = Date.now()): ZoneOffsets {
  const minutesAt = offsetReader(timezone)
  const end = Date.UTC(new Date(now).getUTCFullYear() + YEARS_AHEAD)
  const offsets: [number, number][] = [[Date.UTC(FIRST_YEAR), minutesAt(Date.UTC(FIRST_YEAR))]]
  for (let from = Date.UTC(FIRST_YEAR); from < end; from += STEP_MS) {
    const before = minutesAt(from)
    if (minutesAt(from + STEP_MS) === before) continue
    const change = changeBetween(from, from + STEP_MS, before, minutesAt)
    offsets.push([change, minutesAt(change)])
  }
  return offsets
}

/** The first millisecond with another offset; changes happen on whole minutes. */
function changeBetween(low: number, high: number, before: number, minutesAt: (wall: number) => number): number {
  let [same, other] = [low / 60_000, high / 60_000]
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2)
    if (minutesAt(middle * 60_000) === before) same = middle
    else other = middle
  }
  return other * 60_000
}

function offsetReader(timezone: string): (wall: number) => number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' })
  return (wall) => {
    const name = format.formatToParts(wall).find(({ type }) => type === 'timeZoneName')?.value ?? ''
    const match = /GMT([+-])(\d{2}):(\d{2})/.exec(name)
    if (!match) return 0
    return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]))
  }
}
