/** Looks whether stored records are still what was stored: for the daemon at its start and while it idles. */
import { DaemonError } from '../errors.js'
import { commitOf, hashOf, NO_HASH } from './proof.js'
import type { Sealing } from './sealing.js'
import type { Row } from './statements.js'

/** A record that is not what was stored. */
export interface Damage {
  readonly seq: number
  readonly what: 'content' | 'chain' | 'missing'
}

/** Checks rows in order; `before` is the row in front of them, where there is one. Signatures are left to `punchd verify`. */
export function damagesIn(
  rows: readonly (Row & { readonly commitment: Buffer | null })[],
  before: Pick<Row, 'seq' | 'hash'> | undefined,
  sealing: Sealing,
): Damage[] {
  const found: Damage[] = []
  let previous = before
  for (const row of rows) {
    const begins = row.prevHash.equals(NO_HASH)
    // A new journal may begin with a later number; in the middle of one, none is left out.
    if (previous && !begins && row.seq !== previous.seq + 1) found.push({ seq: previous.seq + 1, what: 'missing' })
    else if (previous && !begins && !row.prevHash.equals(previous.hash)) found.push({ seq: row.seq, what: 'chain' })
    else if (!isWhole(row, sealing)) found.push({ seq: row.seq, what: 'content' })
    previous = row
  }
  return found
}

function isWhole(
  { seq, body, prevHash, hash, commitment }: Row & { commitment: Buffer | null },
  sealing: Sealing,
): boolean {
  if (!body) return commitment !== null && hashOf(prevHash, commitment).equals(hash)
  try {
    const { salt, evidence } = sealing.open(seq, body)
    return hashOf(prevHash, commitOf(Buffer.from(salt, 'base64'), evidence)).equals(hash)
  } catch (error) {
    if (error instanceof DaemonError) return false
    throw error
  }
}
