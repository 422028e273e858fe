/** Signed codes as bytes: `PQ1.` payload `.` signature, both base64url. README, "Signed codes", has the table. */

export type Algorithm = 'hmac' | 'ed25519'

/** What a signed code says. Nothing of it is true before the signature was checked. */
export interface Token {
  readonly algorithm: Algorithm
  /** Four bytes in hex: which key signed it. */
  readonly keyId: string
  /** Seconds since 1970. */
  readonly issued: number
  readonly expires: number
  /** Eight random bytes in hex: no two codes have the same. */
  readonly id: string
  readonly person: string
  /** What was signed, and the signature. */
  readonly body: Uint8Array
  readonly signature: Uint8Array
}

const PREFIX = 'PQ1.'
const HEAD_BYTES = 21
const MAX_PERSON_BYTES = 64
const ALGORITHMS: Readonly<Record<number, { readonly name: Algorithm; readonly signatureBytes: number }>> = {
  1: { name: 'hmac', signatureBytes: 16 },
  2: { name: 'ed25519', signatureBytes: 64 },
}

/** Does this text claim to be a signed code? Then it is one or it is refused: never a plain code. */
export function claimsToBeSigned(text: string): boolean {
  return text.startsWith(PREFIX)
}

/** Takes a signed code apart; undefined when it is not of the one form that an issuer writes. */
export function parseToken(text: string): Token | undefined {
  const [prefix, written = '', signed = '', ...more] = text.split('.')
  if (`${prefix}.` !== PREFIX || more.length > 0) return undefined
  const payload = fromBase64Url(written)
  const signature = fromBase64Url(signed)
  const algorithm = ALGORITHMS[payload?.[0] ?? 0]
  if (!payload || !signature || !algorithm || signature.length !== algorithm.signatureBytes) return undefined
  const person = personIn(payload.subarray(HEAD_BYTES))
  if (payload.length <= HEAD_BYTES || person === undefined) return undefined
  return {
    algorithm: algorithm.name,
    keyId: payload.toString('hex', 1, 5),
    issued: payload.readUInt32BE(5),
    expires: payload.readUInt32BE(9),
    id: payload.toString('hex', 13, HEAD_BYTES),
    person,
    body: Buffer.from(`${PREFIX}${written}`, 'latin1'),
    signature,
  }
}

/** Only the one way to write these bytes: no padding, no stray bits at the end. */
function fromBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.length > 0 && bytes.toString('base64url') === text ? bytes : undefined
}

function personIn(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > MAX_PERSON_BYTES) return undefined
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return /\p{Cc}/u.test(text) ? undefined : text
  } catch {
    return undefined
  }
}
