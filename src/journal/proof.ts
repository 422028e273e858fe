/**
 * What makes a record evidence (CONTRACT §4): a commitment to its content, chained to the record before it, signed. Whoever
 * has the records and the public key can check all of it; the content of one can be destroyed without breaking the rest. Pure.
 */
import { createPublicKey, hash as digestOf, sign, verify, type KeyObject } from 'node:crypto'
import { freshBytes } from './fresh.js'

/** As it stands in a record: hash and prevHash in lower-case hex, salt and sig in base64. */
export interface Proof {
  readonly hash: string
  readonly prevHash: string
  readonly salt: string
  readonly sig: string
}

export const SALT_BYTES = 16
/** `prevHash` of the first record of a journal. */
export const NO_HASH = Buffer.alloc(32)
const COMMIT_MARK = Buffer.of(0x00)
const CHAIN_MARK = Buffer.of(0x01)
const RECORD_WORDS = Buffer.from('punchd/record/1\n')
/** What stands before a raw Ed25519 key in its DER form. */
const ED25519_DER = Buffer.from('302a300506032b6570032100', 'hex')

export function newSalt(): Buffer {
  return freshBytes(SALT_BYTES)
}

/** SHA-256(00 ‖ salt ‖ JCS); `evidence` is the canonical JSON, or its UTF-8. */
export function commitOf(salt: Uint8Array, evidence: string | Uint8Array): Buffer {
  const bytes = typeof evidence === 'string' ? Buffer.from(evidence) : evidence
  return digestOf('sha256', Buffer.concat([COMMIT_MARK, salt, bytes]), 'buffer')
}

/** SHA-256(01 ‖ prevHash ‖ commit). */
export function hashOf(prevHash: Uint8Array, commit: Uint8Array): Buffer {
  return digestOf('sha256', Buffer.concat([CHAIN_MARK, prevHash, commit]), 'buffer')
}

export function signatureOf(hash: Uint8Array, key: KeyObject): Buffer {
  return sign(null, Buffer.concat([RECORD_WORDS, hash]), key)
}

export function isSignedBy(hash: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  return signature.length === 64 && verify(null, Buffer.concat([RECORD_WORDS, hash]), key, signature)
}

/** A public key from the 32 bytes in `P/info`; undefined when they are none. */
export function publicKeyFrom(raw: Uint8Array): KeyObject | undefined {
  if (raw.length !== 32) return undefined
  return createPublicKey({ key: Buffer.concat([ED25519_DER, raw]), format: 'der', type: 'spki' })
}
