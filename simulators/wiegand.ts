/**
 * Twin of a Wiegand reader: the bits of a card, and how a converter or the program gpiomon brings them. Written from the
 * format tables; it shares no code with the driver. Clauses: drivers/wiegand/README.md.
 */
import type { Delivery, Line } from './line.js'

export type WiegandOutput = 'hex' | 'decimal' | 'bits' | 'edges'

export interface WiegandOptions {
  readonly line: Line
  readonly output?: WiegandOutput
  readonly end?: '\r' | '\n' | '\r\n'
  /** From one pulse to the next; 200 µs to 20 ms are allowed. [WG §1] */
  readonly periodUs?: number
}

/** A card of 26 or 34 bits: even parity, facility, number, odd parity. [WG §2] */
export function cardBits(bits: 26 | 34, facility: number, number: number): string {
  const half = (bits - 2) / 2
  const data = binary(facility, bits === 26 ? 8 : 16) + binary(number, 16)
  return even(data.slice(0, half)) + data + odd(data.slice(half))
}

/** 37 bits; the middle one is in both sums. [WG §2] */
export function cardBits37(facility: number | undefined, number: number): string {
  const data = facility === undefined ? binary(number, 35) : binary(facility, 16) + binary(number, 19)
  return even(data.slice(0, 18)) + data + odd(data.slice(17))
}

/** A key: four bits, or those four behind their complement. [WG §2.2] */
export function keyBits(key: string, bits: 4 | 8): string {
  const code = '0123456789*#'.indexOf(key)
  return bits === 4 ? binary(code, 4) : binary(15 - code, 4) + binary(code, 4)
}

export class WiegandReader {
  readonly #options: Required<WiegandOptions>
  /** Kernel time of the next edge. */
  #ns = 1_000_000_000n

  constructor(options: WiegandOptions) {
    this.#options = { output: 'hex', end: '\r', periodUs: 1_000, ...options }
  }

  /** Sends a burst. `lost` and `added` are places of a pulse that goes missing, or of noise that looks like one. */
  send(bits: string, { lost, added }: { lost?: number; added?: number } = {}): Delivery {
    let sent = bits
    if (lost !== undefined) sent = sent.slice(0, lost) + sent.slice(lost + 1)
    if (added !== undefined) sent = `${sent.slice(0, added)}1${sent.slice(added)}`
    return this.#options.line.send(Buffer.from(this.#text(sent), 'latin1'))
  }

  /** A converter hands a key on as its character, a reader on two lines as a short burst. */
  key(key: string, bits: 4 | 8 = 4): Delivery {
    const { output, end, line } = this.#options
    if (output === 'edges' || output === 'bits') return this.send(keyBits(key, bits))
    return line.send(Buffer.from(`${key}${end}`, 'latin1'))
  }

  #text(bits: string): string {
    const { output, end } = this.#options
    switch (output) {
      case 'bits':
        return bits + end
      case 'edges':
        return this.#edges(bits)
      case 'hex': {
        const data = bits.slice(1, -1)
        return (
          BigInt(`0b${data}`)
            .toString(16)
            .toUpperCase()
            .padStart(data.length / 4, '0') + end
        )
      }
      case 'decimal':
        return (
          BigInt(`0b${bits.slice(1, -1)}`)
            .toString()
            .padStart(10, '0') + end
        )
    }
  }

  /** As the transport `gpio:` gives them: data line, nanoseconds. Half a second between bursts. [WG §1] */
  #edges(bits: string): string {
    this.#ns += 500_000_000n
    const lines = bits.split('').map((bit) => {
      this.#ns += BigInt(this.#options.periodUs) * 1_000n
      return `${bit} ${this.#ns}\n`
    })
    return lines.join('')
  }
}

function binary(value: number, digits: number): string {
  return value.toString(2).padStart(digits, '0')
}
function ones(bits: string): number {
  return bits.split('1').length - 1
}
function even(bits: string): string {
  return String(ones(bits) % 2)
}
function odd(bits: string): string {
  return String((ones(bits) + 1) % 2)
}
