/** How stored records look outside. */
import type { Times } from './times.js'
import { proofOf, type Opened } from './sealing.js'
import type { Row } from './statements.js'

/** A stored record as it is sent: proof and best known time are added, the closing brace left open for `delivery`. */
export function openBody(
  row: Omit<Row, 'channel' | 'body'>,
  { salt, evidence }: Opened,
  timeOf: (wall: number) => string,
  times: Times,
): string {
  const { hash, prevHash, sig } = proofOf(row, salt)
  // By hand: it is done for each of a million records.
  const proof = `"proof":{"hash":"${hash}","prevHash":"${prevHash}","salt":"${salt}","sig":"${sig}"}`
  const time =
    row.kind === 'punch' ? `,"time":"${timeOf(times.wallOf({ seq: row.seq, wall: row.wall, body: evidence }))}"` : ''
  return `${evidence.slice(0, -1)},${proof}${time}`
}

/** 36 characters as the 16 bytes that they stand for. */
export function uuidBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex')
}

export function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
