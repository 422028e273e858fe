/** Times as people type them on a command line. */
import { durationMs } from '../config/options.js'
import { EXIT, VerbError } from '../errors.js'
import { zoneFormatter, type ZoneOffsets } from '../journal/time.js'

/** `10m` (ago), `2026-11-22`, `2026-11-22T08:00` (both in the site's zone), or with Z or an offset. Milliseconds since 1970. */
export function parseInstant(written: string, offsets: ZoneOffsets, now = Date.now()): number {
  const ago = durationMs(written)
  if (ago !== undefined) return now - ago
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?))?(Z|[+-]\d{2}:\d{2})?$/.exec(written)
  if (match) {
    const [, date = '', time = '00:00', zone] = match
    const utc = Date.parse(`${date}T${time}${zone ?? 'Z'}`)
    if (!Number.isNaN(utc) && isDay(date)) return zone === undefined ? inZone(utc, offsets) : utc
  }
  throw new VerbError(EXIT.usage, 'usage', `"${written}" is no time`, {
    hint: 'write 10m (ago), 2026-11-22, 2026-11-22T08:00 or 2026-11-22T08:00:00+01:00',
  })
}

/** `Date.parse` takes 30 February for 2 March. */
function isDay(date: string): boolean {
  return new Date(`${date}T00:00Z`).toISOString().startsWith(date)
}

/** The instant at which the clocks of the zone show what `utc` would show in UTC. */
function inZone(utc: number, offsets: ZoneOffsets): number {
  const timeOf = zoneFormatter(offsets)
  const offset = (wall: number): number => Date.parse(`${timeOf(wall).slice(0, 23)}Z`) - wall
  // The offset may differ on the two sides of a clock change: the second look is on the right side.
  return utc - offset(utc - offset(utc))
}
