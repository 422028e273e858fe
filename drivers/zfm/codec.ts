/**
 * Packets of the EF01 fingerprint modules, and the commands this driver uses. Pure: no clock, no I/O, no import.
 * Templates and images are never asked for: the instructions that would (08, 09, 0A, 0B) do not stand here.
 * Clauses like [ZFM §2] are sections of this folder's README.
 */

export interface Packet {
  /** 01 command, 02 data, 07 acknowledge, 08 last data. */
  readonly pid: number
  readonly payload: Uint8Array
}

export interface Decoded {
  readonly packets: readonly Packet[]
  /** Began like a packet and failed its checksum. */
  readonly bad: number
  /** Bytes that belong to no good packet. */
  readonly discarded: number
}

const HEADER = [0xef, 0x01] as const
/** Header, address, PID and length. [ZFM §2] */
const PREFIX = 9
/** Checksum included; more is no length. [ZFM §2] */
const MAX_LENGTH = 258
const PIDS = [0x01, 0x02, 0x07, 0x08]

/** Bytes of a packet. */
export function packet(address: number, pid: number, payload: readonly number[]): Uint8Array {
  const length = payload.length + 2
  const sum = [pid, length >> 8, length & 0xff, ...payload].reduce((total, byte) => total + byte, 0) & 0xffff
  return Uint8Array.from([
    ...HEADER,
    ...bytes32(address),
    pid,
    length >> 8,
    length & 0xff,
    ...payload,
    sum >> 8,
    sum & 0xff,
  ])
}

/** Incremental decoder for the packets of one address. After a failed check it goes on one byte behind the false header. */
export class PacketDecoder {
  readonly #start: readonly number[]
  #held: number[] = []

  constructor(address: number) {
    // Other modules on the wire, and noise that looks like a header, are told by the address at once.
    this.#start = [...HEADER, ...bytes32(address)]
  }

  /** Bytes kept for the next chunk; never more than a packet. */
  get held(): number {
    return this.#held.length
  }

  push(bytes: Uint8Array): Decoded {
    const packets: Packet[] = []
    let bad = 0
    let discarded = 0
    for (const byte of bytes) {
      this.#held.push(byte)
      // Behind a false beginning whole packets may have gathered.
      while (this.#held.length > 0) {
        const step = this.#look()
        if (step === 'more') break
        if (step === 'good') packets.push(this.#take())
        else {
          if (step === 'bad') bad += 1
          discarded += this.#skip()
        }
      }
    }
    return { packets, bad, discarded }
  }

  /** What stands in `held`: the beginning of a packet, a whole one, one with a wrong sum, or none. */
  #look(): 'more' | 'good' | 'bad' | 'none' {
    const held = this.#held
    const known = Math.min(held.length, this.#start.length)
    for (let at = 0; at < known; at++) if (held[at] !== this.#start[at]) return 'none'
    if (held.length > 6 && !PIDS.includes(held[6] ?? 0)) return 'none'
    if (held.length < PREFIX) return 'more'
    const length = ((held[7] ?? 0) << 8) | (held[8] ?? 0)
    if (length < 3 || length > MAX_LENGTH) return 'none'
    if (held.length < PREFIX + length) return 'more'
    const end = PREFIX + length - 2
    let sum = 0
    for (let at = 6; at < end; at++) sum += held[at] ?? 0
    const told = ((held[end] ?? 0) << 8) | (held[end + 1] ?? 0)
    return (sum & 0xffff) === told ? 'good' : 'bad'
  }

  #take(): Packet {
    const length = ((this.#held[7] ?? 0) << 8) | (this.#held[8] ?? 0)
    const whole = this.#held.splice(0, PREFIX + length)
    return { pid: whole[6] ?? 0, payload: Uint8Array.from(whole.slice(PREFIX, -2)) }
  }

  /** Drops the false beginning, up to the next byte that may begin a packet. */
  #skip(): number {
    const next = this.#held.indexOf(HEADER[0], 1)
    const dropped = next === -1 ? this.#held.length : next
    this.#held = this.#held.slice(dropped)
    return dropped
  }
}

/** Payloads of commands. [ZFM §3] */
export const COMMAND = {
  captureImage: [0x01],
  /** GetImageEx of the R503: says 07 where the plain one says 00 for a poor image. */
  captureImageEx: [0x28],
  combine: [0x05],
  readParameters: [0x0f],
  countTemplates: [0x1d],
  productInfo: [0x3c],
  firmware: [0x3a],
  handshake: [0x40],
  echo: [0x53],
  lightOn: [0x50],
  lightOff: [0x51],
  verifyPassword: (password: number) => [0x13, ...bytes32(password)],
  extractFeatures: (buffer: number) => [0x02, buffer],
  search: (buffer: number, capacity: number) => [0x04, buffer, 0, 0, ...bytes16(capacity)],
  store: (buffer: number, slot: number) => [0x06, buffer, ...bytes16(slot)],
  remove: (slot: number) => [0x0c, ...bytes16(slot), 0, 1],
  indexTable: (page: number) => [0x1f, page],
  setSecurity: (level: number) => [0x0e, 5, level],
  aura: ({ control, speed, colour, times }: Aura) => [0x35, control, speed, colour, times],
} as const

/** The ring of the R503. [ZFM §5.5] */
export interface Aura {
  /** 1 breathing, 2 flashing, 3 on, 4 off. */
  readonly control: number
  readonly speed: number
  /** 1 red, 2 blue, 3 purple, 4 green. */
  readonly colour: number
  /** 0 for ever. */
  readonly times: number
}

/** Confirmation codes that mean something to this driver. [ZFM §4] */
export const CODE = {
  ok: 0x00,
  damaged: 0x01,
  noFinger: 0x02,
  captureFailed: 0x03,
  disordered: 0x06,
  poor: 0x07,
  notFound: 0x09,
  notSame: 0x0a,
  badSlot: 0x0b,
  wrongPassword: 0x13,
  noImage: 0x15,
  full: 0x1f,
  passwordFirst: 0x21,
  sensorBroken: 0x29,
  alive: 0x55,
  unsupported: 0xfc,
} as const

export interface Parameters {
  readonly capacity: number
  readonly security: number
  readonly baudRate: number
  /** Data bytes of a packet. */
  readonly packetBytes: number
}

/** Of the 16 bytes after the code; undefined when there are fewer. [ZFM §5.1] */
export function parametersIn(payload: Uint8Array): Parameters | undefined {
  if (payload.length < 17) return undefined
  const at = (offset: number): number => ((payload[1 + offset] ?? 0) << 8) | (payload[2 + offset] ?? 0)
  return { capacity: at(4), security: at(6), baudRate: at(14) * 9_600, packetBytes: 32 << (at(12) & 3) }
}

/** Occupied slots of one page of the index table. [ZFM §5.2] */
export function slotsIn(payload: Uint8Array, page: number): number[] {
  const slots: number[] = []
  for (let bit = 0; bit < Math.min(256, (payload.length - 1) * 8); bit++)
    if (((payload[1 + (bit >> 3)] ?? 0) >> (bit & 7)) & 1) slots.push(page * 256 + bit)
  return slots
}

/** Slot of a hit. The score's scale differs between firmwares and is not looked at. [ZFM §7] */
export function slotFound(payload: Uint8Array): number | undefined {
  // Code, slot, score.
  if (payload.length < 5) return undefined
  return ((payload[1] ?? 0) << 8) | (payload[2] ?? 0)
}

/** Model and serial number. [ZFM §5.3] */
export function productIn(payload: Uint8Array): { model: string; serial: string } | undefined {
  if (payload.length < 47) return undefined
  const text = (from: number, to: number): string => asciiOf(payload.slice(1 + from, 1 + to))
  return { model: text(0, 16), serial: text(20, 28) }
}

/** Printable characters up to the first 00. */
export function asciiOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  const shown = [...bytes.slice(0, end === -1 ? undefined : end)].filter((byte) => byte >= 0x20 && byte < 0x7f)
  return String.fromCharCode(...shown).trim()
}

function bytes32(value: number): number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
}

function bytes16(value: number): number[] {
  return [(value >> 8) & 0xff, value & 0xff]
}
