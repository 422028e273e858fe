/** Whether one record is in itself what was stored: its content, its signature, its time. Pure. */
import type { KeyObject } from 'node:crypto'
import { canonical } from '../journal/canonical.js'
import { commitOf, hashOf, isSignedBy } from '../journal/proof.js'
import type { JsonObject, RecordLine } from './line.js'

/** 16 and 64 bytes in base64. */
const SALT = /^[A-Za-z0-9+/]{21}[AQgw]==$/
const SIGNATURE = /^[A-Za-z0-9+/]{85}[AQgw]==$/
const HASH = /^[0-9a-f]{64}$/
const TIME =
  /^([1-9]\d{3})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)\.(\d{3})(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/

/** True when the hash is that of the content and of the hash before it. */
export function isContentOf({ hash, prevHash, proof, ...line }: RecordLine): boolean {
  if (hash === '' || prevHash === '') return false
  const commit = line.schema === 'erased/1' ? commitInClear(proof) : commitOfEvidence(line, proof)
  return commit !== undefined && hashOf(Buffer.from(prevHash, 'hex'), commit).toString('hex') === hash
}

function commitInClear({ commit }: JsonObject): Buffer | undefined {
  return typeof commit === 'string' && HASH.test(commit) ? Buffer.from(commit, 'hex') : undefined
}

function commitOfEvidence({ schema, content }: Pick<RecordLine, 'schema' | 'content'>, { salt }: JsonObject) {
  if (typeof salt !== 'string' || !SALT.test(salt)) return undefined
  const { delivery: _delivery, proof: _proof, time, ...rest } = content
  try {
    // The time of a punch may become better known later: it is checked against the clock, not hashed.
    const evidence = canonical(schema === 'punch/1' ? rest : { ...rest, time })
    return commitOf(Buffer.from(salt, 'base64'), evidence)
  } catch {
    // A number beyond all bounds: it cannot be written.
    return undefined
  }
}

export function isSignedRecord({ hash, proof: { sig } }: RecordLine, key: KeyObject): boolean {
  if (hash === '' || typeof sig !== 'string' || !SIGNATURE.test(sig)) return false
  return isSignedBy(Buffer.from(hash, 'hex'), Buffer.from(sig, 'base64'), key)
}

/** Milliseconds since 1970 of a time as punchd writes it; undefined when it is none. */
export function instantOf(time: unknown): number | undefined {
  const match = typeof time === 'string' ? TIME.exec(time) : null
  if (!match) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0] = match.slice(1, 8).map(Number)
  const [, , , , , , , , sign = '+', hours = '0', minutes = '0'] = match
  const east = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
  return Date.UTC(year, month - 1, day, hour, minute - east, second, ms)
}
