/**
 * Packets of the ZK standalone protocol, as datagrams and as a TCP stream, and its scrambled key and packed times. Pure:
 * no clock, no I/O, no import. Clauses like [ZK4370 §1] are sections of the fact sheet, told in this folder's README.
 */

/** [ZK4370 §2] */
export const COMMAND = {
  connect: 1000,
  exit: 1001,
  testVoice: 1017,
  version: 1100,
  auth: 1102,
  prepareData: 1500,
  data: 1501,
  freeData: 1502,
  prepareBuffer: 1503,
  readBuffer: 1504,
  option: 11,
  freeSizes: 50,
  getTime: 201,
  registerEvents: 500,
} as const
/** [ZK4370 §2] */
export const REPLY = { ok: 2000, error: 2001, retry: 2003, repeat: 2004, unauthorised: 2005 } as const

/** The whole of a small table comes in one packet; a piece of a large one is asked for by length. [ZK4370 §7] */
export const MAX_DATA_BYTES = 65_536
const HEADER_BYTES = 8
const PREFIX_BYTES = 8
const MAGIC = [0x50, 0x50, 0x82, 0x7d] as const
export const MAX_FRAME_BYTES = PREFIX_BYTES + HEADER_BYTES + MAX_DATA_BYTES

export interface Packet {
  readonly command: number
  readonly session: number
  readonly reply: number
  readonly data: Uint8Array
}

/** What one piece of the stream brought. */
export interface Decoded {
  readonly packets: Packet[]
  /** Frames of the right form whose checksum is wrong. */
  bad: number
  /** Bytes that belong to no frame. */
  discarded: number
}

/** Little-endian reads; beyond the end there are zeros, so that a short packet is no exception. */
export function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
}
export function u32(bytes: Uint8Array, at: number): number {
  return (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0
}
/** Little-endian, four bytes each. */
export function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4)
  values.forEach((value, index) => {
    for (let byte = 0; byte < 4; byte++) bytes[index * 4 + byte] = (value >>> (byte * 8)) & 0xff
  })
  return bytes
}
/** Text up to the first zero byte. */
export function textOf(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    if (byte === 0) break
    text += String.fromCharCode(byte)
  }
  return text
}

/** Ones' complement sum of 16-bit words, of a packet whose own checksum counts as zero. [ZK4370 §1] */
export function checksum(packet: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < packet.length; at += 2) if (at !== 2) sum += u16(packet, at)
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}

/** One packet as it goes into a datagram. [ZK4370 §1] */
export function packetBytes({ command, session, reply, data }: Packet): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + data.length)
  bytes.set([command & 0xff, command >> 8, 0, 0, session & 0xff, session >> 8, reply & 0xff, reply >> 8])
  bytes.set(data, HEADER_BYTES)
  const sum = checksum(bytes)
  bytes.set([sum & 0xff, sum >> 8], 2)
  return bytes
}

/** The same for TCP: magic and length before it. [ZK4370 §1] */
export function frameBytes(packet: Packet): Uint8Array {
  const inner = packetBytes(packet)
  return Uint8Array.from([...MAGIC, ...words(inner.length), ...inner])
}

/** The packet of a datagram; undefined when it is none or its checksum is wrong. */
export function packetOf(bytes: Uint8Array): Packet | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const [told, right] = [u16(bytes, 2), checksum(bytes)]
  // Clients compute the sum in two ways that differ in nothing but how they write zero.
  if (told !== right && (told + right !== 0xffff || told * right !== 0)) return undefined
  return { command: u16(bytes, 0), session: u16(bytes, 4), reply: u16(bytes, 6), data: bytes.slice(HEADER_BYTES) }
}

/** Incremental decoder of the TCP stream: frames cut and joined anywhere, noise between them. */
export class StreamDecoder {
  #buffer = new Uint8Array(1_024)
  #length = 0
  #out: Decoded = { packets: [], bad: 0, discarded: 0 }

  /** Bytes of an unfinished frame that are kept. */
  get held(): number {
    return this.#length
  }

  push(bytes: Uint8Array): Decoded {
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.subarray(at, at + MAX_FRAME_BYTES - this.#length)
      this.#grow(this.#length + piece.length)
      this.#buffer.set(piece, this.#length)
      this.#length += piece.length
      at += piece.length
      this.#parse()
    }
    return this.#given()
  }

  /** The rest of a half frame never came: it is looked through for others, then forgotten. */
  giveUp(): Decoded {
    while (this.#length > 0) {
      this.#out.discarded += 1
      this.#buffer.copyWithin(0, 1, this.#length)
      this.#length -= 1
      this.#parse()
    }
    return this.#given()
  }

  #given(): Decoded {
    const out = this.#out
    this.#out = { packets: [], bad: 0, discarded: 0 }
    return out
  }

  #grow(needed: number): void {
    if (needed <= this.#buffer.length) return
    const larger = new Uint8Array(Math.min(MAX_FRAME_BYTES, Math.max(needed, this.#buffer.length * 2)))
    larger.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = larger
  }

  #parse(): void {
    let at = 0
    for (;;) {
      const start = this.#magicFrom(at)
      this.#out.discarded += start - at
      at = start
      if (this.#length - at < PREFIX_BYTES) break
      const length = u32(this.#buffer, at + 4)
      if (length < HEADER_BYTES || length > HEADER_BYTES + MAX_DATA_BYTES) {
        this.#out.discarded += 1
        at += 1
        continue
      }
      const end = at + PREFIX_BYTES + length
      if (end > this.#length) break
      const packet = packetOf(this.#buffer.subarray(at + PREFIX_BYTES, end))
      if (packet) this.#out.packets.push(packet)
      else this.#out.bad += 1
      // A wrong length swallows the frames behind it: they are looked for inside.
      at = packet ? end : at + MAGIC.length
    }
    if (at > 0) this.#buffer.copyWithin(0, at, this.#length)
    this.#length -= at
  }

  /** Where the magic stands from `at` on, or may have begun at the end. */
  #magicFrom(at: number): number {
    for (let start = at; start < this.#length; start++) {
      const end = Math.min(start + MAGIC.length, this.#length)
      let same = start
      while (same < end && this.#buffer[same] === MAGIC[same - start]) same++
      if (same === end) return start
    }
    return this.#length
  }
}

const TICKS = 50

/** The answer to "unauthorised": the key, scrambled with the session id. [ZK4370 §3] */
export function scrambledKey(key: number, session: number): Uint8Array {
  let reversed = 0
  for (let bit = 0; bit < 32; bit++) reversed = ((reversed << 1) | ((key >>> bit) & 1)) >>> 0
  const mixed = words(reversed + session).map((byte, index) => byte ^ ('ZKSO'.codePointAt(index) ?? 0))
  const [, b1 = 0, b2 = 0, b3 = 0] = mixed
  // The halves change places; where the low byte would stand, the ticks do. [ZK4370 §3]
  return Uint8Array.of(b2 ^ TICKS, b3 ^ TICKS, TICKS, b1 ^ TICKS)
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** `2026-11-23 08:57:31` of a packed time; undefined for what no calendar has. [ZK4370 §4] */
export function timeOf(packed: number): string | undefined {
  const second = packed % 60
  const minute = Math.floor(packed / 60) % 60
  const hour = Math.floor(packed / 3_600) % 24
  const days = Math.floor(packed / 86_400)
  return localText([Math.floor(days / 372), (Math.floor(days / 31) % 12) + 1, (days % 31) + 1, hour, minute, second])
}

/** The same of six bytes, as live events have it. */
export function localText(parts: ArrayLike<number>): string | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = Array.from(parts)
  const leap = month === 2 && year % 4 === 0 ? 1 : 0
  const last = (DAYS[month - 1] ?? 0) + leap
  if (year > 99 || day < 1 || day > last || hour > 23 || minute > 59 || second > 59) return undefined
  const two = (value: number): string => String(value).padStart(2, '0')
  return `20${two(year)}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}:${two(second)}`
}
