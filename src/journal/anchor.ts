/**
 * The head of the chain, kept outside the database: a database that lost its tail, or was replaced by an older copy, looks
 * whole in itself. Written whole or not at all.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeKey } from './keys.js'
import type { Beginning } from './records.js'

export interface Anchor {
  readonly journal: string
  readonly seq: number
  /** Lower-case hex. */
  readonly hash: string
  /** Newest number of each kind up to there: it spares a start the search, which would read the whole journal. */
  readonly last?: Readonly<Record<string, number>> | undefined
}

/** Stands for the journal in the anchor that a restore leaves: the next start begins a new one. */
export const RESTORED = 'restored'

export function anchorFile(journalFile: string): string {
  return join(dirname(journalFile), 'anchor')
}

/** What the database knows: its newest record, and the hash that stands at the number of the anchor. */
export interface Known {
  readonly journal: string
  readonly seq: number
  readonly hash: string | undefined
}

/** Why the database cannot be the one that the anchor was written for; undefined when it can. */
export function contradiction(anchor: Anchor, known: Known): Beginning['reason'] | undefined {
  if (anchor.journal === RESTORED) return 'restored'
  if (anchor.journal !== known.journal) return 'replaced'
  if (anchor.seq > known.seq) return 'tail-lost'
  return known.hash !== undefined && known.hash !== anchor.hash ? 'rewritten' : undefined
}

/** Undefined when there is none, or what is there is none. */
export function readAnchor(file: string): Anchor | undefined {
  try {
    const { journal, seq, hash, last } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Anchor>
    if (typeof journal !== 'string' || typeof hash !== 'string' || !Number.isSafeInteger(seq)) return undefined
    return { journal, hash, seq: Number(seq), ...(isNumbered(last) && { last }) }
  } catch {
    return undefined
  }
}

function isNumbered(last: unknown): last is Record<string, number> {
  return typeof last === 'object' && last !== null && Object.values(last).every((seq) => Number.isSafeInteger(seq))
}

export function writeAnchor(file: string, anchor: Anchor): void {
  // point: anchor.before-write
  writeKey(file, `${JSON.stringify(anchor)}\n`)
  // point: anchor.written
}
