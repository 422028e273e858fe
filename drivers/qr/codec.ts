/**
 * What GM65 class scanners send and take: code texts with a suffix, commands and replies with a CRC. Pure: no
 * clock, no I/O, no import. Clauses like [QR §2.1] are sections of the fact sheet, told in this folder's README.
 */

export type Suffix = 'cr' | 'lf' | 'crlf' | 'tab' | 'none'

/** The longest code text, in bytes: a QR code of version 40 holds 2953 bytes or 4296 characters. [QR §1] */
export const MAX_CODE_BYTES = 4_096
/** What is kept of a longer line: more than any signed code. */
const KEPT_BYTES = 2_048
const CR = 0x0d
const LF = 0x0a
const ENDS: Readonly<Record<Suffix, number>> = { cr: CR, lf: LF, crlf: LF, tab: 0x09, none: -1 }
/** A signed code at the end of a line; whatever stands before it is noise. Three dots never match: see README. */
const SIGNED_AT_END = /PQ1\.[\w-]{28,700}\.[\w-]{22,86}$/

/** An answer to a command whose CRC is right. */
export interface Reply {
  /** 0 is success; others are refusals (Newland: 1 bad CRC, 3 bad command). [QR §2.2] */
  readonly type: number
  /** Contents of the zones that were read; one 00 after a write. */
  readonly data: readonly number[]
}

/** What one piece of the stream brought. */
export interface Decoded {
  readonly codes: string[]
  readonly replies: Reply[]
  /** Lines that are no UTF-8, too long, or have a zero byte inside. */
  bad: number
  /** Bytes that belong to no line and no reply. */
  discarded: number
}

export interface DecoderOptions {
  readonly suffix: Suffix
  /** Commands are sent, so replies come between the texts. */
  readonly replies?: boolean
  /** Signed codes are looked for behind noise too. */
  readonly signed?: boolean
}

/** Incremental decoder; holds one line and one half reply at most. */
export class ScanDecoder {
  readonly #options: DecoderOptions
  readonly #line = new Uint8Array(MAX_CODE_BYTES)
  #length = 0
  #tooLong = false
  /** A reply that may have begun. */
  #reply: number[] = []
  #out: Decoded = nothing()

  constructor(options: DecoderOptions) {
    this.#options = options
  }

  /** Bytes of an unfinished line or reply that are kept. */
  get held(): number {
    return this.#length + this.#reply.length
  }

  push(bytes: Uint8Array): Decoded {
    for (const byte of bytes) this.#take(byte)
    return this.#given()
  }

  /** The line fell silent: a code without suffix is complete; with a suffix, a half line is given up. */
  silence(): Decoded {
    for (const byte of this.#reply.splice(0)) this.#text(byte)
    if (this.#options.suffix === 'none') this.#end()
    else if (this.#length > 0) {
      this.#out.bad += 1
      this.#clear()
    }
    return this.#given()
  }

  #given(): Decoded {
    const out = this.#out
    this.#out = nothing()
    return out
  }

  /** A scan can come between a command and its reply, without framing: both are looked for everywhere. [QR §2.2] */
  #take(byte: number): void {
    if (this.#options.replies !== true || (this.#reply.length === 0 && byte !== 0x02)) return this.#text(byte)
    this.#reply.push(byte)
    const step = judgeReply(this.#reply)
    if (step === 'more') return
    const bytes = this.#reply
    this.#reply = []
    if (step === 'good') return void this.#out.replies.push({ type: bytes[2] ?? 0, data: bytes.slice(4, -2) })
    // No reply after all: its first byte is text, the others may begin another.
    this.#text(0x02)
    for (const rest of bytes.slice(1)) this.#take(rest)
  }

  #text(byte: number): void {
    const { suffix } = this.#options
    if (byte === ENDS[suffix] && (suffix !== 'crlf' || this.#line[this.#length - 1] === CR)) {
      if (suffix === 'crlf') this.#length -= 1
      return this.#end()
    }
    // The LF of a scanner that was set to CR LF, when CR was expected.
    if (byte === LF && suffix === 'cr' && this.#length === 0) return
    if (this.#length === MAX_CODE_BYTES) {
      this.#line.copyWithin(0, MAX_CODE_BYTES - KEPT_BYTES)
      this.#length = KEPT_BYTES
      this.#out.discarded += MAX_CODE_BYTES - KEPT_BYTES
      this.#tooLong = true
    }
    this.#line[this.#length++] = byte
  }

  #end(): void {
    const line = this.#line.subarray(0, this.#length)
    if (line.length > 0) this.#read(line)
    this.#clear()
  }

  #read(line: Uint8Array): void {
    const signed = this.#options.signed === true ? signedAtEnd(line) : undefined
    if (signed !== undefined) {
      this.#out.discarded += line.length - signed.length
      this.#out.codes.push(signed)
      return
    }
    const text = this.#tooLong ? undefined : codeText(line)
    if (text === undefined) this.#out.bad += 1
    else if (text !== '') this.#out.codes.push(text)
  }

  #clear(): void {
    this.#length = 0
    this.#tooLong = false
  }
}

function nothing(): Decoded {
  return { codes: [], replies: [], bad: 0, discarded: 0 }
}

/** `02 00 | type | len | data | crc`, one or two zones: what this driver asks for. [QR §2.1] */
function judgeReply(bytes: readonly number[]): 'more' | 'good' | 'bad' {
  const [, zero = 0, type = 0, length = 1] = bytes
  if (zero !== 0 || ![0, 1, 3].includes(type) || length < 1 || length > 2) return 'bad'
  if (bytes.length < 4 || bytes.length < length + 6) return 'more'
  const sum = crc16(bytes.slice(2, -2))
  return bytes.at(-2) === sum >> 8 && bytes.at(-1) === (sum & 0xff) ? 'good' : 'bad'
}

function signedAtEnd(line: Uint8Array): string | undefined {
  return SIGNED_AT_END.exec(latin(line.subarray(-KEPT_BYTES)))?.[0]
}

function latin(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

/** Some firmware adds a zero byte to the text: it is taken off. [QR §2.3] Undefined when it is no text. */
function codeText(line: Uint8Array): string | undefined {
  let from = 0
  let to = line.length
  while (from < to && line[from] === 0) from++
  while (to > from && line[to - 1] === 0) to--
  const inner = line.subarray(from, to)
  if (inner.includes(0)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(inner)
  } catch {
    return undefined
  }
}

/** CRC-16, polynomial 1021, initial 0000, neither reflected nor inverted. [QR §2.1] */
export function crc16(bytes: Iterable<number>): number {
  let sum = 0
  for (const byte of bytes) {
    sum ^= byte << 8
    for (let bit = 0; bit < 8; bit++) sum = (sum & 0x8000 ? (sum << 1) ^ 0x1021 : sum << 1) & 0xffff
  }
  return sum
}

function command(type: number, zone: number, data: number): Uint8Array {
  const body = [type, 1, zone >> 8, zone & 0xff, data]
  const sum = crc16(body)
  return Uint8Array.of(0x7e, 0x00, ...body, sum >> 8, sum & 0xff)
}

/** Asks for the content of one zone. [QR §2.1] */
export function readZone(zone: number): Uint8Array {
  return command(7, zone, 1)
}
/** Sets one zone, until the scanner loses its power. [QR §2.2] */
export function writeZone(zone: number, value: number): Uint8Array {
  return command(8, zone, value)
}
/** Keeps the zones over a loss of power. The manual's line lacks a byte; this is the whole one. [QR §2.2] */
export function saveZones(): Uint8Array {
  return command(9, 0, 0)
}
