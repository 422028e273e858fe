/** The site's zone, for devices whose clocks show local time and tell no zone. */
import { offsetAt, type ZoneOffsets } from './journal/time.js'

export interface SiteZone {
  /**
   * Milliseconds since 1970 of `2026-11-23 08:57:31` (or with a T) on a clock of the site; undefined when no calendar has
   * that time. An hour that comes twice is taken for the first one, one that never comes for the hour after it.
   */
  wallOf(local: string): number | undefined
  /** Minutes east of UTC at that instant. */
  offsetMinutes(wall: number): number
  /** The day at the site, `2026-11-23`. */
  dayOf(wall: number): string
  /** `2026-11-23 08:57:31` at the site. */
  localOf(wall: number): string
}

const LOCAL = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})$/

export function siteZone(offsets: ZoneOffsets): SiteZone {
  const offsetMinutes = (wall: number): number => offsetAt(offsets, wall)
  const localOf = (wall: number): string =>
    new Date(wall + offsetMinutes(wall) * 60_000).toISOString().slice(0, 19).replace('T', ' ')
  return {
    offsetMinutes,
    localOf,
    dayOf: (wall) => localOf(wall).slice(0, 10),
    wallOf: (local) => {
      const parts = LOCAL.exec(local)
      const utc = Date.parse(`${parts?.[1]}T${parts?.[2]}Z`)
      // Dates that overflow, such as 31 February, would be moved silently.
      if (Number.isNaN(utc) || new Date(utc).toISOString().slice(0, 10) !== parts?.[1]) return undefined
      // A change of the clocks lies within a day: the offsets on both sides of it are all there is to try.
      const candidates = [utc - 86_400_000, utc + 86_400_000].map((near) => utc - offsetMinutes(near) * 60_000)
      const fitting = candidates.filter((wall) => wall + offsetMinutes(wall) * 60_000 === utc)
      return fitting.length > 0 ? Math.min(...fitting) : candidates[0]
    },
  }
}
