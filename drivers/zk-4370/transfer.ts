/** Reads tables of a terminal through its buffer. [ZK4370 §7] Nothing is disabled, nothing is cleared. */
import { DeviceError, ProtocolError, type Moment } from '../../src/driver.js'
import { COMMAND, REPLY, u32, words, type Packet } from './codec.js'
import type { Link } from './link.js'

/** [ZK4370 §7] First byte 1, then command, function, extension. */
export const TABLE = {
  attendance: Uint8Array.of(1, 13, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  users: Uint8Array.of(1, 9, 0, 5, 0, 0, 0, 0, 0, 0, 0),
} as const

/** A terminal copies its whole log before it answers. */
const PREPARE_MS = 60_000
const TRIES = 5
/** One datagram. */
const LEAST_BYTES = 1_024
/** Four bytes that say how long the rest is. */
const HEAD_BYTES = 4

/** Part of a table, and when the last of it arrived. */
interface Piece {
  readonly bytes: Uint8Array
  readonly arrived: Moment
}

/** A table that the terminal holds ready. */
export interface Table {
  /** Bytes of its rows. */
  readonly bytes: number
  /** Rows from this byte on. */
  read(from: number): Promise<Piece>
  /** The terminal may forget it. */
  free(): Promise<void>
}

/** Asks for a table. Throws DeviceError when the terminal has no such thing. */
export async function prepare(link: Link, which: Uint8Array): Promise<Table> {
  const { frame, arrived } = await link.ask(COMMAND.prepareBuffer, which, PREPARE_MS)
  // A small table comes at once and whole. [ZK4370 §7]
  if (frame.command === COMMAND.data) return small(frame.data, arrived)
  if (frame.command !== REPLY.ok) throw refused('its log', frame)
  const size = frame.data.length >= 5 ? u32(frame.data, 1) : 0
  if (size <= HEAD_BYTES) return small(frame.data.subarray(0, 0), arrived)
  return {
    bytes: size - HEAD_BYTES,
    read: (from) => readFrom(link, from, size, arrived),
    free: async () => {
      await link.ask(COMMAND.freeData)
    },
  }
}

function small(data: Uint8Array, arrived: Moment): Table {
  const told = data.length >= HEAD_BYTES ? u32(data, 0) : 0
  const rows = data.subarray(HEAD_BYTES)
  if (told !== rows.length) throw mismatch(rows.length, told)
  return {
    bytes: rows.length,
    read: async (from) => ({ bytes: rows.subarray(from), arrived }),
    free: async () => undefined,
  }
}

/** From the start with the head that tells the length, as all clients do it; from elsewhere without. */
async function readFrom(link: Link, from: number, size: number, prepared: Moment): Promise<Piece> {
  const start = from === 0 ? 0 : HEAD_BYTES + from
  const bytes = new Uint8Array(Math.max(0, size - start))
  let [arrived, length, failures] = [prepared, link.pieceBytes, 0]
  for (let at = start; at < size;) {
    const wanted = Math.min(length, size - at)
    const piece = await link.converse(COMMAND.readBuffer, words(at, wanted), collect(wanted))
    const isWhole = piece.bytes.length === wanted
    failures = isWhole ? 0 : failures + 1
    if (failures === TRIES) throw mismatch(piece.bytes.length, wanted)
    // A datagram was lost: of fewer that is less likely.
    if (!isWhole) length = Math.max(LEAST_BYTES, length / 2)
    else {
      bytes.set(piece.bytes, at - start)
      at += wanted
      arrived = piece.arrived
    }
  }
  if (from === 0 && u32(bytes, 0) !== size - HEAD_BYTES) throw mismatch(size - HEAD_BYTES, u32(bytes, 0))
  return { bytes: from === 0 ? bytes.subarray(HEAD_BYTES) : bytes, arrived }
}

/** Puts PREPARE_DATA, DATA … and ACK_OK together; some terminals send one DATA alone. [ZK4370 §7] */
function collect(wanted: number): (packet: Packet, arrived: Moment) => Piece | undefined {
  let parts: Uint8Array[] = []
  let announced: number | undefined
  const given = (arrived: Moment): Piece => ({ bytes: Uint8Array.from(Buffer.concat(parts)), arrived })
  return (packet, arrived) => {
    switch (packet.command) {
      case COMMAND.prepareData:
        // Again after a repeated question: it begins anew.
        parts = []
        announced = u32(packet.data, 0)
        return undefined
      case COMMAND.data:
        parts.push(packet.data)
        // The acknowledgement that follows answers nobody then.
        return announced === undefined || lengthOf(parts) === wanted ? given(arrived) : undefined
      case REPLY.ok:
        return given(arrived)
      default:
        throw refused('a piece of its log', packet)
    }
  }
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}

function mismatch(got: number, wanted: number): ProtocolError {
  return new ProtocolError('protocol-broken', `the terminal sent ${got} bytes where ${wanted} were announced`, {
    hint: 'its firmware may be too old; switch it off and on, and tell the makers of punchd its model',
  })
}

/** An answer that says no. */
export function refused(what: string, { command }: Packet): DeviceError {
  return new DeviceError('device-refused', `the terminal refuses ${what} (code ${command})`, {
    hint: 'switch it off and on; if that does not help, its firmware does not have what this driver needs',
  })
}
