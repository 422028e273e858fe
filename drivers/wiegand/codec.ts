/** Wiegand bits, and the lines in which converters and `gpio:` bring them. Pure: no clock, no I/O, no import. [WG §n]: this folder's README. */

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

/** More than any format has. */
const MOST_BITS = 128

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
