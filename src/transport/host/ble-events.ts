/**
 * HCI events before noble sees them. noble reads a cut event beyond its end, which is an exception in a callback of native
 * code, and takes the bytes of the next report of an extended event for the end of this one. So each event is
 * measured first, and reports are handed over one by one. [BLE §3, §4] Pure.
 */
const EVENT = 0x04
const LE_META = 0x3e
const LEGACY = 0x02
const EXTENDED = 0x0d
/** Packet type, event code, length, subevent, number of reports. */
const HEAD = 5
/** Where a report has the length of its data, and how many bytes follow the data. */
const SHAPES: Readonly<Record<number, { readonly lengthAt: number; readonly behind: number }>> = {
  [LEGACY]: { lengthAt: 8, behind: 1 },
  [EXTENDED]: { lengthAt: 23, behind: 0 },
}

/** The packet as noble can read it: itself, or one event for each report. Undefined when it is cut or lies about its length. */
export function readable(packet: Buffer): Buffer[] | undefined {
  if (packet.length === 0) return undefined
  if (packet[0] !== EVENT) return [packet]
  if (packet.length < 3 || packet[2] !== packet.length - 3) return undefined
  if (packet[1] !== LE_META) return [packet]
  const shape = SHAPES[packet[3] ?? 0]
  if (!shape) return packet.length < HEAD ? undefined : [packet]
  return reports(packet, shape)
}

function reports(packet: Buffer, { lengthAt, behind }: { lengthAt: number; behind: number }): Buffer[] | undefined {
  const number = packet[HEAD - 1] ?? 0
  const events: Buffer[] = []
  let at = HEAD
  for (let nth = 0; nth < number; nth++) {
    const data = packet[at + lengthAt]
    if (data === undefined) return undefined
    const end = at + lengthAt + 1 + data + behind
    if (end > packet.length) return undefined
    const report = packet.subarray(at, end)
    events.push(Buffer.concat([Buffer.of(EVENT, LE_META, report.length + 2, packet[3] ?? 0, 1), report]))
    at = end
  }
  return number > 0 && at === packet.length ? events : undefined
}
