/** OSDP packets, commands and replies. Pure: no clock, no I/O, no import. [OSDP §n]: sections of this folder's README. */

export interface Reply {
  /** Address of the device, without the reply bit. */
  readonly address: number
  readonly sequence: number
  /** Type of the security block: 0 for none. */
  readonly security: number
  readonly securityData: Uint8Array
  readonly id: number
  /** Without MAC; still encrypted where the block says so. */
  readonly data: Uint8Array
  /** Four bytes, when the block announces them. */
  readonly mac: Uint8Array | undefined
  /** What the MAC counts: everything before it. */
  readonly signed: Uint8Array
}

export interface Decoded {
  readonly replies: readonly Reply[]
  /** Began like a packet and failed its check. */
  readonly bad: number
  readonly discarded: number
}

export type Check = 'crc' | 'checksum'

const SOM = 0x53
const MARK = 0xff
const REPLY_BIT = 0x80
const USES_CRC = 0x04
const HAS_BLOCK = 0x08
/** Of a plain PD; with everything a reader sends, far less. [OSDP §2] */
export const MAX_PACKET = 1_440
const MAC_BYTES = 4
/** Packets of an established session carry a MAC. [OSDP §2] */
const hasMac = (security: number): boolean => security >= 0x15 && security <= 0x18

/** CRC-16, polynomial 1021, initial 1D0F. [OSDP §2] */
export function crc(bytes: Iterable<number>): number {
  let value = 0x1d0f
  for (const byte of bytes) {
    value ^= byte << 8
    for (let bit = 0; bit < 8; bit++) value = ((value & 0x8000 ? (value << 1) ^ 0x1021 : value << 1) & 0xffff) >>> 0
  }
  return value
}

function checksum(bytes: Iterable<number>): number {
  let sum = 0
  for (const byte of bytes) sum += byte
  return (0x100 - (sum & 0xff)) & 0xff
}

export interface Command {
  readonly address: number
  readonly sequence: number
  readonly check: Check
  /** Security block with its length and type in front; empty for none. */
  readonly block?: readonly number[]
  readonly id: number
  readonly data?: Iterable<number>
}

/** A packet up to its MAC or check, its length counting both. [OSDP §2] */
export function head({ address, sequence, check, block = [], id, data = [] }: Command, macBytes = 0): number[] {
  const content = [...block, id, ...data]
  const length = 5 + content.length + macBytes + (check === 'crc' ? 2 : 1)
  const control = sequence | (check === 'crc' ? USES_CRC : 0) | (block.length > 0 ? HAS_BLOCK : 0)
  return [SOM, address, length & 0xff, length >> 8, control, ...content]
}

/** Adds the check, and the mark that wakes the line's drivers. */
export function sealed(bytes: readonly number[], check: Check): Uint8Array {
  const sum = check === 'crc' ? crc(bytes) : checksum(bytes)
  return Uint8Array.from([MARK, ...bytes, sum & 0xff, ...(check === 'crc' ? [sum >> 8] : [])])
}

/** Incremental decoder for replies. After a failed check it goes on one byte behind the false beginning. */
export class ReplyDecoder {
  #held: number[] = []

  get held(): number {
    return this.#held.length
  }

  /** A packet interrupted for 20 ms is none any more. Returns the bytes dropped. [OSDP §1] */
  reset(): number {
    const dropped = this.#held.length
    this.#held = []
    return dropped
  }

  push(bytes: Uint8Array): Decoded {
    const replies: Reply[] = []
    let bad = 0
    let discarded = 0
    for (const byte of bytes) {
      this.#held.push(byte)
      while (this.#held.length > 0) {
        const found = look(this.#held)
        if (found === 'more') break
        if (typeof found === 'object') {
          replies.push(found)
          // Behind a false beginning whole packets may have gathered.
          this.#held = this.#held.slice((this.#held[2] ?? 0) + (this.#held[3] ?? 0) * 256)
          continue
        }
        if (found === 'bad') bad += 1
        discarded += this.#skip()
      }
    }
    return { replies, bad, discarded }
  }

  #skip(): number {
    const next = this.#held.indexOf(SOM, 1)
    const dropped = next === -1 ? this.#held.length : next
    this.#held = this.#held.slice(dropped)
    return dropped
  }
}

function look(held: readonly number[]): Reply | 'more' | 'none' | 'bad' {
  if (held[0] !== SOM) return 'none'
  const [, address, low, high, control] = held
  if (address === undefined) return 'more'
  // Commands of this or another panel are heard on a two-wire bus; they are not for us.
  if ((address & REPLY_BIT) === 0) return 'none'
  if (low === undefined || high === undefined || control === undefined) return 'more'
  const length = high * 256 + low
  const checkBytes = (control & USES_CRC) === 0 ? 1 : 2
  if (length < 6 + checkBytes || length > MAX_PACKET || (control & 0xf0) !== 0) return 'none'
  if (held.length < length) return 'more'
  const counted = held.slice(0, length - checkBytes)
  const told = (held[length - checkBytes] ?? 0) | (checkBytes === 2 ? (held[length - 1] ?? 0) << 8 : 0)
  if (told !== (checkBytes === 2 ? crc(counted) : checksum(counted))) return 'bad'
  return replyOf(counted, control, address & 0x7f) ?? 'bad'
}

function replyOf(counted: readonly number[], control: number, address: number): Reply | undefined {
  const blockLength = (control & HAS_BLOCK) === 0 ? 0 : (counted[5] ?? 0)
  if ((control & HAS_BLOCK) !== 0 && blockLength < 2) return undefined
  const security = blockLength === 0 ? 0 : (counted[6] ?? 0)
  const at = 5 + blockLength
  const end = counted.length - (hasMac(security) ? MAC_BYTES : 0)
  const id = counted[at]
  if (id === undefined || end <= at) return undefined
  return {
    address,
    sequence: control & 0x03,
    security,
    securityData: Uint8Array.from(counted.slice(7, at)),
    id,
    data: Uint8Array.from(counted.slice(at + 1, end)),
    mac: hasMac(security) ? Uint8Array.from(counted.slice(end)) : undefined,
    signed: Uint8Array.from(counted.slice(0, end)),
  }
}

/** [OSDP §3] */
export const COMMAND = { poll: 0x60, id: 0x61, capabilities: 0x62, localStatus: 0x64, led: 0x69, buzzer: 0x6a, keySet: 0x75, challenge: 0x76, serverCryptogram: 0x77 } as const // prettier-ignore
export const REPLY = { ack: 0x40, nak: 0x41, id: 0x45, capabilities: 0x46, localStatus: 0x48, raw: 0x50, formatted: 0x51, keypad: 0x53, challenge: 0x76, initialMac: 0x78, busy: 0x79 } as const // prettier-ignore

/** Times in 100 ms. */
export interface Pattern {
  readonly colour: 'green' | 'red'
  readonly on: number
  readonly off: number
  readonly times: number
}

/** Temporary pattern of LED 0 of reader 0, after which the device's own light returns. [OSDP §3, LED] */
export function ledData({ colour, on, off, times }: Pattern): number[] {
  const total = (on + off) * times
  return [0, 0, 2, on, off, colour === 'red' ? 1 : 2, 0, total & 0xff, total >> 8, 0, 0, 0, 0, 0]
}

export function buzzerData({ on, off, times }: Pattern): number[] {
  return [0, 2, on, off, times]
}

export interface Identity {
  readonly model: string
  readonly serial: string
  readonly firmware: string
}

/** Vendor, model, version, serial (low byte first), firmware; undefined when it is not twelve bytes. [OSDP §3, PDID] */
export function identityIn(data: Uint8Array): Identity | undefined {
  if (data.length !== 12) return undefined
  const hex = (...bytes: readonly (number | undefined)[]): string =>
    bytes.map((byte = 0) => byte.toString(16).toUpperCase().padStart(2, '0')).join('')
  return {
    model: `vendor ${hex(data[2], data[1], data[0])} model ${data[3]}.${data[4]}`,
    serial: hex(data[8], data[7], data[6], data[5]),
    firmware: `${data[9]}.${data[10]}.${data[11]}`,
  }
}

export interface Capabilities {
  readonly leds: number
  readonly buzzer: boolean
  readonly secure: boolean
}

/** Triples of function, compliance and count; unknown ones are skipped. [OSDP §3, PDCAP] */
export function capabilitiesIn(data: Uint8Array): Capabilities {
  const found = new Map<number, readonly [compliance: number, count: number]>()
  for (let at = 0; at + 2 < data.length; at += 3) found.set(data[at] ?? 0, [data[at + 1] ?? 0, data[at + 2] ?? 0])
  const [ledCompliance = 0, leds = 0] = found.get(4) ?? []
  return {
    leds: ledCompliance > 0 ? leds : 0,
    buzzer: (found.get(5)?.[0] ?? 0) > 0,
    secure: (found.get(9)?.[0] ?? 0) > 0,
  }
}

/** The bits of a RAW reply, first sent first; undefined when there are fewer bytes than it claims. [OSDP §3, RAW] */
export function rawBits(data: Uint8Array): string | undefined {
  const count = (data[2] ?? 0) + (data[3] ?? 0) * 256
  if (data.length < 4 || count === 0 || data.length - 4 !== Math.ceil(count / 8)) return undefined
  return [...data.slice(4)]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
    .slice(0, count)
}

/** Keys of a KEYPAD reply: digits, `*` and `#`; undefined when it is not well formed. [OSDP §3, KEYPAD] */
export function keysIn(data: Uint8Array): string | undefined {
  if (data.length < 2 || data[1] !== data.length - 2) return undefined
  const keys = [...data.slice(2)].map((byte) => (byte === 0x7f ? '*' : byte === 0x0d ? '#' : String.fromCharCode(byte)))
  return keys.every((key) => /[0-9*#]/.test(key)) ? keys.join('') : undefined
}

/** Characters of a formatted card; undefined when it is not well formed. [OSDP §3, FMT] */
export function charactersIn(data: Uint8Array): string | undefined {
  if (data.length < 4 || data[2] !== data.length - 3) return undefined
  return String.fromCharCode(...data.slice(3))
}
