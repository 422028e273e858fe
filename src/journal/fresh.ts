/** Random bytes, drawn in bulk: to ask the system for a dozen costs more than to seal a record with them. */
import { randomBytes } from 'node:crypto'

const POOL_BYTES = 4_096

let pool = Buffer.alloc(0)
let used = 0

/** `length` bytes that nobody was given before. */
export function freshBytes(length: number): Buffer {
  if (used + length > pool.length) {
    pool = randomBytes(Math.max(length, POOL_BYTES))
    used = 0
  }
  return pool.subarray(used, (used += length))
}
