/** The last line of an export: what it says of the records before it, signed. */
import { sign, verify, type KeyObject } from 'node:crypto'
import { canonical } from '../journal/canonical.js'
import type { JsonObject, SummaryLine } from './line.js'

const WORDS = 'punchd/export/1\n'
const SIGNATURE = /^[A-Za-z0-9+/]{85}[AQgw]==$/

export interface Summary {
  readonly journal: string
  /** Numbers of the first and the last record; null when there is none. */
  readonly from: number | null
  readonly to: number | null
  readonly count: number
  /** Hash of the last record, hex. */
  readonly head: string | null
}

/** The line `export/1`. */
export function summaryText(summary: Summary, signing: KeyObject): string {
  const content = { schema: 'export/1', ...summary }
  return JSON.stringify({ ...content, sig: sign(null, signed(content), signing).toString('base64') })
}

export function isSignedSummary({ content }: SummaryLine, key: KeyObject): boolean {
  const { sig, ...rest } = content
  if (typeof sig !== 'string' || !SIGNATURE.test(sig)) return false
  try {
    return verify(null, signed(rest), key, Buffer.from(sig, 'base64'))
  } catch {
    // A number beyond all bounds cannot be written, nor was it signed.
    return false
  }
}

function signed(content: JsonObject): Buffer {
  return Buffer.from(WORDS + canonical(content), 'utf8')
}
