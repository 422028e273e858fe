/** Writes instants in the site's zone, as RFC 3339 with offset. */

/** From this instant on (milliseconds since 1970) the zone is so many minutes east of UTC. In order of time. */
export type ZoneOffsets = readonly (readonly [from: number, minutes: number])[]

/**
 * Makes a formatter. The offsets come with the configuration: asking Intl here would keep its data, ten
 * megabytes, in the memory of a daemon that needs two numbers a year.
 */
export function zoneFormatter(offsets: ZoneOffsets): (wall: number) => string {
  return (wall) => {
    const minutes = offsetAt(offsets, wall)
    const local = new Date(wall + minutes * 60_000).toISOString().slice(0, 23)
    if (minutes === 0) return `${local}Z`
    const sign = minutes < 0 ? '-' : '+'
    return `${local}${sign}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`
  }
}

/** Minutes east of UTC. Now is nearly always in the last period but a few, so the search begins at the end. */
function offsetAt(offsets: ZoneOffsets, wall: number): number {
  for (let index = offsets.length - 1; index > 0; index--) {
    const period = offsets[index]
    if (period && wall >= period[0]) return period[1]
  }
  return offsets[0]?.[1] ?? 0
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
