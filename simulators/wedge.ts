/**
 * Twin of a reader that types: a card, code or PIN makes it press keys, nothing else does. It sends what the kernel
 * gives to a program: a scan code, the key and a report for every press and every release. Written from the fact
 * sheet; it shares no code with the driver. Clauses: drivers/wedge/README.md.
 */
import type { Clock } from '../src/driver.js'
import type { Delivery, Line } from './line.js'

/** Of the program that reads. [WEDGE §1.1] */
export type Bits = 32 | 64

export interface WedgeOptions {
  readonly clock: Clock
  readonly line: Line
  readonly bits?: Bits
  /** Sent behind each code: Enter by default. */
  readonly end?: '\n' | '\t' | ''
  /** From press to release, and from there to the next press. */
  readonly paceMs?: number
  /** Each code in one piece, as it comes to a host that reads late; faults then strike whole codes. */
  readonly burst?: boolean
}

/** What became of one code. */
export interface Keystrokes {
  frames: number
  /** Reports that went out undamaged. With fewer than `frames`, no driver can have read the code. */
  whole: number
}

const PACE_MS = 4
const EV_SYN = 0
const EV_KEY = 1
const EV_MSC = 4
const SYN_DROPPED = 3
const MSC_SCAN = 4
const LEFT_SHIFT = 42
const REPEAT = 2

/** Key codes of a US keyboard. [WEDGE §1.3] */
const CODES: Readonly<Record<string, number>> = {
  '1': 2, '2': 3, '3': 4, '4': 5, '5': 6, '6': 7, '7': 8, '8': 9, '9': 10, '0': 11, '-': 12, '=': 13, '\t': 15,
  q: 16, w: 17, e: 18, r: 19, t: 20, y: 21, u: 22, i: 23, o: 24, p: 25, '[': 26, ']': 27, '\n': 28,
  a: 30, s: 31, d: 32, f: 33, g: 34, h: 35, j: 36, k: 37, l: 38, ';': 39, "'": 40, '`': 41, '\\': 43,
  z: 44, x: 45, c: 46, v: 47, b: 48, n: 49, m: 50, ',': 51, '.': 52, '/': 53, ' ': 57,
} // prettier-ignore
/** With Shift, and the key that bears it. */
const SHIFTED: Readonly<Record<string, string>> = {
  '!': '1', '@': '2', '#': '3', $: '4', '%': '5', '^': '6', '&': '7', '*': '8', '(': '9', ')': '0', _: '-', '+': '=',
  '{': '[', '}': ']', ':': ';', '"': "'", '~': '`', '|': '\\', '<': ',', '>': '.', '?': '/',
} // prettier-ignore

type Change = readonly [code: number, value: 0 | 1 | 2]

export class Wedge {
  readonly #clock: Clock
  readonly #line: Line
  readonly #bits: Bits
  readonly #end: string
  readonly #paceMs: number
  readonly #burst: boolean
  /** A code under way: a reader types one after the other. */
  #busy: Promise<void> = Promise.resolve()
  #gone = new AbortController()

  constructor({ clock, line, bits = 64, end = '\n', paceMs = PACE_MS, burst = false }: WedgeOptions) {
    this.#clock = clock
    this.#line = line
    this.#bits = bits
    this.#end = end
    this.#paceMs = paceMs
    this.#burst = burst
  }

  /** Presents a card or code: it is typed once, with what ends it, however long it lies there. */
  put(text: string): Keystrokes {
    return this.press(changes(text + this.#end))
  }

  /** Types without an end: somebody walks away from a PIN pad, or a reader loses its power half-way. */
  begin(text: string): Keystrokes {
    return this.press(changes(text))
  }

  /** Leans on a key: the kernel repeats it `times` times before it is let go. */
  lean(character: string, times: number): Keystrokes {
    const [press, release] = changes(character)
    if (!press || !release) throw new RangeError('one plain key')
    const repeats = Array.from({ length: times }, (): Change => [press[0], REPEAT])
    return this.press([press, ...repeats, release])
  }

  /** Presses (1), repeats (2) and releases (0) keys by their codes, a report for each. */
  press(keys: readonly Change[]): Keystrokes {
    const keystrokes: Keystrokes = { frames: keys.length, whole: 0 }
    if (this.#burst) return this.#typeAtOnce(keys, keystrokes)
    this.#busy = this.#busy.then(() => this.#type(keys, keystrokes, this.#gone.signal))
    return keystrokes
  }

  /** The card leaves: nothing to a keyboard. */
  remove(): void {
    // It has typed already.
  }

  /** The kernel had no room for events: so many are missing, and it says so. [WEDGE §1.2] */
  overrun(): void {
    this.#line.send(event(this.#bits, this.#nowUs(), EV_SYN, SYN_DROPPED, 0))
    this.#line.send(event(this.#bits, this.#nowUs(), EV_SYN, 0, 0))
  }

  /** Loses its power: what was not typed yet never is. */
  stop(): void {
    this.#gone.abort()
    this.#gone = new AbortController()
  }

  /** Resolves when nothing is being typed. */
  get idle(): Promise<void> {
    return this.#busy
  }

  async #type(keys: readonly Change[], keystrokes: Keystrokes, gone: AbortSignal): Promise<void> {
    for (const [code, value] of keys) {
      if (gone.aborted) return
      const delivery: Delivery = this.#line.send(report(this.#bits, this.#nowUs(), code, value))
      if (delivery === 'whole') keystrokes.whole++
      await this.#clock.sleep(this.#paceMs, gone)
    }
  }

  #typeAtOnce(keys: readonly Change[], keystrokes: Keystrokes): Keystrokes {
    const bytes = allOf(keys, this.#bits, this.#nowUs(), this.#paceMs)
    if (this.#line.send(bytes) === 'whole') keystrokes.whole = keystrokes.frames
    return keystrokes
  }

  #nowUs(): number {
    return this.#clock.now().wall * 1_000
  }
}

/** The bytes of a whole code, its keys `paceMs` apart from `fromUs` on. */
export function typed(text: string, bits: Bits, fromUs: number, paceMs = PACE_MS): Uint8Array {
  return allOf(changes(text), bits, fromUs, paceMs)
}

function allOf(keys: readonly Change[], bits: Bits, fromUs: number, paceMs: number): Uint8Array {
  const reports = keys.map(([code, value], at) => report(bits, fromUs + at * paceMs * 1_000, code, value))
  return Uint8Array.from(reports.flatMap((bytes) => [...bytes]))
}

/** Presses and releases. Shift goes down before a character and up after it. */
function changes(text: string): Change[] {
  return Array.from(text).flatMap((character): Change[] => {
    const lower = SHIFTED[character] ?? character.toLowerCase()
    const code = CODES[lower]
    if (code === undefined) throw new RangeError(`no key for ${JSON.stringify(character)}`)
    const stroke: Change[] = [
      [code, 1],
      [code, 0],
    ]
    return lower === character ? stroke : [[LEFT_SHIFT, 1], ...stroke, [LEFT_SHIFT, 0]]
  })
}

/** Scan code, key, report: what one change of a key is. A repeat comes from the kernel, without a scan code. */
function report(bits: Bits, timeUs: number, code: number, value: number): Uint8Array {
  const scan = value === REPEAT ? [] : [event(bits, timeUs, EV_MSC, MSC_SCAN, 0x70000 + code)]
  const end = event(bits, timeUs, EV_SYN, 0, value === REPEAT ? 1 : 0)
  return Uint8Array.from([...scan, event(bits, timeUs, EV_KEY, code, value), end].flatMap((bytes) => [...bytes]))
}

/** Seconds, microseconds, type, code, value, little-endian. [WEDGE §1.1] */
function event(bits: Bits, timeUs: number, type: number, code: number, value: number): Buffer {
  const [seconds, micros] = [Math.floor(timeUs / 1_000_000), timeUs % 1_000_000]
  const word = bits / 8
  const bytes = Buffer.alloc(2 * word + 8)
  bytes.writeUInt32LE(seconds, 0)
  bytes.writeUInt32LE(micros, word)
  bytes.writeUInt16LE(type, 2 * word)
  bytes.writeUInt16LE(code, 2 * word + 2)
  bytes.writeInt32LE(value, 2 * word + 4)
  return bytes
}
