/** Exports made by hand: records with a chain and signatures by whatever key, as somebody would make them who wants to be believed. */
import { createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { between, type Random } from '../../simulators/random.js'
import type { Anchor } from '../../src/journal/anchor.js'
import { canonical, type Json } from '../../src/journal/canonical.js'
import { commitOf, hashOf, signatureOf } from '../../src/journal/proof.js'
import { lineOf, type JsonObject, type Line } from '../../src/verify/line.js'
import { summaryText } from '../../src/verify/summary.js'
import { verifyLines, type Evidence, type Result } from '../../src/verify/verify.js'

export const ZEROS = '0'.repeat(64)

/** An export, line by line; the last is its summary. */
export interface Export {
  readonly name: string
  readonly records: readonly string[]
  readonly summary: string
  readonly signing: KeyObject
}

export function newSigningKey(): KeyObject {
  return generateKeyPairSync('ed25519').privateKey
}

export function parsed(line: string): JsonObject {
  return JSON.parse(line) as JsonObject
}

export function proofIn(line: string): Record<string, string> {
  return parsed(line)['proof'] as Record<string, string>
}

export function seqIn(line: string): number {
  return Number(parsed(line)['seq'])
}

export function hashIn(line: string | undefined): string {
  return line === undefined ? ZEROS : proofIn(line)['hash']!
}

/** The record behind `prevHash`, with a hash and a signature of its own. */
export function sealed(record: JsonObject, prevHash: string, signing: KeyObject): string {
  const { proof, delivery, time, ...rest } = record
  const isPunch = rest['schema'] === 'punch/1'
  const known = proof as Record<string, string> | undefined
  const salt = known?.['salt'] ?? randomBytes(16).toString('base64')
  const evidence = canonical(isPunch ? rest : { ...rest, time })
  const commit = known?.['commit'] === undefined ? commitOf(Buffer.from(salt, 'base64'), evidence) : Buffer.from(known['commit'], 'hex') // prettier-ignore
  const hash = hashOf(Buffer.from(prevHash, 'hex'), commit)
  const sig = signatureOf(hash, signing).toString('base64')
  const tail = known?.['commit'] === undefined ? { salt } : { commit: known['commit'] }
  const proved = { hash: hash.toString('hex'), prevHash, ...tail, sig }
  return JSON.stringify({ ...rest, proof: proved, time, delivery })
}

/** The same records, chained anew from `begin` on. */
export function rechained(records: readonly JsonObject[], begin: string, signing: KeyObject): string[] {
  const lines: string[] = []
  for (const record of records) {
    const isBeginning = (record['proof'] as JsonObject | undefined)?.['prevHash'] === ZEROS
    lines.push(sealed(record, isBeginning ? ZEROS : lines.length === 0 ? begin : hashIn(lines.at(-1)), signing))
  }
  return lines
}

export function summaryFor(records: readonly string[], signing: KeyObject, journal = '00112233aabbccdd'): string {
  const [first, last] = [records[0], records.at(-1)]
  const from = first === undefined ? null : seqIn(first)
  const to = last === undefined ? null : seqIn(last)
  return summaryText(
    { journal, from, to, count: records.length, head: last === undefined ? null : hashIn(last) },
    signing,
  )
}

export function forgedPunch(seq: number, fields: { readonly [key: string]: Json } = {}): JsonObject {
  const clock = { wall: 1_795_334_251_412, uptime: 5, boot: 'b', state: 'synced', errorMs: 20 }
  const punch = { schema: 'punch/1', id: `forged-${seq}`, journal: 'x', seq, prev: null, reader: 'gate', clock }
  return { ...punch, time: '2026-11-22T08:57:31.412+01:00', verdict: 'accepted', ...fields }
}

export function anchorOf(line: string): Anchor {
  return { journal: 'x', seq: seqIn(line), hash: hashIn(line) }
}

export function publicKeyIn(signing: KeyObject): KeyObject {
  return createPublicKey(signing)
}

/** What our verifier says of the bytes of a file. */
export function judged(file: Buffer, signing: KeyObject, over: Partial<Evidence> = {}): Result {
  const lines = (): Line[] => split(file).flatMap((bytes) => lineOf(bytes) ?? [])
  const evidence = { key: publicKeyIn(signing), mustReachAnchor: true, ...over }
  return verifyLines({ lines, ends: 'with a summary' }, evidence)
}

function split(file: Buffer): Buffer[] {
  const lines: Buffer[] = []
  let begin = 0
  for (let end = file.indexOf(0x0a); end >= 0; end = file.indexOf(0x0a, begin)) {
    lines.push(file.subarray(begin, end))
    begin = end + 1
  }
  return [...lines, file.subarray(begin)]
}

export function bytesOf(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\n`).join(''))
}

/** One letter of it is another. */
export function spoilt(text: string, random: Random): string {
  const at = between(random, 0, text.length - 3)
  const from = text[at]!
  return `${text.slice(0, at)}${from === 'a' ? 'b' : 'a'}${text.slice(at + 1)}`
}
