/** One line of an export as the verifier sees it. Whatever a file holds, it becomes one of three things; nothing throws. */
import type { Json } from '../journal/canonical.js'

export type JsonObject = { readonly [key: string]: Json | undefined }

export interface RecordLine {
  readonly type: 'record'
  readonly seq: number
  readonly schema: string
  /** Lower-case hex, empty where there is none of that form. */
  readonly hash: string
  readonly prevHash: string
  readonly proof: JsonObject
  readonly content: JsonObject
}

/** The last line of an export. */
export interface SummaryLine {
  readonly type: 'summary'
  readonly from: Json
  readonly to: Json
  readonly count: Json
  readonly head: Json
  readonly content: JsonObject
}

export interface UnreadableLine {
  readonly type: 'unreadable'
}

export type Line = RecordLine | SummaryLine | UnreadableLine

/** Longer lines are none of ours: they must not fill the memory. */
export const MOST_BYTES = 1 << 20
/** Deeper is none of ours: it must not exhaust a stack, here or in another verifier. */
const MOST_LEVELS = 64
const HASH = /^[0-9a-f]{64}$/
/** A text, and the colon behind it if it is a key. */
const TEXTS = /"(?:[^"\\]|\\.)*"\s*(:?)/g
const UNREADABLE: UnreadableLine = { type: 'unreadable' }
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined for an empty line. */
export function lineOf(bytes: Uint8Array): Line | undefined {
  if (bytes.length > MOST_BYTES) return UNREADABLE
  try {
    return lineOfText(decoder.decode(bytes))
  } catch {
    return UNREADABLE
  }
}

export function lineOfText(text: string): Line | undefined {
  if (/^[ \t\r]*$/.test(text)) return undefined
  const content = objectOf(text)
  if (!content) return UNREADABLE
  const { schema, seq, proof, from, to, count, head } = content
  if (schema === 'export/1') {
    return { type: 'summary', from: from ?? null, to: to ?? null, count: count ?? null, head: head ?? null, content }
  }
  if (typeof schema !== 'string' || !isNumber(seq) || !isObject(proof)) return UNREADABLE
  const hex = (value: Json | undefined): string => (typeof value === 'string' && HASH.test(value) ? value : '')
  return { type: 'record', seq, schema, hash: hex(proof['hash']), prevHash: hex(proof['prevHash']), proof, content }
}

/** Undefined when it is no object, too deep, or says a thing twice: one reader would believe the first, another the last. */
function objectOf(text: string): JsonObject | undefined {
  try {
    // Parse boundary: JSON gives JSON.
    const value = JSON.parse(text) as Json
    if (!isObject(value) || !isShallow(value, MOST_LEVELS)) return undefined
    const written = [...text.matchAll(TEXTS)].filter(([, colon]) => colon === ':').length
    return written === keysIn(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Of a record: a whole number from 1 on. */
export function isNumber(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

function isShallow(value: Json | undefined, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every((member: Json | undefined) => isShallow(member, levels - 1))
}

function keysIn(value: Json | undefined): number {
  if (typeof value !== 'object' || value === null) return 0
  const members: (Json | undefined)[] = Object.values(value)
  return members.reduce<number>((sum, member) => sum + keysIn(member), isObject(value) ? members.length : 0)
}
