/** Reads punch records. */
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

/** As the journal hands it out. */
export function punchFacts(json: string): PunchFacts {
  const { id, journal, seq, prev, reader, credential, verdict } = JSON.parse(json) as PunchRecord
  return { id, journal, seq, prev, reader, card: credential.value, verdict }
}

/** As the broker hands it out, to which anybody may publish: undefined when it is no punch. */
export function heardPunch(payload: string): PunchFacts | undefined {
  try {
    return punchFacts(payload)
  } catch {
    return undefined
  }
}
