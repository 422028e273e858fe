/** Frames of the PN532 on its UART. Pure: no clock, no I/O, no import. Clauses [PN532 §n] are sections of this folder's README. */

export type Frame =
  | { readonly kind: 'ack' | 'nack' | 'error' }
  /** `data` begins with the reply code: command + 1. */
  | { readonly kind: 'data'; readonly data: Uint8Array }
  /** Began with the start code and failed a check: the chip can be asked for it again. */
  | { readonly kind: 'bad' }

export interface Decoded {
  readonly frames: readonly Frame[]
  /** Bytes that belong to no good frame. Zeros are filler before, between and behind frames [PN532 §2] and do not count. */
  readonly discarded: number
}

type Found = { readonly frame: Frame; readonly length: number } | 'more' | 'none' | 'bad'

const TO_CHIP = 0xd4
const FROM_CHIP = 0xd5
/** The error frame is `01 FF 7F 81`: the only one without D4 or D5. [PN532 §2] */
const REFUSED = 0x7f
/** The chip's own limit of TFI and data. [PN532 §2] */
const MOST_DATA = 265

/** Sent before the first frame, as the chip may sleep. [PN532 §1] */
export const WAKE_UP = Uint8Array.from([0x55, 0x55, ...Array.from({ length: 14 }, () => 0)])
/** From the host: ends whatever the chip is at. [PN532 §2] */
export const ACK = Uint8Array.of(0x00, 0x00, 0xff, 0x00, 0xff, 0x00)
/** From the host: send the last answer again. [PN532 §2] */
export const NACK = Uint8Array.of(0x00, 0x00, 0xff, 0xff, 0x00, 0x00)

/** 00 00 FF, length, its complement, D4 and the command, complement of their sum, 00. For commands below 255 bytes. [PN532 §2] */
export function frame(command: readonly number[]): Uint8Array {
  const body = [TO_CHIP, ...command]
  const head = [0x00, 0x00, 0xff, body.length, complement(body.length)]
  return Uint8Array.from([...head, ...body, complement(sumOf(body)), 0x00])
}

function complement(value: number): number {
  return (0x100 - (value & 0xff)) & 0xff
}

function sumOf(bytes: readonly number[]): number {
  return bytes.reduce((sum, byte) => sum + byte, 0)
}

/** Incremental decoder. What fails a check costs one byte: a good frame may begin right behind it. */
export class FrameDecoder {
  #held: number[] = []

  /** Bytes kept for the next chunk: less than one frame. */
  get held(): number {
    return this.#held.length
  }

  /** A frame has begun and is not whole. */
  get isInside(): boolean {
    return this.#held.length > 1
  }

  /** Lets go of a frame whose end will not come; returns its bytes, for the count of the discarded. */
  reset(): number {
    const { length } = this.#held.filter((byte) => byte !== 0)
    this.#held = []
    return length
  }

  push(bytes: Uint8Array): Decoded {
    const frames: Frame[] = []
    let discarded = 0
    for (const byte of bytes) {
      this.#held.push(byte)
      while (this.#held.length > 0) {
        const found = look(this.#held)
        if (found === 'more') break
        if (typeof found === 'object') {
          frames.push(found.frame)
          this.#held.splice(0, found.length)
          continue
        }
        if (found === 'bad') frames.push({ kind: 'bad' })
        if (this.#held.shift() !== 0) discarded += 1
      }
    }
    return { frames, discarded }
  }
}

/** What stands at the beginning: start code 00 FF, then one of five forms. [PN532 §2] */
function look(held: readonly number[]): Found {
  if (held[0] !== 0x00) return 'none'
  if (held.length < 2) return 'more'
  if (held[1] !== 0xff) return 'none'
  if (held.length < 4) return 'more'
  const length = held[2] ?? 0
  const check = held[3] ?? 0
  if (length === 0x00 && check === 0xff) return { frame: { kind: 'ack' }, length: 4 }
  if (length === 0xff && check === 0x00) return { frame: { kind: 'nack' }, length: 4 }
  if (length === 0xff && check === 0xff) return lookExtended(held)
  if (((length + check) & 0xff) !== 0) return 'bad'
  return lookInside(held, 4, length)
}

/** 00 FF FF FF, two bytes of length, complement of their sum. [PN532 §2] */
function lookExtended(held: readonly number[]): Found {
  if (held.length < 7) return 'more'
  const high = held[4] ?? 0
  const low = held[5] ?? 0
  if (((high + low + (held[6] ?? 0)) & 0xff) !== 0) return 'bad'
  return lookInside(held, 7, high * 0x100 + low)
}

function lookInside(held: readonly number[], from: number, length: number): Found {
  if (length === 0 || length > MOST_DATA) return 'bad'
  const first = held[from]
  // Whatever else stands here is no frame of a chip: a length that fits by chance shall hold nothing up.
  if (first !== undefined && first !== FROM_CHIP && !(length === 1 && first === REFUSED)) return 'bad'
  const end = from + length
  if (held.length <= end) return 'more'
  const content = held.slice(from, end)
  if (((sumOf(content) + (held[end] ?? 0)) & 0xff) !== 0) return 'bad'
  if (first === REFUSED) return { frame: { kind: 'error' }, length: end + 1 }
  // D5 alone answers nothing.
  if (length === 1) return 'bad'
  return { frame: { kind: 'data', data: Uint8Array.from(content.slice(1)) }, length: end + 1 }
}
