/** The keys that a reader trusts, and checking a signature with them. */
import { createHash, createHmac, createPublicKey, timingSafeEqual, verify, type KeyObject } from 'node:crypto'
import { DeviceError } from '../../src/driver.js'
import type { Config } from './config.js'
import type { Algorithm, Token } from './token.js'

/** What stands before the 32 bytes of a raw Ed25519 key in its SPKI form. [RFC 8410 §4] */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex')
const PUBLIC_KEY_BYTES = 32
const LEAST_SECRET_BYTES = 16
const TAG_BYTES = 16
const KEY_ID_LABEL = 'punchd/qr/1 key id'

type Check = (token: Token) => boolean

export class Keys {
  readonly #checks = new Map<string, Check>()

  /** Throws DeviceError when a key is not one, or there is none though signed codes are wanted. */
  constructor({ publicKeys, hmacSecret, signed }: Pick<Config, 'publicKeys' | 'hmacSecret' | 'signed'>) {
    for (const key of words(publicKeys)) this.#addPublic(key)
    for (const key of words(hmacSecret)) this.#addSecret(key)
    if (signed !== 'off' && this.#checks.size === 0) {
      const hint = 'set options.publicKeys or options.hmacSecret of this reader; punchd qr keygen makes and prints them'
      throw new DeviceError('device-refused', 'signed codes are wanted, but no key is configured', { hint })
    }
  }

  /** `undefined`: no such key; else whether the signature is right. */
  check(token: Token): boolean | undefined {
    return this.#checks.get(nameOf(token.algorithm, token.keyId))?.(token)
  }

  #addPublic(written: string): void {
    const raw = Buffer.from(written, 'base64')
    if (raw.length !== PUBLIC_KEY_BYTES) {
      const hint =
        'write the line that punchd qr keygen --ed25519 printed: 44 characters; several keys with spaces between'
      throw new DeviceError('device-refused', 'options.publicKeys holds something that is no Ed25519 key', { hint })
    }
    const key: KeyObject = createPublicKey({ key: Buffer.concat([SPKI_HEAD, raw]), format: 'der', type: 'spki' })
    const id = createHash('sha256').update(raw).digest().toString('hex', 0, 4)
    this.#checks.set(nameOf('ed25519', id), ({ body, signature }) => verify(null, body, key, signature))
  }

  #addSecret(written: string): void {
    const secret = Buffer.from(written, 'base64')
    const isBase64 = /^[A-Za-z0-9+/_-]+=*$/.test(written)
    if (!isBase64 || secret.length < LEAST_SECRET_BYTES) {
      const hint = `use the file that punchd qr keygen --hmac wrote: base64 of ${LEAST_SECRET_BYTES} bytes or more`
      throw new DeviceError('device-refused', 'options.hmacSecret is no key', { hint })
    }
    const tagOf = (bytes: Uint8Array | string): Buffer => createHmac('sha256', secret).update(bytes).digest()
    const id = tagOf(KEY_ID_LABEL).toString('hex', 0, 4)
    this.#checks.set(nameOf('hmac', id), ({ body, signature }) =>
      timingSafeEqual(tagOf(body).subarray(0, TAG_BYTES), signature),
    )
  }
}

/** The kind belongs to the name: a public key is never taken for a secret. */
function nameOf(algorithm: Algorithm, keyId: string): string {
  return `${algorithm} ${keyId}`
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}
