/** From evidence to the columns of a row, and back: sealed, chained and signed. */
import type { KeyObject } from 'node:crypto'
import type { JournalKeys } from './keys.js'
import { commitOf, hashOf, newSalt, signatureOf, type Proof } from './proof.js'
import { Vault } from './vault.js'

/** What of a record stands in its row besides number, kind and place. */
export interface SealedColumns {
  /** Salt and evidence, encrypted; null once it was erased. */
  readonly body: Buffer | null
  readonly prevHash: Buffer
  readonly hash: Buffer
  readonly sig: Buffer
}

export interface Opened {
  /** Base64. */
  readonly salt: string
  /** Canonical JSON. */
  readonly evidence: string
}

export interface OpenedBytes {
  /** Base64. */
  readonly salt: string
  /** Canonical JSON in UTF-8. */
  readonly evidence: Buffer
}

/** Base64 of 16 bytes. */
const SALT_LENGTH = 24

export class Sealing {
  readonly vault: Vault
  readonly #signing: KeyObject

  constructor({ vault, signing }: JournalKeys) {
    this.vault = new Vault(vault)
    this.#signing = signing
  }

  seal(seq: number, evidence: string, prevHash: Buffer): SealedColumns & { readonly body: Buffer } {
    const salt = newSalt()
    // Beside the evidence, or a short number in it could be found by trying: the hash stands in the clear.
    const plain = Buffer.from(salt.toString('base64') + evidence)
    const hash = hashOf(prevHash, commitOf(salt, plain.subarray(SALT_LENGTH)))
    const sig = signatureOf(hash, this.#signing)
    return { body: this.vault.seal(plain, contextOf(seq)), prevHash, hash, sig }
  }

  /** Throws JournalError when it was changed. */
  open(seq: number, body: Uint8Array): Opened {
    const { salt, evidence } = this.openBytes(seq, body)
    return { salt, evidence: evidence.toString('utf8') }
  }

  /** As `open`, the evidence in UTF-8: what is sent need not become a text in between. */
  openBytes(seq: number, body: Uint8Array): OpenedBytes {
    const plain = this.vault.openBytes(body, contextOf(seq))
    return { salt: plain.toString('latin1', 0, SALT_LENGTH), evidence: plain.subarray(SALT_LENGTH) }
  }
}

/** A body opens in its own row only. */
export function contextOf(seq: number): string {
  return `record ${seq}`
}

/** The proof as it stands in a record. */
export function proofOf({ prevHash, hash, sig }: Omit<SealedColumns, 'body'>, salt: string): Proof {
  return { hash: hash.toString('hex'), prevHash: prevHash.toString('hex'), salt, sig: sig.toString('base64') }
}
