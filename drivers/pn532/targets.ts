/** Cards in the answer to InListPassiveTarget. Pure. [PN532 §3] */
import type { Technology } from './commands.js'

export type Target =
  /** `value`: UID, PUPI or IDm as PC/SC would give it, first byte of the air first, upper-case hex. */
  | { readonly kind: 'card'; readonly value: string; readonly random: boolean }
  /** A card without a number: only 00 or FF, or of a length that no card has. */
  | { readonly kind: 'unread'; readonly why: 'blank' | 'length' }

/** Where a target's number stands, and where the next target begins. */
interface Span {
  readonly from: number
  readonly length: number
  readonly next: number
}

const LISTED = 0x4b
const MOST_TARGETS = 2
const UID_LENGTHS = [4, 7, 10]
const PART_4 = 0x20
/** A 4-byte number that starts so was invented for this visit to the field. [PCSC §2] */
const RANDOM = 0x08

/** Reads the answer, `data` begins with 4B; undefined when it is not well formed: a card was pulled away, or it is no answer to this question. */
export function targetsIn(data: Uint8Array, technology: Technology): Target[] | undefined {
  const count = data[1]
  if (data[0] !== LISTED || count === undefined || count > MOST_TARGETS) return undefined
  const targets: Target[] = []
  let at = 2
  for (let number = 1; number <= count; number++) {
    // Targets are numbered from 1. [PN532 §3]
    const span = data[at] === number ? SPANS[technology](data, at) : undefined
    if (!span || span.next > data.length) return undefined
    targets.push(targetOf(data.slice(span.from, span.from + span.length)))
    at = span.next
  }
  return targets
}

const SPANS: Readonly<Record<Technology, (data: Uint8Array, at: number) => Span | undefined>> = {
  a: spanA,
  b: spanB,
  felica212: spanFelica,
  felica424: spanFelica,
}

/** Tg, ATQA (2), SAK, length of the UID, UID; a card of part 4 goes on with its ATS, whose first byte is its length. */
function spanA(data: Uint8Array, at: number): Span | undefined {
  const sak = data[at + 3]
  const length = data[at + 4]
  if (sak === undefined || length === undefined) return undefined
  const from = at + 5
  const end = from + length
  const ats = (sak & PART_4) !== 0 && end < data.length ? Math.max(1, data[end] ?? 1) : 0
  return { from, length, next: end + ats }
}

/** Tg, ATQB (50, PUPI, seven more), length of the ATTRIB answer, that answer. */
function spanB(data: Uint8Array, at: number): Span | undefined {
  const attrib = data[at + 13]
  if (data[at + 1] !== 0x50 || attrib === undefined) return undefined
  return { from: at + 2, length: 4, next: at + 14 + attrib }
}

/** Tg, length of the polling answer from itself on (18, or 20 with a system code), 01, IDm, PMm. */
function spanFelica(data: Uint8Array, at: number): Span | undefined {
  const length = data[at + 1]
  if ((length !== 18 && length !== 20) || data[at + 2] !== 0x01) return undefined
  return { from: at + 3, length: 8, next: at + 1 + length }
}

/** The same rules as at a PC/SC reader: one card is one credential. [PCSC §2] */
function targetOf(number: Uint8Array): Target {
  if (number.length !== 8 && !UID_LENGTHS.includes(number.length)) return { kind: 'unread', why: 'length' }
  // What readers give for a chip they cannot read: nobody's number, and the same for everybody.
  if (number.every((byte) => byte === 0x00) || number.every((byte) => byte === 0xff))
    return { kind: 'unread', why: 'blank' }
  const value = Array.from(number, (byte) => byte.toString(16).padStart(2, '0')).join('').toUpperCase() // prettier-ignore
  return { kind: 'card', value, random: number.length === 4 && number[0] === RANDOM }
}
