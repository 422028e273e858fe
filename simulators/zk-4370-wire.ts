/** Packets of a port 4370 terminal as its firmware sees them: framing, sum, key, packed time. A second reading of the sheet. */

/** What a host asked. */
export interface Asked {
  readonly command: number
  readonly session: number
  readonly id: number
  readonly data: Buffer
}

const TCP_TOP = Buffer.from('5050827d', 'hex')

/** [ZK4370 §1] All words added, carries folded in, inverted; the field of the sum itself counts as zero. */
function sumOf(packet: Buffer): number {
  const even = packet.length % 2 === 0 ? Buffer.from(packet) : Buffer.concat([packet, Buffer.alloc(1)])
  even.writeUInt16LE(0, 2)
  let sum = 0
  for (let at = 0; at < even.length; at += 2) {
    sum += even.readUInt16LE(at)
    sum = (sum & 0xffff) + (sum >>> 16)
  }
  return 0xffff - sum
}

/** One packet; `tcp` puts the length before it. */
export function wirePacket(
  mode: 'tcp' | 'udp',
  command: number,
  session: number,
  id: number,
  data: Uint8Array,
): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt16LE(command, 0)
  head.writeUInt16LE(session, 4)
  head.writeUInt16LE(id, 6)
  const packet = Buffer.concat([head, data])
  packet.writeUInt16LE(sumOf(packet), 2)
  if (mode === 'udp') return packet
  const length = Buffer.alloc(4)
  length.writeUInt32LE(packet.length)
  return Buffer.concat([TCP_TOP, length, packet])
}

/** Undefined for what a terminal ignores: too short, or a wrong sum. [ZK4370 §8] */
function askedOf(packet: Buffer): Asked | undefined {
  if (packet.length < 8) return undefined
  const told = packet.readUInt16LE(2)
  if ((told ^ sumOf(packet)) % 0xffff !== 0) return undefined
  return {
    command: packet.readUInt16LE(0),
    session: packet.readUInt16LE(4),
    id: packet.readUInt16LE(6),
    data: packet.subarray(8),
  }
}

/** Takes what a host writes, and gives its questions. */
export class HostStream {
  readonly #mode: 'tcp' | 'udp'
  #waiting = Buffer.alloc(0)

  constructor(mode: 'tcp' | 'udp') {
    this.#mode = mode
  }

  take(bytes: Uint8Array): Asked[] {
    if (this.#mode === 'udp') return [askedOf(Buffer.from(bytes))].filter((asked) => asked !== undefined)
    this.#waiting = Buffer.concat([this.#waiting, bytes])
    const all: Asked[] = []
    while (this.#waiting.length >= 8) {
      // A real one closes the connection here; what follows cannot be understood any more.
      if (!this.#waiting.subarray(0, 4).equals(TCP_TOP)) this.#waiting = Buffer.alloc(0)
      else if (this.#waiting.length < 8 + this.#waiting.readUInt32LE(4)) break
      else {
        const end = 8 + this.#waiting.readUInt32LE(4)
        const asked = askedOf(this.#waiting.subarray(8, end))
        if (asked) all.push(asked)
        this.#waiting = this.#waiting.subarray(end)
      }
    }
    return all
  }

  /** Another host is connected. */
  forget(): void {
    this.#waiting = Buffer.alloc(0)
  }
}

/** What a host must send that knows the key. [ZK4370 §3] */
export function keyFor(key: number, session: number): Buffer {
  const bits = key.toString(2).padStart(32, '0')
  const turned = Number.parseInt(Array.from(bits).reverse().join(''), 2)
  const mixed = Buffer.alloc(4)
  mixed.writeUInt32LE((turned + session) % 2 ** 32)
  const veiled = mixed.map((byte, at) => byte ^ Buffer.from('ZKSO').readUInt8(at))
  const [low = 0, lower = 0] = veiled.subarray(2)
  return Buffer.from([low ^ 50, lower ^ 50, 50, (veiled[1] ?? 0) ^ 50])
}

/** Local date and time of the terminal, in six numbers. */
export function localParts(wall: number): [number, number, number, number, number, number] {
  const date = new Date(wall)
  return [
    date.getUTCFullYear() - 2_000,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  ]
}

/** [ZK4370 §4] */
export function packedTime([year, month, day, hour, minute, second]: readonly [
  number,
  number,
  number,
  number,
  number,
  number,
]): number {
  return ((year * 12 + month - 1) * 31 + day - 1) * 86_400 + hour * 3_600 + minute * 60 + second
}
