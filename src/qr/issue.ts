/** Issues signed codes. Their bytes: drivers/qr/README.md, "Signed codes". */
import type { IssuerKey } from './keys.js'

export interface Issue {
  readonly key: IssuerKey
  /** Who it stands for: 1 to 64 bytes of UTF-8, no control characters. */
  readonly person: string
  /** Seconds since 1970. */
  readonly issued: number
  readonly expires: number
  /** Eight bytes that no other code has. */
  readonly id: Uint8Array
}

const MAX_PERSON_BYTES = 64
const MAX_SECONDS = 0xffff_ffff
const ALGORITHM = { hmac: 1, ed25519: 2 } as const

/** Why nobody can have this reference in a code. */
export function whyNoPerson(person: string): string | undefined {
  const bytes = Buffer.byteLength(person)
  if (bytes === 0) return 'it is empty'
  if (bytes > MAX_PERSON_BYTES) return `it has ${bytes} bytes, and a code holds ${MAX_PERSON_BYTES}`
  if (/\p{Cc}/u.test(person)) return 'it has a control character in it'
  return Buffer.from(person).toString() === person ? undefined : 'it is no Unicode text'
}

/** The text of the code: `PQ1.` payload `.` signature. */
export function issueCode({ key, person, issued, expires, id }: Issue): string {
  const why = whyNoPerson(person)
  if (why !== undefined) throw new RangeError(`person: ${why}`)
  if (id.length !== 8 || issued < 0 || expires > MAX_SECONDS || expires <= issued) throw new RangeError('id or times')
  const head = Buffer.alloc(13)
  head[0] = ALGORITHM[key.kind]
  key.id.copy(head, 1)
  head.writeUInt32BE(issued, 5)
  head.writeUInt32BE(expires, 9)
  const text = `PQ1.${Buffer.concat([head, id, Buffer.from(person)]).toString('base64url')}`
  return `${text}.${key.sign(text).toString('base64url')}`
}
