/** Lengths of time as people write them in a scenario: `2s`, `1.5s`, `1m30s`, `500ms`, `5s..25s`. */

const DURATION = /^(?:(\d{1,4})m(?!s))?(?:(\d{1,5}(?:\.\d{1,3})?)s)?(?:(\d{1,7})ms)?$/
export const DURATION_FORM = '500ms, 2s, 1.5s or 1m30s'

/** Milliseconds; undefined when it is none. */
export function milliseconds(written: string): number | undefined {
  const match = written === '' ? null : DURATION.exec(written)
  if (!match) return undefined
  const [, minutes = '0', seconds = '0', ms = '0'] = match
  return Math.round(Number(minutes) * 60_000 + Number(seconds) * 1_000) + Number(ms)
}

export interface When {
  readonly atMs: number
  readonly untilMs?: number | undefined
}

/** `2s` or `5s..25s`; undefined when it is neither, or runs backwards. */
export function whenOf(written: string): When | undefined {
  const [from = '', to] = written.split('..', 2)
  const atMs = milliseconds(from)
  if (atMs === undefined) return undefined
  if (to === undefined) return { atMs }
  const untilMs = milliseconds(to)
  return untilMs === undefined || untilMs <= atMs ? undefined : { atMs, untilMs }
}
