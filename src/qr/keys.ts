/** Keys of the issuer of signed codes: making, writing, reading them. The form of a code: drivers/qr/README.md. */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto'

export type KeyKind = 'ed25519' | 'hmac'

export interface IssuerKey {
  readonly kind: KeyKind
  /** Four bytes: stands in each code, so that readers can trust several keys. */
  readonly id: Buffer
  /** What to paste into the reader's options; undefined for a secret, which stays in its file. */
  readonly publicKey: string | undefined
  /** The signature of `text`: 64 bytes, or 16 of HMAC-SHA-256. */
  sign(text: string): Buffer
}

const RAW_PUBLIC_BYTES = 32
const SECRET_BYTES = 32
const LEAST_SECRET_BYTES = 16
const TAG_BYTES = 16

/** A new key as the text of its file: PEM (PKCS #8), or a line of base64. */
export function newKeyText(kind: KeyKind): string {
  if (kind === 'hmac') return `${randomBytes(SECRET_BYTES).toString('base64')}\n`
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** The key in the text of a key file; undefined when there is none. */
export function readKey(text: string): IssuerKey | undefined {
  if (text.includes('-----BEGIN')) return readPrivate(text)
  const written = text.trim()
  const secret = Buffer.from(written, 'base64')
  const isBase64 = /^[A-Za-z0-9+/_-]+=*$/.test(written)
  return isBase64 && secret.length >= LEAST_SECRET_BYTES ? secretKey(secret) : undefined
}

function readPrivate(pem: string): IssuerKey | undefined {
  try {
    const key = createPrivateKey(pem)
    return key.asymmetricKeyType === 'ed25519' ? ed25519Key(key) : undefined
  } catch {
    return undefined
  }
}

function ed25519Key(key: KeyObject): IssuerKey {
  const raw = createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-RAW_PUBLIC_BYTES)
  const id = createHash('sha256').update(raw).digest().subarray(0, 4)
  return { kind: 'ed25519', id, publicKey: raw.toString('base64'), sign: (text) => sign(null, Buffer.from(text), key) }
}

function secretKey(secret: Buffer): IssuerKey {
  const tag = (text: string): Buffer => createHmac('sha256', secret).update(text).digest()
  const id = tag('punchd/qr/1 key id').subarray(0, 4)
  return { kind: 'hmac', id, publicKey: undefined, sign: (text) => tag(text).subarray(0, TAG_BYTES) }
}
