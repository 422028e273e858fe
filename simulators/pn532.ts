/**
 * Twin of a PN532 on its UART: cards come into its field and leave it, and it lists them when asked. Written from the
 * user manual's tables; it shares no code with the driver. Clauses: drivers/pn532/README.md.
 */
import type { Clock } from '../src/driver.js'
import type { Line } from './line.js'

export type SimCard =
  | { readonly type: 'a'; readonly uid: string; readonly ats?: string; readonly random?: boolean }
  | { readonly type: 'b'; readonly pupi: string }
  | { readonly type: 'felica'; readonly idm: string; readonly speed?: 212 | 424 }

export interface Pn532Options {
  readonly clock: Clock
  readonly line: Line
  /** Power-saving: nothing is heard before the wake-up bytes. Default true. */
  readonly asleep?: boolean
}

const MANY_ZEROS = 10

export class Pn532 {
  /** P3 as it was set, oldest first; repeats left out. */
  readonly pins: number[] = []
  isMute = false
  /** So many commands are obeyed, but their acknowledgement and answer are lost. */
  losesAnswers = 0
  /** So many answers arrive with a wrong checksum; asked again, they are right. */
  damagedAnswers = 0
  readonly #line: Line
  readonly #cards = new Set<SimCard>()
  #asleep: boolean
  #configured = false
  #received: number[] = []
  #last: Uint8Array | undefined
  #visits = 0

  constructor({ line, asleep = true }: Pn532Options) {
    this.#line = line
    this.#asleep = asleep
    line.onReceive = (bytes) => this.#receive(bytes)
  }

  put(card: SimCard): void {
    this.#cards.add(card)
  }
  remove(card?: SimCard): void {
    if (card) this.#cards.delete(card)
    else this.#cards.clear()
  }
  /** Loses its power and gets it back: asleep, and nothing is configured. */
  powerCycle(): void {
    this.#asleep = true
    this.#configured = false
    this.#received = []
  }

  #receive(bytes: Uint8Array): void {
    if (this.isMute) return
    // [PN532 §1] 55 55 and many zeros, then the first frame.
    if (this.#asleep) {
      if (bytes[0] !== 0x55 || bytes.filter((byte) => byte === 0).length < MANY_ZEROS) return
      this.#asleep = false
    }
    this.#received.push(...bytes)
    while (this.#step());
  }

  /** Takes one thing off the received bytes; false when there is nothing whole. */
  #step(): boolean {
    const text = Buffer.from(this.#received).toString('latin1')
    const start = text.indexOf('\x00\xff')
    if (start === -1) {
      this.#received.splice(0, Math.max(0, this.#received.length - 1))
      return false
    }
    const [length, complement] = this.#received.slice(start + 2)
    if (length === undefined || complement === undefined) return false
    if (length === 0 && complement === 255) return this.#drop(start + 4)
    if (length === 255 && complement === 0) {
      if (this.#last) this.#line.send(this.#last)
      return this.#drop(start + 4)
    }
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

  #obey(command: readonly number[]): void {
    const answer = this.#answerTo(command)
    if (this.losesAnswers > 0) {
      this.losesAnswers -= 1
      return
    }
    this.#line.send(Uint8Array.of(0, 0, 255, 0, 255, 0))
    if (!answer) return void this.#line.send(Uint8Array.of(0, 0, 255, 1, 255, 0x7f, 0x81, 0))
    this.#last = reply([(command[0] ?? 0) + 1, ...answer])
    const sent = Uint8Array.from(this.#last)
    if (this.damagedAnswers > 0) {
      this.damagedAnswers -= 1
      sent[sent.length - 2] = (sent.at(-2) ?? 0) ^ 0x55
    }
    this.#line.send(sent)
  }

  #answerTo([code, ...p]: readonly number[]): number[] | undefined {
    switch (code) {
      case 0x02:
        return [0x32, 1, 6, 7]
      case 0x14:
        this.#configured = p[0] === 1
        return []
      case 0x32:
        return []
      case 0x0e:
        if ((p[0] ?? 0) >= 128 && this.pins.at(-1) !== (p[0] ?? 0) - 128) this.pins.push((p[0] ?? 0) - 128)
        return []
      case 0x4a:
        return this.#configured ? this.#list(p[0] ?? 0, p[1] ?? 0) : undefined
      default:
        return undefined
    }
  }

  /** At most `most` cards of one modulation. [PN532 §3] */
  #list(most: number, modulation: number): number[] {
    const found = [...this.#cards].filter((card) => modulationOf(card) === modulation).slice(0, most)
    return [found.length, ...found.flatMap((card, index) => [index + 1, ...this.#describe(card)])]
  }

  #describe(card: SimCard): number[] {
    if (card.type === 'b') return [0x50, ...hex(card.pupi), 1, 2, 3, 4, 0, 0x81, 0xe1, 1, 0]
    if (card.type === 'felica') return [18, 1, ...hex(card.idm), 0, 0xf1, 0, 0, 0, 1, 0x43, 0]
    const uid = card.random === true ? [0x08, ...hex((++this.#visits).toString(16).padStart(6, '0'))] : hex(card.uid)
    const ats = card.ats === undefined ? [] : hex(card.ats)
    return [0, uid.length > 4 ? 0x44 : 0x04, ats.length > 0 ? 0x20 : 0x08, uid.length, ...uid, ...ats]
  }
}

function modulationOf(card: SimCard): number {
  if (card.type === 'a') return 0
  if (card.type === 'b') return 3
  return card.speed === 424 ? 2 : 1
}

function reply(content: readonly number[]): Uint8Array {
  const body = [0xd5, ...content]
  const sum = body.reduce((total, byte) => total + byte, 0)
  return Uint8Array.from([0, 0, 255, body.length, 256 - body.length, ...body, (256 - (sum % 256)) % 256, 0])
}

function hex(text: string): number[] {
  return [...Buffer.from(text, 'hex')]
}
