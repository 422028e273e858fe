/** What a consumer says on `P/receipt`, checked: a receipt is believed only as far as it can be true. */
import type { Range } from './ranges.js'

export interface Incoming {
  readonly payload: Uint8Array
  /** The broker kept it from earlier. */
  readonly retained: boolean
}

export interface Known {
  readonly journal: string
  /** Newest record that may have been sent, ever. */
  readonly sent: number
}

export interface Receipt {
  readonly upTo?: number
  readonly missing: readonly Range[]
  /** What of it was left out, when it asked for too much. */
  readonly clamped?: string
}

export type RefusedReceipt = { readonly refused: Refusal; readonly reason: string }
export type Refusal = 'too-large' | 'not-json' | 'wrong-shape' | 'other-journal' | 'beyond' | 'retained-request'

const LARGEST_BYTES = 64 * 1024
/** Enough for a bad night; who lacks more asks again when these have come. */
export const MOST_RANGES = 1_000
export const MOST_ASKED = 1_000_000
const SHAPE = 'it is neither {"journal","upTo"} nor {"journal","missing":[[from,to],…]} with whole numbers'

/** The receipt, or why it is none. */
export function readReceipt({ payload, retained }: Incoming, known: Known): Receipt | RefusedReceipt {
  if (payload.length > LARGEST_BYTES) return no('too-large', `it is larger than ${LARGEST_BYTES} bytes`)
  const value = parsed(payload)
  if (value === undefined) return no('not-json', 'it is not JSON in UTF-8')
  if (!isObject(value) || typeof value['journal'] !== 'string') return no('wrong-shape', SHAPE)
  if (value['journal'] !== known.journal)
    return no('other-journal', 'it is about another journal: P/info names this one')
  const { upTo, missing } = value
  if (upTo === undefined && missing === undefined) return no('wrong-shape', SHAPE)
  if (upTo !== undefined && !isCount(upTo)) return no('wrong-shape', SHAPE)
  if (missing !== undefined && retained)
    return no('retained-request', '"missing" must not be retained: it would be asked for on every connection')
  const asked = missing === undefined ? [] : rangesOf(missing)
  if (!asked) return no('wrong-shape', SHAPE)
  const newest = asked.reduce((most, [, to]) => Math.max(most, to), upTo ?? 0)
  if (newest > known.sent) return no('beyond', 'it counts records that were never sent')
  return { ...(upTo !== undefined && { upTo }), ...clamped(asked) }
}

function parsed(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch {
    return undefined
  }
}

function rangesOf(missing: unknown): Range[] | undefined {
  if (!Array.isArray(missing)) return undefined
  const ranges: Range[] = []
  for (const pair of missing as unknown[]) {
    const [from, to, more] = Array.isArray(pair) ? (pair as unknown[]) : []
    if (!isCount(from) || !isCount(to) || more !== undefined || from < 1 || to < from) return undefined
    ranges.push([from, to])
  }
  return ranges
}

function clamped(asked: readonly Range[]): Pick<Receipt, 'missing' | 'clamped'> {
  const missing: Range[] = []
  let left = MOST_ASKED
  for (const [from, to] of asked.slice(0, MOST_RANGES)) {
    if (left === 0) break
    const end = Math.min(to, from + left - 1)
    left -= end - from + 1
    missing.push([from, end])
  }
  const last = missing.at(-1)
  if (missing.length === asked.length && last?.[1] === asked.at(-1)?.[1]) return { missing }
  return {
    missing,
    clamped: `at most ${MOST_RANGES} ranges and ${MOST_ASKED} records are sent again for one request: ask again for the rest`,
  }
}

function no(refused: Refusal, reason: string): RefusedReceipt {
  return { refused, reason }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
