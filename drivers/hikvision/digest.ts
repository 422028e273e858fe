/** Digest authentication, as terminals ask for it. [FACE A1] */
import { createHash } from 'node:crypto'

export interface Challenge {
  readonly realm: string
  readonly nonce: string
  readonly opaque: string | undefined
  readonly algorithm: 'MD5' | 'SHA-256'
  /** Without it the answer is the short one of RFC 2069. */
  readonly hasQop: boolean
  /** The password was right, the nonce too old. */
  readonly isStale: boolean
}

export interface Login {
  readonly method: string
  /** As it stands in the request line. */
  readonly uri: string
  readonly username: string
  readonly password: string
  readonly challenge: Challenge
  /** How often this nonce was used, this time included. */
  readonly count: number
  readonly cnonce: string
}

/** The first challenge of `WWW-Authenticate` that can be answered. MD5 comes first where several are offered. */
export function challengeIn(header: string): Challenge | undefined {
  const offers = header.split(/(?:^|,)\s*(?=(?:Digest|Basic)\s)/i).filter((offer) => /^Digest\s/i.test(offer))
  const challenges = offers.flatMap((offer) => challengeOf(offer.slice('Digest'.length)) ?? [])
  return challenges.find(({ algorithm }) => algorithm === 'MD5') ?? challenges[0]
}

function challengeOf(offer: string): Challenge | undefined {
  const fields = new Map<string, string>()
  for (const [, key = '', quoted, plain] of offer.matchAll(/(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g))
    fields.set(key.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '')
  const algorithm = (fields.get('algorithm') ?? 'MD5').toUpperCase()
  const nonce = fields.get('nonce')
  const qop = fields.get('qop')
  if (nonce === undefined || (algorithm !== 'MD5' && algorithm !== 'SHA-256')) return undefined
  if (qop !== undefined && !qop.split(/[\s,]+/).includes('auth')) return undefined
  return {
    realm: fields.get('realm') ?? '',
    nonce,
    opaque: fields.get('opaque'),
    algorithm,
    hasQop: qop !== undefined,
    isStale: fields.get('stale')?.toLowerCase() === 'true',
  }
}

export function responseOf({ method, uri, username, password, challenge, count, cnonce }: Login): string {
  const hash = (text: string): string =>
    createHash(challenge.algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex')
  const who = hash(`${username}:${challenge.realm}:${password}`)
  const what = hash(`${method}:${uri}`)
  const middle = challenge.hasQop ? `${challenge.nonce}:${countText(count)}:${cnonce}:auth` : challenge.nonce
  return hash(`${who}:${middle}:${what}`)
}

/** The value of `Authorization`. */
export function authorization(login: Login): string {
  const { challenge, username, uri, count, cnonce } = login
  const fields = [
    `username=${quoted(username)}`,
    `realm=${quoted(challenge.realm)}`,
    `nonce=${quoted(challenge.nonce)}`,
    `uri=${quoted(uri)}`,
    `algorithm=${challenge.algorithm}`,
    `response="${responseOf(login)}"`,
    ...(challenge.opaque === undefined ? [] : [`opaque=${quoted(challenge.opaque)}`]),
    ...(challenge.hasQop ? ['qop=auth', `nc=${countText(count)}`, `cnonce="${cnonce}"`] : []),
  ]
  return `Digest ${fields.join(', ')}`
}

function countText(count: number): string {
  return count.toString(16).padStart(8, '0')
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
