/** Names of what may be stored once only, as they are kept. */
import { createHash } from 'node:crypto'

/** Half a SHA-256: what is kept for ever is small, and two different texts never share it. */
export function onceKey(once: string): Buffer {
  return createHash('sha256').update(once).digest().subarray(0, 16)
}
