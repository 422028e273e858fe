/** Writes instants in the site's zone, as RFC 3339 with offset. */

/** From this instant on (milliseconds since 1970) the zone is so many minutes east of UTC. In order of time. */
export type ZoneOffsets = readonly (readonly [from: number, minutes: number])[]

/**
 * Makes a formatter. The offsets come with the configuration: asking Intl here would keep its data, ten
 * megabytes, in the memory of a daemon that needs two numbers a year.
 */
export function zoneFormatter(offsets: ZoneOffsets): (wall: number) => string {
  // Neighbours in a journal share the minute, and an offset never changes within one.
  let known = Number.NaN
  let upToMinute = ''
  let offset = ''
  return (wall) => {
    const minute = Math.floor(wall / 60_000)
    if (minute !== known) {
      const minutes = offsetAt(offsets, wall)
      upToMinute = new Date(wall + minutes * 60_000).toISOString().slice(0, 17)
      offset = offsetText(minutes)
      known = minute
    }
    const ms = Math.floor(wall - minute * 60_000)
    return `${upToMinute}${digits(Math.floor(ms / 1_000), 2)}.${digits(ms % 1_000, 3)}${offset}`
  }
}

function offsetText(minutes: number): string {
  if (minutes === 0) return 'Z'
  const east = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${digits(Math.floor(east / 60), 2)}:${digits(east % 60, 2)}`
}

/** Minutes east of UTC. Now is nearly always in the last period but a few, so the search begins at the end. */
export function offsetAt(offsets: ZoneOffsets, wall: number): number {
  for (let index = offsets.length - 1; index > 0; index--) {
    const period = offsets[index]
    if (period && wall >= period[0]) return period[1]
  }
  return offsets[0]?.[1] ?? 0
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0')
}
