/**
 * Keeps what is personal unreadable at rest: AES-256-GCM, with keys in a file outside the database. Sealed text names its
 * key, so that keys can be changed while old text is still about; what is looked up is found by HMAC-SHA-256.
 */
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { JournalError } from '../errors.js'
import { freshBytes } from './fresh.js'

/** One key that opens; the last of a list seals. `id` is a byte in front of everything it sealed. */
export interface SealingKey {
  readonly id: number
  readonly key: Buffer
}

export interface VaultKeys {
  /** Oldest first; at least one. */
  readonly sealing: readonly SealingKey[]
  readonly lookup: Buffer
}

const CIPHER = 'aes-256-gcm'
const MOST_KEYS = 255
const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_BYTES = 32
const HEAD_BYTES = 1 + NONCE_BYTES

export class Vault {
  /** Prepared once: of each record that is opened, that would be a tenth of the work. */
  readonly #keys: Map<number, KeyObject>
  #current: { readonly id: number; readonly key: KeyObject }
  readonly #lookup: Buffer

  constructor({ sealing, lookup }: VaultKeys) {
    const current = sealing.at(-1)
    if (!current) throw new TypeError('a vault needs a key')
    this.#keys = new Map(sealing.map(({ id, key }) => [id, createSecretKey(key)]))
    this.#current = { id: current.id, key: createSecretKey(current.key) }
    this.#lookup = lookup
  }

  /** Key with which new text is sealed. */
  get keyId(): number {
    return this.#current.id
  }

  /** All of them, that which seals last. */
  get keys(): VaultKeys {
    const others = [...this.#keys].map(([id, key]) => ({ id, key })).filter(({ id }) => id !== this.#current.id)
    const sealing = [...others, this.#current].map(({ id, key }) => ({ id, key: key.export() }))
    return { sealing, lookup: this.#lookup }
  }

  /** Seals with a new key from now on; the old ones still open. */
  renew(): void {
    // The number wraps round: no more than two are in use at a time.
    const id = (this.#current.id % MOST_KEYS) + 1
    this.#current = { id, key: createSecretKey(randomBytes(KEY_BYTES)) }
    this.#keys.set(id, this.#current.key)
  }

  /** Nothing is sealed with the old keys any more. */
  dropOld(): void {
    for (const id of [...this.#keys.keys()]) if (id !== this.#current.id) this.#keys.delete(id)
  }

  /** Key with which this was sealed. */
  static keyOf(sealed: Uint8Array): number {
    return sealed[0] ?? 0
  }

  /** `context` says where it stands (`record 12`): sealed text does not open in another place. */
  seal(plain: string | Uint8Array, context: string): Buffer {
    const nonce = freshBytes(NONCE_BYTES)
    const cipher = createCipheriv(CIPHER, this.#current.key, nonce)
    cipher.setAAD(Buffer.from(context))
    const text = cipher.update(typeof plain === 'string' ? Buffer.from(plain) : plain)
    cipher.final()
    return Buffer.concat([Buffer.of(this.#current.id), nonce, cipher.getAuthTag(), text])
  }

  /** Throws JournalError when the key is missing, or the text was changed or stands elsewhere. */
  open(sealed: Uint8Array, context: string): string {
    return this.openBytes(sealed, context).toString('utf8')
  }

  /** As `open`, in UTF-8. */
  openBytes(sealed: Uint8Array, context: string): Buffer {
    const key = this.#keys.get(Vault.keyOf(sealed))
    if (!key) throw new JournalError('journal-key', `the key ${Vault.keyOf(sealed)} of ${context} is not among the keys`, { hint: KEY_HINT }) // prettier-ignore
    try {
      const decipher = createDecipheriv(CIPHER, key, sealed.subarray(1, HEAD_BYTES), { authTagLength: TAG_BYTES })
      decipher.setAAD(Buffer.from(context))
      decipher.setAuthTag(sealed.subarray(HEAD_BYTES, HEAD_BYTES + TAG_BYTES))
      const text = decipher.update(sealed.subarray(HEAD_BYTES + TAG_BYTES))
      decipher.final()
      return text
    } catch (cause) {
      throw new JournalError('journal-sealed', `${context} does not open: it was changed, or its key was`, { hint: KEY_HINT, cause }) // prettier-ignore
    }
  }

  /** By what sealed text is found again: equal for equal texts, and telling nothing without the key. */
  lookup(text: string): Buffer {
    return createHmac('sha256', this.#lookup).update(text).digest()
  }
}

const KEY_HINT = 'put the keys that belong to this journal back into data.path/keys, from your backup'

/** Keys that nobody had before. */
export function newKeys(): VaultKeys {
  return { sealing: [{ id: 1, key: randomBytes(KEY_BYTES) }], lookup: randomBytes(KEY_BYTES) }
}

/** One line each: `seal 1 HEX`, `lookup HEX`. */
export function keysText({ sealing, lookup }: VaultKeys): string {
  const lines = sealing.map(({ id, key }) => `seal ${id} ${key.toString('hex')}`)
  return `# keys of a punchd journal: without them it cannot be read\n${lines.join('\n')}\nlookup ${lookup.toString('hex')}\n`
}

/** Reads what `keysText` wrote; undefined when it is nothing of that kind. */
export function parseKeys(text: string): VaultKeys | undefined {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const sealing = lines.flatMap((line) => {
    const [, id, hex] = /^seal (\d{1,3}) ([0-9a-f]{64})$/.exec(line) ?? []
    return id !== undefined && hex !== undefined && Number(id) < 256
      ? [{ id: Number(id), key: Buffer.from(hex, 'hex') }]
      : []
  })
  const lookup = lines.map((line) => /^lookup ([0-9a-f]{64})$/.exec(line)?.[1]).find((hex) => hex !== undefined)
  if (sealing.length === 0 || lookup === undefined || sealing.length + 1 !== lines.length) return undefined
  return { sealing, lookup: Buffer.from(lookup, 'hex') }
}
