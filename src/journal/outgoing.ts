/** How stored records look outside. */
import type { Times } from './times.js'
import type { Opened, OpenedBytes } from './sealing.js'
import type { Row } from './statements.js'

/** How instants are written, and what is known of time. */
export interface Dating {
  readonly timeOf: (wall: number) => string
  readonly times: Times
}

/** A stored record as it is sent: proof and best known time are added, the closing brace left open for `delivery`. */
export function openBody(row: Omit<Row, 'channel' | 'body'>, { salt, evidence }: Opened, dating: Dating): string {
  return evidence.slice(0, -1) + addedText(row, salt, () => evidence, dating)
}

/** As `openBody`, in UTF-8. */
export function openBytes(row: Omit<Row, 'channel' | 'body'>, { salt, evidence }: OpenedBytes, dating: Dating): Buffer {
  const added = addedText(row, salt, () => evidence.toString('utf8'), dating)
  const end = evidence.length - 1
  const bytes = Buffer.allocUnsafe(end + added.length)
  evidence.copy(bytes, 0, 0, end)
  bytes.write(added, end, 'latin1')
  return bytes
}

/** ASCII. By hand: it is done for each of a million records. */
function addedText(
  { seq, kind, wall, hash, prevHash, sig }: Omit<Row, 'channel' | 'body'>,
  salt: string,
  evidence: () => string,
  { timeOf, times }: Dating,
): string {
  const proof = `,"proof":{"hash":"${hash.toString('hex')}","prevHash":"${prevHash.toString('hex')}","salt":"${salt}","sig":"${sig.toString('base64')}"}`
  return kind === 'punch' ? `${proof},"time":"${timeOf(times.wallOf(seq, wall, evidence))}"` : proof
}

/** 36 characters as the 16 bytes that they stand for. */
export function uuidBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex')
}

export function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
