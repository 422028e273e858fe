/** How far the log of a terminal was read: kept across restarts. */

export interface Progress {
  /** Of the terminal, '' when it tells none. */
  readonly serial: string
  readonly count: number
  /** Bytes of a row; 0 of an empty log, which does not tell. */
  readonly size: number
  /** Of the last rows. */
  readonly digest: string
}

/** Undefined when nothing was kept, or by a version that kept something else. */
export function parseProgress(kept: string | undefined): Progress | undefined {
  try {
    const value: unknown = JSON.parse(kept ?? 'null')
    return isProgress(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isProgress(value: unknown): value is Progress {
  if (typeof value !== 'object' || value === null) return false
  const isWhole = (key: string): boolean =>
    Number.isSafeInteger(Reflect.get(value, key)) && Reflect.get(value, key) >= 0
  const isText = (key: string): boolean => typeof Reflect.get(value, key) === 'string'
  return isText('serial') && isText('digest') && isWhole('count') && isWhole('size')
}
