/** Frames and commands of the PN532 over its UART. Pure: no clock, no I/O, no import. [PN532 §n]: sections of this folder's README. */

export type Frame =
  | { readonly kind: 'ack' | 'nack' | 'error' }
  /** `data` begins with the reply code: command + 1. */
  | { readonly kind: 'data'; readonly data: Uint8Array }
  /** Began like a frame and failed a check: the chip can be asked for it again. */
  | { readonly kind: 'bad' }

export interface Decoded {
  readonly frames: readonly Frame[]
  /** Bytes that belong to no good frame. */
  readonly discarded: number
}

const FROM_CHIP = 0xd5
const TO_CHIP = 0xd4
/** A target list of two cards with everything is shorter than this; the chip's own limit is 265. */
const MAX_DATA = 265

/** Sent before the first frame: the chip may sleep. [PN532 §1] */
export const WAKE_UP = Uint8Array.from([0x55, 0x55, ...Array.from({ length: 14 }, () => 0)])
export const NACK = Uint8Array.of(0x00, 0x00, 0xff, 0xff, 0x00, 0x00)
/** From the host: cancels what the chip is doing. */
export const ACK = Uint8Array.of(0x00, 0x00, 0xff, 0x00, 0xff, 0x00)

/** 00 00 FF, length, its complement, D4 and the command, complement of their sum, 00. [PN532 §2] */
export function frame(command: readonly number[]): Uint8Array {
  const body = [TO_CHIP, ...command]
  return Uint8Array.from([
    0x00,
    0x00,
    0xff,
    body.length,
    complement(body.length),
    ...body,
    complement(sumOf(body)),
    0x00,
  ])
}

function complement(value: number): number {
  return (0x100 - (value & 0xff)) & 0xff
}

function sumOf(bytes: readonly number[]): number {
  return bytes.reduce((sum, byte) => sum + byte, 0)
}

/** Incremental decoder. What fails a check costs one byte: the next start code may stand right behind it. */
export class FrameDecoder {
  #held: number[] = []

  /** Bytes kept for the next chunk. */
  get held(): number {
    return this.#held.length
  }

  push(bytes: Uint8Array): Decoded {
    const frames: Frame[] = []
    let discarded = 0
    for (const byte of bytes) {
      this.#held.push(byte)
      while (this.#held.length > 0) {
        const found = look(this.#held)
        if (found === 'more') break
        if (found === 'none' || found === 'bad') {
          if (found === 'bad') frames.push({ kind: 'bad' })
          this.#held.shift()
          discarded += 1
          continue
        }
        frames.push(found.frame)
        this.#held.splice(0, found.length)
      }
    }
    return { frames, discarded }
  }
}

type Found = { readonly frame: Frame; readonly length: number }

/** What stands at the beginning: start code 00 FF, then one of the five forms. [PN532 §2] */
function look(held: readonly number[]): Found | 'more' | 'none' | 'bad' {
  if (held[0] !== 0x00) return 'none'
  if (held.length < 2) return 'more'
  if (held[1] !== 0xff) return 'none'
  if (held.length < 4) return 'more'
  const [, , length = 0, check = 0] = held
  if (length === 0x00 && check === 0xff) return { frame: { kind: 'ack' }, length: 4 }
  if (length === 0xff && check === 0x00) return { frame: { kind: 'nack' }, length: 4 }
  if (length === 0xff && check === 0xff) return lookExtended(held)
  if (((length + check) & 0xff) !== 0 || length === 0) return 'none'
  return body(held, 4, length)
}

function lookExtended(held: readonly number[]): Found | 'more' | 'none' | 'bad' {
  if (held.length < 7) return 'more'
  const [high = 0, low = 0, check = 0] = held.slice(4)
  if (((high + low + check) & 0xff) !== 0) return 'none'
  return body(held, 7, high * 256 + low)
}

function body(held: readonly number[], from: number, length: number): Found | 'more' | 'none' | 'bad' {
  if (length === 0 || length > MAX_DATA) return 'none'
  const first = held[from]
  // The error frame is the only other one. [PN532 §2]
  if (first !== undefined && first !== FROM_CHIP && !(length === 1 && first === 0x7f)) return 'none'
  if (held.length < from + length + 1) return 'more'
  const content = held.slice(from, from + length)
  if (((sumOf(content) + (held[from + length] ?? 0)) & 0xff) !== 0) return 'bad'
  const whole = from + length + 1
  if (first === 0x7f) return { frame: { kind: 'error' }, length: whole }
  return { frame: { kind: 'data', data: Uint8Array.from(content.slice(1)) }, length: whole }
}

export type Technology = 'a' | 'b' | 'felica212' | 'felica424'

/** Commands. [PN532 §3] */
export const COMMAND = {
  firmware: [0x02],
  /** Normal mode: the chip works for the host alone. */
  samConfiguration: [0x14, 0x01],
  /** Give up an empty field at once instead of looking for ever. */
  retries: [0x32, 0x05, 0xff, 0x01, 0x01],
  fieldOff: [0x32, 0x01, 0x00],
  /** P30 to P35; bit 7 makes it valid. P7 is left alone. */
  gpio: (p3: number) => [0x0e, 0x80 | p3, 0x00],
  list: (technology: Technology) => LIST[technology],
} as const

/** At most two cards of type A; the chip takes one of the others at a time here. [PN532 §3, InListPassiveTarget] */
const LIST: Readonly<Record<Technology, readonly number[]>> = {
  a: [0x4a, 0x02, 0x00],
  b: [0x4a, 0x01, 0x03, 0x00],
  felica212: [0x4a, 0x01, 0x01, 0x00, 0xff, 0xff, 0x00, 0x00],
  felica424: [0x4a, 0x01, 0x02, 0x00, 0xff, 0xff, 0x00, 0x00],
}

export interface Target {
  /** UID, PUPI or IDm as PC/SC would give it: first byte of the anticollision first, upper-case hex. */
  readonly value: string
  /** A number invented for this visit to the field. [PCSC §2] */
  readonly random: boolean
}

const RANDOM = 0x08
const UID_LENGTHS = [4, 7, 10]

/** Cards in the answer to a list; undefined when it is not well formed. `data` begins with 4B. */
export function targetsIn(data: Uint8Array, technology: Technology): Target[] | undefined {
  const count = data[1]
  if (data[0] !== 0x4b || count === undefined || count > 2) return undefined
  const targets: Target[] = []
  let at = 2
  for (let number = 0; number < count; number++) {
    const found = technology === 'a' ? typeA(data, at) : technology === 'b' ? typeB(data, at) : felica(data, at)
    if (!found) return undefined
    targets.push(found.target)
    at = found.next
  }
  return targets
}

type Read = { readonly target: Target; readonly next: number } | undefined

/** Tg, ATQA, SAK, UID length, UID, and for a card of part 4 its ATS, which begins with its own length. */
function typeA(data: Uint8Array, at: number): Read {
  const sak = data[at + 3]
  const length = data[at + 4]
  if (sak === undefined || length === undefined || !UID_LENGTHS.includes(length)) return undefined
  const uid = data.slice(at + 5, at + 5 + length)
  let next = at + 5 + length
  if ((sak & 0x20) !== 0 && next < data.length) next += Math.max(1, data[next] ?? 1)
  return read(uid, length, next, data, length === 4 && uid[0] === RANDOM)
}

/** Tg, ATQB (50, PUPI, seven more), length of the ATTRIB answer, that answer. A PUPI is new at each visit on many cards. */
function typeB(data: Uint8Array, at: number): Read {
  if (data[at + 1] !== 0x50) return undefined
  const next = at + 13 + 1 + (data[at + 13] ?? 0)
  return read(data.slice(at + 2, at + 6), 4, next, data, data[at + 2] === RANDOM)
}

/** Tg, length of the answer (18 or 20), 01, IDm, PMm, perhaps the system code. */
function felica(data: Uint8Array, at: number): Read {
  const length = data[at + 1] ?? 0
  if ((length !== 18 && length !== 20) || data[at + 2] !== 0x01) return undefined
  return read(data.slice(at + 3, at + 11), 8, at + 1 + length, data, false)
}

function read(number: Uint8Array, length: number, next: number, data: Uint8Array, random: boolean): Read {
  if (number.length !== length || next > data.length) return undefined
  // What a chip gives for a card it could not read: nobody's number, and the same for everybody.
  if (number.every((byte) => byte === 0x00) || number.every((byte) => byte === 0xff)) return undefined
  const value = [...number].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join('')
  return { target: { value, random }, next }
}

/** `1.6` of the answer to the firmware question (03, IC, version, revision, features); undefined for another chip. */
export function firmwareIn(data: Uint8Array): string | undefined {
  return data[0] === 0x03 && data[1] === 0x32 && data.length >= 5 ? `${data[2]}.${data[3]}` : undefined
}
