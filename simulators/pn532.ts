/**
 * Twin of a PN532 on its UART: cards come into its field and leave it, and it lists them when asked. A second reading of
 * the fact sheet; it shares no code with the driver. Clauses: drivers/pn532/README.md.
 */
import type { Clock } from '../src/driver.js'
import type { Line } from './line.js'
import { answerFrame, listed, modulationsOf, type SimCard } from './pn532-cards.js'

export type { SimCard } from './pn532-cards.js'

export interface Pn532Options {
  readonly clock: Clock
  readonly line: Line
  /** Power-saving: nothing is heard before the wake-up bytes. Default true. */
  readonly asleep?: boolean
  /** From the acknowledgement to the answer. Default 0: at once. */
  readonly answerMs?: number
}

/** What goes wrong, so many times each, oldest command first. */
export interface Pn532Faults {
  /** A command never arrives. */
  unheard: number
  /** A command is obeyed and answered; its acknowledgement is lost. */
  lostAcks: number
  /** A command is acknowledged; its answer is lost and cannot be had again. */
  lostAnswers: number
  /** An answer comes with a wrong checksum; asked for again, it is right. */
  damagedAnswers: number
  /** The second half of an answer is lost; asked for again, it is whole. */
  cutAnswers: number
  /** Noise stands before an answer. */
  noisyAnswers: number
  /** A card leaves while it is being listed: the list ends in the middle of it, under a right checksum. */
  torn: number
}

const ACK = [0x00, 0x00, 0xff, 0x00, 0xff, 0x00]
const SYNTAX_ERROR = [0x00, 0x00, 0xff, 0x01, 0xff, 0x7f, 0x81, 0x00]
const NOISE = [0x55, 0x00, 0xff, 0x13, 0x37, 0xd5, 0x00, 0xff, 0x05, 0xfb, 0xd5]
/** The wake-up has fourteen zeros; a few may be lost on a chip that wakes slowly. */
const ENOUGH_ZEROS = 10

export class Pn532 {
  readonly faults: Pn532Faults = {
    unheard: 0,
    lostAcks: 0,
    lostAnswers: 0,
    damagedAnswers: 0,
    cutAnswers: 0,
    noisyAnswers: 0,
    torn: 0,
  }
  /** P3 and P7 as they were written, oldest first, as `29 80`; what changes nothing is left out. */
  readonly pins: string[] = []
  /** Codes of the commands that were obeyed, oldest first, for a test that empties it; the last 64. */
  readonly obeyed: number[] = []
  isMute = false
  /** Answers come in extended frames, which the chip may use for any length. [PN532 §2] */
  usesExtended = false
  /** Another chip of the family: 0x32 is the PN532. */
  ic = 0x32
  /** How often a card of type A was looked for. */
  looks = 0
  isFieldOn = false
  readonly #clock: Clock
  readonly #line: Line
  readonly #answerMs: number
  readonly #cards = new Set<SimCard>()
  #asleep: boolean
  #configured = false
  #received: number[] = []
  #last: Uint8Array | undefined
  #working = new AbortController()
  #visits = 0

  constructor({ clock, line, asleep = true, answerMs = 0 }: Pn532Options) {
    this.#clock = clock
    this.#line = line
    this.#asleep = asleep
    this.#answerMs = answerMs
    line.onReceive = (bytes) => this.#receive(bytes)
  }

  put(card: SimCard): void {
    this.#cards.add(card)
  }
  remove(card?: SimCard): void {
    if (card) this.#cards.delete(card)
    else this.#cards.clear()
  }

  /** Loses its power and gets it back: asleep, and nothing is set up. */
  powerCycle(): void {
    this.restart()
    this.#asleep = true
  }
  /** Starts anew by itself, awake: obeys nothing but questions about itself until its SAM is configured. [PN532 §1] */
  restart(): void {
    this.#working.abort()
    this.#configured = false
    this.isFieldOn = false
    this.#received = []
    this.#last = undefined
  }

  #receive(bytes: Uint8Array): void {
    if (this.isMute) return
    if (this.#asleep) {
      // [PN532 §1] 55 55 and many zeros, then the first frame.
      if (bytes[0] !== 0x55 || bytes.filter((byte) => byte === 0).length < ENOUGH_ZEROS) return
      this.#asleep = false
    }
    this.#received.push(...bytes)
    while (this.#step());
  }

  /** Takes one thing off the received bytes; false when nothing whole is there. */
  #step(): boolean {
    const start = this.#received.findIndex((byte, at) => byte === 0x00 && this.#received[at + 1] === 0xff)
    if (start === -1) {
      this.#received.splice(0, Math.max(0, this.#received.length - 1))
      return false
    }
    const [length, complement] = this.#received.slice(start + 2)
    if (length === undefined || complement === undefined) return false
    if (length === 0 && complement === 255) return this.#cancel(start + 4)
    if (length === 255 && complement === 0) return this.#repeat(start + 4)
    if (length + complement !== 256) return this.#drop(start + 1)
    if (this.#received.length < start + 4 + length + 1) return false
    const content = this.#received.slice(start + 4, start + 4 + length)
    const sum = content.reduce((total, byte) => total + byte, this.#received[start + 4 + length] ?? 0)
    this.#drop(start + 4 + length + 1)
    if (sum % 256 === 0 && content[0] === 0xd4) this.#obey(content.slice(1))
    return true
  }

  #drop(count: number): true {
    this.#received.splice(0, count)
    return true
  }

  /** An acknowledgement from the host ends the command under way. [PN532 §2] */
  #cancel(count: number): true {
    this.#working.abort()
    return this.#drop(count)
  }

  #repeat(count: number): true {
    if (this.#last) this.#line.send(this.#last)
    return this.#drop(count)
  }

  #obey(command: readonly number[]): void {
    if (this.#strikes('unheard')) return
    this.#working.abort()
    this.#working = new AbortController()
    this.obeyed.push(command[0] ?? 0)
    if (this.obeyed.length > 64) this.obeyed.shift()
    if (!this.#strikes('lostAcks')) this.#line.send(Uint8Array.from(ACK))
    if (this.#answerMs === 0) this.#answer(command)
    else void this.#answerLater(command, this.#working.signal)
  }

  async #answerLater(command: readonly number[], signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(this.#answerMs, signal)
    if (!signal.aborted && !this.isMute) this.#answer(command)
  }

  #answer(command: readonly number[]): void {
    const content = this.#answerTo(command)
    if (!content) return void this.#line.send(Uint8Array.from(SYNTAX_ERROR))
    if (command[0] === 0x4a && (content[0] ?? 0) > 0 && this.#strikes('torn'))
      content.splice(Math.ceil(content.length / 2))
    const frame = Uint8Array.from(answerFrame([(command[0] ?? 0) + 1, ...content], this.usesExtended))
    if (this.#strikes('lostAnswers')) return
    this.#last = frame
    if (this.#strikes('noisyAnswers')) this.#line.send(Uint8Array.from(NOISE))
    const damaged = Uint8Array.from(frame)
    if (this.#strikes('damagedAnswers')) damaged[damaged.length - 2] = (damaged.at(-2) ?? 0) ^ 0x55
    const isCut = this.#strikes('cutAnswers')
    this.#line.send(isCut ? damaged.slice(0, damaged.length >> 1) : damaged)
  }

  #strikes(fault: keyof Pn532Faults): boolean {
    if (this.faults[fault] === 0) return false
    this.faults[fault] -= 1
    return true
  }

  #answerTo([code, ...p]: readonly number[]): number[] | undefined {
    if (code === 0x02) return [this.ic, 1, 6, 7]
    if (code === 0x14) this.#configured = p[0] === 1
    if (!this.#configured) return undefined
    switch (code) {
      case 0x32:
        if (p[0] === 1) this.isFieldOn = p[1] === 1
        return []
      case 0x12:
      case 0x14:
      case 0x08:
        return []
      // What libnfc asks besides: echo, registers (two bytes of address each), leaving a card. [nfc-pcsc §10]
      case 0x00:
        return p
      case 0x06:
        return p.slice(0, p.length / 2).map(() => 0)
      case 0x44:
      case 0x52:
        return [0]
      case 0x0e:
        return this.#writePins(p[0] ?? 0, p[1] ?? 0)
      case 0x4a:
        return this.#list(p)
      default:
        return undefined
    }
  }

  /** Bit 7 makes a port's value valid. Whoever pulls P32 or P34 down has lost the chip. [PN532 §5] */
  #writePins(p3: number, p7: number): number[] {
    if (p3 >= 0x80 && (p3 & 0x14) !== 0x14) this.isMute = true
    const written = [p3, p7].map((port) => (port >= 0x80 ? (port - 0x80).toString(16) : '-')).join(' ')
    if (this.pins.at(-1) !== written) this.pins.push(written)
    return []
  }

  /** At most `most` cards of one modulation; the field comes on by itself. [PN532 §3] */
  #list([most = 0, modulation = 0, , , , requestCode]: readonly number[]): number[] {
    if (!this.isFieldOn) this.#visits++
    if (modulation === 0) this.looks++
    this.isFieldOn = true
    const found = [...this.#cards].filter((card) => modulationsOf(card).includes(modulation)).slice(0, most)
    return [
      found.length,
      ...found.flatMap((card, index) => [index + 1, ...listed(card, this.#visits, requestCode === 1)]),
    ]
  }
}
