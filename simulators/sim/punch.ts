/** Reads a punch record, as the journal or the broker hands it out. */
import type { PunchFacts } from './ledger.js'

interface PunchRecord {
  readonly id: string
  readonly journal: string
  readonly seq: number
  readonly prev: number | null
  readonly reader: string
  readonly credential: { readonly value: string }
  readonly verdict: string
}

export function punchFacts(json: string): PunchFacts {
  const { id, journal, seq, prev, reader, credential, verdict } = JSON.parse(json) as PunchRecord
  return { id, journal, seq, prev, reader, card: credential.value, verdict }
}
