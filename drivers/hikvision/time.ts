/** Times of terminals: ISO 8601, mostly with an offset. */
import type { SiteZone } from '../../src/driver.js'

const ISO = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})?$/i

/**
 * Milliseconds since 1970. Without an offset it is the time of `posix`, such as `CST-8:00:00` [FACE A1], or of the site.
 * Undefined for what no calendar has.
 */
export function instantOf(written: string, zone: SiteZone, posix = ''): number | undefined {
  const [, day = '', time = '', offset] = ISO.exec(written.trim()) ?? []
  if (day === '') return undefined
  if (offset === undefined && posix === '') return zone.wallOf(`${day} ${time}`)
  const utc = Date.parse(`${day}T${time}Z`)
  if (Number.isNaN(utc) || new Date(utc).toISOString().slice(0, 10) !== day) return undefined
  const minutes = offset === undefined ? posixMinutes(posix) : offsetMinutes(offset)
  return minutes === undefined ? zone.wallOf(`${day} ${time}`) : utc - minutes * 60_000
}

function offsetMinutes(offset: string): number {
  if (/^z$/i.test(offset)) return 0
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(offset) ?? []
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
}

/** Of a zone in POSIX form, where west is positive; one with summer time has to be looked up by the site's own rules. */
function posixMinutes(posix: string): number | undefined {
  const match = /^[A-Za-z]{1,8}([+-]?)(\d{1,2})(?::(\d{2}))?(?::\d{2})?$/.exec(posix)
  if (!match) return undefined
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0)
  return match[1] === '-' ? minutes : -minutes
}

/** `2026-01-05T08:59:58+08:00` */
export function isoOf(wall: number, offset: number): string {
  const local = new Date(wall + offset * 60_000).toISOString().slice(0, 19)
  const [hours, minutes] = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60].map((part) =>
    String(part).padStart(2, '0'),
  )
  return `${local}${offset < 0 ? '-' : '+'}${hours}:${minutes}`
}
