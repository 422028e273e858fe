/**
 * The bits in which access readers give a card: Wiegand lines, and OSDP's RAW reply. Pure; part of the driver contract.
 * [WG §n]: drivers/wiegand/README.md.
 */

export interface BitCard {
  /** `W26`, `W34`, `C1K35`, `H10302`, `H10304` or `RAW<bits>`. */
  readonly format: string
  /** Data bits without parity, whole bytes, upper-case hex. */
  readonly value: string
  readonly facility?: number
  readonly number?: string
}

export type Bits = BitCard | 'parity' | 'unknown'

export interface BitOptions {
  /** Bit counts that are taken for cards; others are unknown. */
  readonly lengths: readonly number[]
  readonly format37: 'h10302' | 'h10304'
  /** What becomes of other lengths. */
  readonly unknown: 'ignore' | 'raw'
}

interface Layout {
  readonly format: string
  /** Positions from 0: where the data begin and end (excluded), and where the facility ends. */
  readonly data: readonly [from: number, to: number]
  readonly facilityEnd: number
  /** Each: a sum that must be even (0) or odd (1) over these positions. */
  readonly parity: readonly (readonly [want: 0 | 1, positions: readonly number[]])[]
}

/** [WG §2] */
const W26 = layout('W26', 26, 8, 13, 13)
const W34 = layout('W34', 34, 16, 17, 17)
// The middle bit is in both halves.
const H10302 = layout('H10302', 37, 0, 19, 19)
const H10304 = layout('H10304', 37, 16, 19, 19)
/** Corporate 1000: two leading parity bits, one trailing, over interleaved bits. [WG §2, 35] */
const C1K35: Layout = {
  format: 'C1K35',
  data: [2, 34],
  facilityEnd: 14,
  parity: [
    [0, [1, ...every3(2), ...every3(3)]],
    [1, [...every3(1), ...every3(2), 34]],
    [1, span(0, 35)],
  ],
}

function layout(format: string, bits: number, facilityBits: number, head: number, tail: number): Layout {
  return {
    format,
    data: [1, bits - 1],
    facilityEnd: 1 + facilityBits,
    parity: [
      [0, span(0, head)],
      [1, span(bits - tail, bits)],
    ],
  }
}

function span(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}

/** `from`, `from` + 3 … below 34: eleven of the interleaved positions. */
function every3(from: number): number[] {
  return span(from, 34).filter((position) => (position - from) % 3 === 0)
}

const FEWEST_RAW = 17
const MOST_BITS = 128

/** What a burst of bits (`0` and `1`, first sent first) stands for. A wrong bit is never mended. [WG §2] */
export function cardOfBits(bits: string, { lengths, format37, unknown }: BitOptions): Bits {
  const found = lengths.includes(bits.length) ? layoutOf(bits.length, format37) : undefined
  if (!found) return unknown === 'raw' && bits.length >= FEWEST_RAW && bits.length <= MOST_BITS ? raw(bits) : 'unknown'
  for (const [want, positions] of found.parity) {
    const sum = positions.reduce((total, at) => total + Number(bits[at]), 0)
    if (sum % 2 !== want) return 'parity'
  }
  const [from, to] = found.data
  return bitCard(found.format, bits.slice(from, to), found.facilityEnd - from)
}

function layoutOf(count: number, format37: BitOptions['format37']): Layout | undefined {
  const known: Readonly<Record<number, Layout>> = {
    26: W26,
    34: W34,
    35: C1K35,
    37: format37 === 'h10302' ? H10302 : H10304,
  }
  return known[count]
}

function raw(bits: string): BitCard {
  return { format: `RAW${bits.length}`, value: hexOf(bits) }
}

/** A card of its data bits, without parity; the first so many are the facility. */
export function bitCard(format: string, data: string, facilityBits: number): BitCard {
  const card = { format, value: hexOf(data), number: BigInt(`0b${data.slice(facilityBits)}`).toString() }
  return facilityBits === 0 ? card : { ...card, facility: Number.parseInt(data.slice(0, facilityBits), 2) }
}

/** What of a card belongs into `Sighting.raw`, with its bits where they are known. */
export function bitFacts({ format, facility, number }: BitCard, bits?: string): Record<string, string | number> {
  return {
    format,
    ...(facility !== undefined && { facility }),
    ...(number !== undefined && { card: number }),
    ...(bits !== undefined && { bits }),
  }
}

/** The bytes of a value in the other order: some readers send a UID last byte first. */
export function reversedBytes(value: string): string {
  return (value.match(/../g) ?? []).reverse().join('')
}

function hexOf(bits: string): string {
  const digits = Math.ceil(bits.length / 8) * 2
  return BigInt(`0b${bits}`).toString(16).toUpperCase().padStart(digits, '0')
}
