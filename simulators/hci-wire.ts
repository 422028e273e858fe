/** Bytes between a Bluetooth controller and its host, H4, as the controller sees them. [BLE §3] */
import type { OnAir } from './hci-air.js'

export interface Command {
  readonly opcode: number
  readonly params: Buffer
}

export const OPCODE = {
  reset: 0x0c03,
  readLocalVersion: 0x1001,
  readBdAddr: 0x1009,
  readLeHostSupported: 0x0c6c,
  readLeBufferSize: 0x2002,
  setScanParameters: 0x200b,
  setScanEnable: 0x200c,
  setExtScanEnable: 0x2042,
} as const

/** Takes the commands out of a stream; returns them and what is left of it. */
export function commandsOf(stream: Buffer): { commands: Command[]; rest: Buffer } {
  const commands: Command[] = []
  let rest = stream
  while (rest.length >= 4 && rest.length >= 4 + (rest[3] ?? 0)) {
    const end = 4 + (rest[3] ?? 0)
    if (rest[0] === 0x01) commands.push({ opcode: rest.readUInt16LE(1), params: rest.subarray(4, end) })
    rest = rest.subarray(end)
  }
  return { commands, rest }
}

/** `returned` begins with the status. */
export function commandComplete(opcode: number, returned: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(0x04, 0x0e, 3 + returned.length, 1, opcode & 0xff, opcode >> 8), returned])
}

/** One event with all the reports. Legacy: subevent 02. */
export function legacyReports(reports: readonly OnAir[]): Buffer {
  return leMeta(0x02, reports.map((report) => {
    const { type = 3, data, rssiDbm } = report
    return Buffer.concat([Buffer.of(type), addressOf(report), Buffer.of(data.length), data, Buffer.of(rssiDbm & 0xff)])
  })) // prettier-ignore
}

/** Extended: subevent 0D; each is complete, of a legacy or of an extended PDU. */
export function extendedReports(reports: readonly OnAir[], legacyPdu = true): Buffer {
  return leMeta(0x0d, reports.map((report) => {
    const { data, rssiDbm } = report
    const radio = Buffer.of(0x01, 0x00, 0xff, 0x7f, rssiDbm & 0xff, 0, 0, 0)
    return Buffer.concat([Buffer.of(legacyPdu ? 0x10 : 0x00, 0), addressOf(report), radio, Buffer.alloc(6), Buffer.of(data.length), data]) // prettier-ignore
  })) // prettier-ignore
}

function leMeta(subevent: number, reports: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.of(subevent, reports.length), ...reports])
  if (body.length > 0xff) throw new RangeError('an event has room for 255 bytes')
  return Buffer.concat([Buffer.of(0x04, 0x3e, body.length), body])
}

/** Type, then the address with its last byte first. */
function addressOf({ address, isPublic = false }: OnAir): Buffer {
  return Buffer.concat([Buffer.of(isPublic ? 0 : 1), Buffer.from(address, 'hex').reverse()])
}
