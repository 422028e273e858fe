/** Wiegand bits, and the lines in which converters and `gpio:` bring them. Pure: no clock, no I/O, no import. [WG §n]: this folder's README. */

export interface Card {
  /** `W26`, `W34`, `C1K35`, `H10302`, `H10304` or `RAW<bits>`. */
  readonly format: string
  /** Data bits without parity, whole bytes, upper-case hex. */
  readonly value: string
  readonly facility?: number
  readonly number?: string
}

export type Bits = Card | 'parity' | 'unknown'

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
export function cardOf(bits: string, { lengths, format37, unknown }: BitOptions): Bits {
  const found = lengths.includes(bits.length) ? layoutOf(bits.length, format37) : undefined
  if (!found) return unknown === 'raw' && bits.length >= FEWEST_RAW && bits.length <= MOST_BITS ? raw(bits) : 'unknown'
  for (const [want, positions] of found.parity) {
    const sum = positions.reduce((total, at) => total + Number(bits[at]), 0)
    if (sum % 2 !== want) return 'parity'
  }
  const [from, to] = found.data
  return described(found.format, bits.slice(from, to), found.facilityEnd - from)
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

function raw(bits: string): Card {
  return { format: `RAW${bits.length}`, value: hexOf(bits) }
}

function described(format: string, data: string, facilityBits: number): Card {
  const card = { format, value: hexOf(data), number: BigInt(`0b${data.slice(facilityBits)}`).toString() }
  return facilityBits === 0 ? card : { ...card, facility: Number.parseInt(data.slice(0, facilityBits), 2) }
}

function hexOf(bits: string): string {
  const digits = Math.ceil(bits.length / 8) * 2
  return BigInt(`0b${bits}`).toString(16).toUpperCase().padStart(digits, '0')
}

/** A number whose data bits a converter sends without parity: 24 are facility and card, 32 are 16 and 16. [WG §4] */
export function cardOfNumber(written: string, base: 'hex' | 'decimal', dataBits: number): Card | undefined {
  const shape = base === 'hex' ? /^[0-9A-Fa-f]+$/ : /^[0-9]+$/
  if (!shape.test(written)) return undefined
  // Any other count of digits is another format, or half a line: a card cut short is somebody else's.
  if (base === 'hex' && written.length !== dataBits / 4) return undefined
  const value = BigInt(base === 'hex' ? `0x${written}` : written)
  if (value >= 1n << BigInt(dataBits)) return undefined
  const bits = value.toString(2).padStart(dataBits, '0')
  return described(`D${dataBits}`, bits, dataBits === 24 ? 8 : dataBits === 32 ? 16 : 0)
}

/** The bytes of a number in the other order. */
export function reversed(value: string): string {
  return (value.match(/../g) ?? []).reverse().join('')
}

export type Keypad = 'none' | '4bit' | '8bit'

/** A key of a burst of 4 or 8 bits: `0`-`9`, `*`, `#`; undefined for what is none. [WG §2.2] */
export function keyOf(bits: string, keypad: Keypad): string | undefined {
  if (keypad === 'none' || bits.length !== (keypad === '4bit' ? 4 : 8)) return undefined
  const code = Number.parseInt(bits.slice(-4), 2)
  // Of eight bits the first four are the complement of the last.
  if (keypad === '8bit' && Number.parseInt(bits.slice(0, 4), 2) !== 15 - code) return undefined
  return '0123456789*#'[code]
}

/** Nothing of these devices is longer. */
const MAX_LINE = 160

export interface Lines {
  readonly lines: readonly string[]
  /** Bytes that can stand in no line. */
  readonly discarded: number
}

/** Lines that end in CR, LF or both. A byte that is no printable character begins the line anew. */
export class LineDecoder {
  #line = ''

  /** Bytes kept for the next chunk. */
  get held(): number {
    return this.#line.length
  }

  push(bytes: Uint8Array): Lines {
    const lines: string[] = []
    let discarded = 0
    for (const byte of bytes) {
      if (byte === 0x0d || byte === 0x0a) {
        if (this.#line !== '') lines.push(this.#line)
        this.#line = ''
      } else if (byte < 0x20 || byte > 0x7e || this.#line.length >= MAX_LINE) {
        discarded += this.#line.length + 1
        this.#line = ''
      } else this.#line += String.fromCharCode(byte)
    }
    return { lines, discarded }
  }
}

export interface Edge {
  readonly bit: '0' | '1'
  readonly ns: bigint
}

/** A line of `gpio:`: `0 1000000`, the data line and nanoseconds. */
export function edgeOf(line: string): Edge | undefined {
  const [, bit, ns] = /^([01]) (\d{1,20})$/.exec(line) ?? []
  return bit === undefined || ns === undefined ? undefined : { bit: bit === '0' ? '0' : '1', ns: BigInt(ns) }
}

/** Nearer than this to the edge before it, an edge is a glitch. [WG §3] */
const GLITCH_NS = 20_000n

/** Gathers edges into bursts by the kernel's timestamps, not by when they arrived here. */
export class Burst {
  readonly #gapNs: bigint
  #bits = ''
  #last: bigint | undefined

  constructor(gapMs: number) {
    this.#gapNs = BigInt(gapMs) * 1_000_000n
  }

  get bits(): number {
    return this.#bits.length
  }

  /** Takes an edge; returns the burst before it when a gap lies between. */
  push({ bit, ns }: Edge): { readonly ended?: string; readonly glitch: boolean } {
    const since = this.#last === undefined ? this.#gapNs : ns - this.#last
    this.#last = ns
    if (since >= 0n && since < GLITCH_NS && this.#bits !== '') return { glitch: true }
    const gap = since >= this.#gapNs || since < 0n || this.#bits.length >= MOST_BITS
    const ended = gap ? this.#bits : ''
    this.#bits = gap ? bit : this.#bits + bit
    return ended === '' ? { glitch: false } : { ended, glitch: false }
  }

  /** The gap has passed: what there is, is all. */
  end(): string {
    const bits = this.#bits
    this.#bits = ''
    return bits
  }
}
