/**
 * Twin of a GM65: a scanner that sends what it sees and answers commands. Written from the fact sheet; it shares no
 * code with the driver. Clauses: [QR §…] of drivers/qr/README.md.
 */
import type { Clock } from '../src/driver.js'
import type { Line } from './line.js'

export interface QrScannerOptions {
  readonly clock: Clock
  readonly line: Line
  /** What it was set up to be when it left the box, by zone. Default: continuous mode, CR. */
  readonly zones?: Readonly<Record<number, number>>
  /** A scanner that takes no commands: many USB ones. */
  readonly deaf?: boolean
  /** Zones whose writes are acknowledged and ignored: firmware 0.87 does so with 002C. [QR §2.2] */
  readonly stuck?: readonly number[]
  /** Newland firmware answers bad commands, GM65 is silent. [QR §2.2] */
  readonly newland?: boolean
  /** Ends a text with this instead of what zone 0060 says: scanners of other families end with LF. */
  readonly suffix?: string
}

const FACTORY: Readonly<Record<number, number>> = {
  0x00: 0xd6, 0x05: 0x0a, 0x06: 0x32, 0x0e: 0x04, 0x13: 0x85, 0x60: 0x01, 0xe0: 0x05, 0xe2: 0x6e, 0xe3: 0x10,
} // prettier-ignore
const TAILS = ['\r', '\r\n', '\t', '']
/** A pause after which a begun command is forgotten. [QR §2.2] */
const PATIENCE_MS = 400
const NO_CHECK = 0xabcd

/** What is before the window: fixed text, or a display that changes. */
export type View = Uint8Array | (() => string)

export class QrScanner {
  readonly #options: QrScannerOptions
  readonly #memory: Map<number, number>
  #kept: Map<number, number>
  #view: View | undefined
  #scan: AbortController | undefined
  #command: number[] = []
  #commandAt = 0
  /** Commands it understood. */
  commands = 0

  constructor(options: QrScannerOptions) {
    this.#options = options
    const zones = { ...FACTORY, ...options.zones }
    this.#memory = new Map(Object.entries(zones).map(([zone, value]) => [Number(zone), value]))
    this.#kept = new Map(this.#memory)
    options.line.onReceive = (bytes) => this.#receive(bytes)
  }

  /** The content of a zone, as a manual with a reader would show it. */
  zone(zone: number): number {
    return this.#memory.get(zone) ?? 0
  }

  /** Holds a code before the window and leaves it there. */
  show(code: string | View): void {
    this.hide()
    this.#view = typeof code === 'string' ? new TextEncoder().encode(code) : code
    // Continuous and sensing modes read by themselves. [QR §2.3]
    if (this.#options.deaf === true || this.zone(0) & 2) void this.#scanOn()
  }

  hide(): void {
    this.#view = undefined
    if (this.#options.deaf === true || this.zone(0) & 2) this.#scan?.abort()
  }

  /** Switches it off and on: what was not saved is lost. */
  restart(): void {
    this.hide()
    this.#scan?.abort()
    this.#memory.clear()
    for (const [zone, value] of this.#kept) this.#memory.set(zone, value)
  }

  /** A code twice without an end between: a double read that lost its suffix. */
  glue(code: string): void {
    this.#options.line.send(new TextEncoder().encode(code + code + this.#tail))
  }

  async #scanOn(): Promise<void> {
    const scan = new AbortController()
    this.#scan = scan
    const { signal } = scan
    while (!signal.aborted) {
      this.#sendView()
      await this.#options.clock.sleep(Math.max(1, this.zone(5)) * 100, signal)
    }
  }

  /** Command mode: one read, which ends with a code or with its time. [QR §2.3, zones 0002 and 0006] */
  async #readOnce(): Promise<void> {
    this.#scan?.abort()
    const scan = new AbortController()
    this.#scan = scan
    const tenths = this.zone(6) === 0 ? Number.POSITIVE_INFINITY : this.zone(6)
    for (let passed = 0; passed < tenths && !scan.signal.aborted; passed++) {
      if (this.#view !== undefined) return this.#sendView()
      await this.#options.clock.sleep(100, scan.signal)
    }
  }

  get #tail(): string {
    const zone = this.zone(0x60)
    return this.#options.suffix ?? (zone & 1 ? (TAILS[(zone >> 5) & 3] ?? '') : '')
  }

  #sendView(): void {
    if (this.#view === undefined) return
    const bytes = typeof this.#view === 'function' ? new TextEncoder().encode(this.#view()) : this.#view
    this.#options.line.send(Uint8Array.from([...bytes, ...new TextEncoder().encode(this.#tail)]))
  }

  #receive(bytes: Uint8Array): void {
    if (this.#options.deaf === true) return
    const now = this.#options.clock.uptime()
    if (now - this.#commandAt > PATIENCE_MS) this.#command = []
    this.#commandAt = now
    for (const byte of bytes) {
      this.#command.push(byte)
      while (this.#command.length > 0 && !startsRight(this.#command)) this.#command.shift()
      const [, , , count = 0] = this.#command
      const length = this.#command.length < 4 ? Infinity : 8 + (count === 0 ? 256 : count)
      if (this.#command.length >= length) this.#obey(this.#command.splice(0))
    }
  }

  #obey(command: readonly number[]): void {
    const body = command.slice(2, -2)
    const sum = ((command.at(-2) ?? 0) << 8) | (command.at(-1) ?? 0)
    if (sum !== NO_CHECK && sum !== remainder(body)) return this.#complain(1)
    const [type, , high = 0, low = 0, ...data] = body
    const zone = high * 256 + low
    this.commands++
    if (type === 7)
      return this.#reply(
        0,
        Array.from({ length: data[0] || 256 }, (_, index) => this.zone(zone + index)),
      )
    if (type === 9) this.#kept = new Map(this.#memory)
    else if (type !== 8) return this.#complain(3)
    else this.#write(zone, data)
    this.#reply(0, [0])
    if (type === 8 && zone === 2 && (data[0] ?? 0) & 1) void this.#readOnce()
  }

  #write(zone: number, data: readonly number[]): void {
    const before = this.zone(0)
    for (const [index, value] of data.entries()) {
      // Bit 0 of zone 0002 clears itself; E0 to E5 are read-only. [QR §2.3]
      if (zone + index === 2 || zone + index >= 0xe0 || this.#options.stuck?.includes(zone + index)) continue
      this.#memory.set(zone + index, value)
    }
    const automatic = this.zone(0) & 2
    if ((before & 3) === (this.zone(0) & 3)) return
    this.#scan?.abort()
    if (automatic && this.#view !== undefined) void this.#scanOn()
  }

  #complain(type: number): void {
    if (this.#options.newland === true) this.#reply(type, [0])
  }

  #reply(type: number, data: readonly number[]): void {
    const body = [type, data.length & 0xff, ...data]
    const sum = remainder(body)
    this.#options.line.send(Uint8Array.of(0x02, 0x00, ...body, sum >> 8, sum & 0xff))
  }
}

function startsRight([first, second]: readonly number[]): boolean {
  return first === 0x7e && (second === undefined || second === 0)
}

/** The remainder of the message times x^16 divided by x^16 + x^12 + x^5 + 1, bit by bit as in a shift register. */
function remainder(bytes: readonly number[]): number {
  let register = 0
  for (const byte of [...bytes, 0, 0]) {
    for (let bit = 7; bit >= 0; bit--) {
      const carry = register & 0x8000
      register = ((register << 1) & 0xffff) | ((byte >> bit) & 1)
      if (carry) register ^= 0x1021
    }
  }
  return register
}
