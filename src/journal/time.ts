/** Writes instants in the site's zone, as RFC 3339 with offset. */

const QUARTER_MS = 900_000

/** Makes a formatter. Offsets are kept per quarter hour: no zone changes its offset within one. */
export function zoneFormatter(timezone: string): (wall: number) => string {
  const offsets = new Map<number, number>()
  const parts = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' })
  const offsetAt = (wall: number): number => {
    const quarter = Math.floor(wall / QUARTER_MS)
    let offset = offsets.get(quarter)
    if (offset === undefined) {
      offset = readOffset(parts, quarter * QUARTER_MS)
      if (offsets.size > 10_000) offsets.clear()
      offsets.set(quarter, offset)
    }
    return offset
  }
  return (wall) => {
    const minutes = offsetAt(wall)
    const local = new Date(wall + minutes * 60_000).toISOString().slice(0, 23)
    if (minutes === 0) return `${local}Z`
    const sign = minutes < 0 ? '-' : '+'
    return `${local}${sign}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`
  }
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** Minutes east of UTC. */
function readOffset(format: Intl.DateTimeFormat, wall: number): number {
  const name = format.formatToParts(wall).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  const match = /GMT([+-])(\d{2}):(\d{2})/.exec(name)
  if (!match) return 0
  return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]))
}
