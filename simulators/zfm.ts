/**
 * Twin of an EF01 fingerprint module: R503 (ring, handshake 40, product information) or AS608 (back-light). Fingers have
 * names; the module keeps which name lies in which slot. Written from the datasheet; shares no code with the driver.
 */
import type { Clock } from '../src/driver.js'
import type { Line } from './line.js'

export type ZfmModel = 'r503' | 'as608'
/** `faint`: an image is taken, but it has too few features. `smudge`: no image at all. */
export type Quality = 'good' | 'faint' | 'smudge'

export interface ZfmOptions {
  readonly clock: Clock
  readonly line: Line
  readonly model?: ZfmModel
  readonly capacity?: number
  readonly password?: number
  /** Before it answers. Default 0. */
  readonly answerMs?: number
  /** Says nothing to instructions it does not know, as some old modules do. */
  readonly ignoresUnknown?: boolean
}

const OK = 0x00
const UNSUPPORTED = 0xfc

export class Zfm {
  /** Finger by slot: what survives a loss of power. */
  readonly slots = new Map<number, string>()
  /** Light commands obeyed so far, in hex. */
  readonly lights: string[] = []
  /** Instructions received so far. */
  readonly asked = new Set<number>()
  /** Obeys nothing and says nothing. */
  isMute = false
  /** Does what it is asked, but the answer to this instruction is lost, so many times. */
  readonly losesAnswerTo = new Map<number, number>()
  /** Answers that arrive with a wrong checksum. */
  damagedAnswers = 0
  serial = '00000042'
  readonly #options: Required<ZfmOptions>
  #finger: { readonly name: string; quality: Quality } | undefined
  #image: { readonly name: string; readonly quality: Quality } | undefined
  #buffers = new Map<number, string>()
  #model: string | undefined
  #verified = false
  #received: number[] = []

  constructor(options: ZfmOptions) {
    this.#options = { model: 'r503', capacity: 200, password: 0, answerMs: 0, ignoresUnknown: false, ...options }
    options.line.onReceive = (bytes) => this.#receive(bytes)
  }

  place(name: string, quality: Quality = 'good'): void {
    this.#finger = { name, quality }
  }
  lift(): void {
    this.#finger = undefined
  }
  /** Loses its power and gets it back: buffers and the password are forgotten, slots stay. [ZFM §6] */
  powerCycle(): void {
    this.#image = undefined
    this.#buffers.clear()
    this.#model = undefined
    this.#verified = false
    this.#received = []
    if (this.#options.model === 'r503') this.#options.line.send(Uint8Array.of(0x55))
  }

  #receive(bytes: Uint8Array): void {
    if (this.isMute) return
    this.#received.push(...bytes)
    for (;;) {
      const start = this.#received.findIndex((byte, at) => byte === 0xef && (this.#received[at + 1] ?? 0x01) === 0x01)
      if (start === -1) return void (this.#received = [])
      this.#received.splice(0, start)
      const length = ((this.#received[7] ?? 0) << 8) + (this.#received[8] ?? 0)
      if (this.#received.length < 9 || this.#received.length < 9 + length) return
      const frame = this.#received.splice(0, 9 + length)
      // A wrong address is not answered. [ZFM §2]
      if (frame.slice(2, 6).every((byte) => byte === 0xff)) this.#take(frame)
    }
  }

  #take(frame: readonly number[]): void {
    const body = frame.slice(6, -2)
    const sum = body.reduce((total, byte) => total + byte, 0) % 65_536
    if (Math.floor(sum / 256) !== frame.at(-2) || sum % 256 !== frame.at(-1)) return this.#answer(0, [0x01])
    const [opcode = 0, ...parameters] = body.slice(3)
    this.asked.add(opcode)
    if (this.#options.password !== 0 && !this.#verified && opcode !== 0x13) return this.#answer(opcode, [0x21])
    const answer = this.#obey(opcode, parameters)
    if (answer[0] !== UNSUPPORTED || !this.#options.ignoresUnknown) this.#answer(opcode, answer)
  }

  #obey(opcode: number, p: readonly number[]): number[] {
    const known: Readonly<Record<number, () => number[]>> = {
      0x01: () => [this.#capture()],
      0x02: () => [this.#extract(p[0] ?? 0)],
      0x04: () => this.#search(p[0] ?? 0),
      0x05: () => [this.#combine()],
      0x06: () => [this.#store(word(p, 1))],
      0x0c: () => [this.#remove(word(p, 0), word(p, 2))],
      0x0e: () => [OK],
      0x0f: () => [OK, ...this.#parameters()],
      0x13: () => [this.#verify(p)],
      0x1d: () => [OK, ...split(this.slots.size)],
      0x1f: () => [OK, ...this.#index(p[0] ?? 0)],
    }
    const own = known[opcode]
    if (own) return own()
    return this.#options.model === 'r503' ? this.#obeyRing(opcode, p) : this.#obeyBackLight(opcode)
  }

  #obeyRing(opcode: number, p: readonly number[]): number[] {
    if (opcode === 0x40) return [OK]
    if (opcode === 0x3a) return [OK, ...padded('1.2.1', 32)]
    if (opcode === 0x3c) {
      const library = [...split(192), ...split(192), ...split(1_536), ...split(this.#options.capacity)]
      return [
        OK,
        ...padded('R503', 16),
        ...padded('0001', 4),
        ...padded(this.serial, 8),
        1,
        4,
        ...padded('CAP', 8),
        ...library,
      ]
    }
    if (opcode !== 0x35) return [UNSUPPORTED]
    this.lights.push(hex([opcode, ...p]))
    return [OK]
  }

  #obeyBackLight(opcode: number): number[] {
    if (opcode === 0x53) return [0x55]
    if (opcode !== 0x50 && opcode !== 0x51) return [UNSUPPORTED]
    this.lights.push(hex([opcode]))
    return [OK]
  }

  #capture(): number {
    this.#image = undefined
    if (!this.#finger) return 0x02
    if (this.#finger.quality === 'smudge') return 0x03
    this.#image = { ...this.#finger }
    return OK
  }

  #extract(buffer: number): number {
    if (!this.#image) return 0x15
    if (this.#image.quality === 'faint') return 0x07
    this.#buffers.set(buffer, this.#image.name)
    this.#image = undefined
    return OK
  }

  /** A real R503 leaves a page number in the answer of a search that found nothing. [ZFM, corrections] */
  #search(buffer: number): number[] {
    const wanted = this.#buffers.get(buffer)
    for (const [slot, name] of this.slots) if (name === wanted) return [OK, ...split(slot), 0, 150]
    return [0x09, 0x01, 0xee, 0, 0]
  }

  #combine(): number {
    const names = new Set(this.#buffers.values())
    this.#model = names.size === 1 ? [...names][0] : undefined
    this.#buffers.clear()
    return this.#model === undefined ? 0x0a : OK
  }

  #store(slot: number): number {
    if (slot >= this.#options.capacity) return 0x0b
    if (this.#model === undefined) return 0x18
    this.slots.set(slot, this.#model)
    return OK
  }

  #remove(from: number, count: number): number {
    if (from + count > this.#options.capacity) return 0x0b
    for (let slot = from; slot < from + count; slot++) this.slots.delete(slot)
    return OK
  }

  #verify(p: readonly number[]): number {
    this.#verified = word(p, 0) * 65_536 + word(p, 2) === this.#options.password
    return this.#verified ? OK : 0x13
  }

  /** Status, system id, capacity, security, address, packet size 128, baud 57600. [ZFM §5.1] */
  #parameters(): number[] {
    return [
      ...split(4),
      ...split(9),
      ...split(this.#options.capacity),
      ...split(3),
      0xff,
      0xff,
      0xff,
      0xff,
      ...split(2),
      ...split(6),
    ]
  }

  #index(page: number): number[] {
    return Array.from({ length: 32 }, (_, byte) => {
      let bits = 0
      for (let bit = 0; bit < 8; bit++) if (this.slots.has(page * 256 + byte * 8 + bit)) bits += 2 ** bit
      return bits
    })
  }

  #answer(opcode: number, payload: readonly number[]): void {
    const left = this.losesAnswerTo.get(opcode) ?? 0
    if (left > 0) return void this.losesAnswerTo.set(opcode, left - 1)
    const frame = acknowledgement(payload)
    if (this.damagedAnswers > 0) {
      this.damagedAnswers -= 1
      frame[frame.length - 1] = (frame.at(-1) ?? 0) ^ 0xff
    }
    const { clock, line, answerMs } = this.#options
    if (answerMs === 0) line.send(frame)
    else void clock.sleep(answerMs).then(() => line.send(frame))
  }
}

/** EF 01, address, 07, length, payload, sum of everything behind the address. [ZFM §2] */
function acknowledgement(payload: readonly number[]): Uint8Array {
  const counted = [0x07, ...split(payload.length + 2), ...payload]
  const sum = counted.reduce((total, byte) => total + byte, 0) % 65_536
  return Uint8Array.from([0xef, 0x01, 0xff, 0xff, 0xff, 0xff, ...counted, ...split(sum)])
}

function split(value: number): [number, number] {
  return [Math.floor(value / 256), value % 256]
}

function word(bytes: readonly number[], at: number): number {
  return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)
}

function padded(text: string, length: number): number[] {
  return Array.from({ length }, (_, at) => (at < text.length ? text.charCodeAt(at) : 0))
}

function hex(bytes: readonly number[]): string {
  return Buffer.from(bytes).toString('hex')
}
