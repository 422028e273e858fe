/** Checks of OSDP packets, for the twin. */

/** CRC-16 AUG-CCITT, table of one bit at a time; or the two's complement of the sum. [OSDP §2] */
function check(bytes: Buffer, control: number): Buffer {
  if ((control & 4) === 0) return Buffer.of((256 - (bytes.reduce((sum, byte) => sum + byte, 0) % 256)) % 256)
  let value = 0x1d0f
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const carry = ((value >> 15) & 1) !== ((byte >> bit) & 1)
      value = (value * 2) % 65_536
      if (carry) value ^= 0x1021
    }
  }
  return Buffer.of(value % 256, Math.floor(value / 256))
}

/** True for a packet whose check is right. */
export function checkFits(packet: Buffer): boolean {
  const end = packet.length - (((packet[4] ?? 0) & 4) === 0 ? 1 : 2)
  return check(packet.subarray(0, end), packet[4] ?? 0).equals(packet.subarray(end))
}

/** Fills in the length where it was left open, and adds the check. */
export function withCheck(bytes: Buffer): Buffer {
  const control = bytes[4] ?? 0
  if (bytes.readUInt16LE(2) === 0) bytes.writeUInt16LE(bytes.length + ((control & 4) === 0 ? 1 : 2), 2)
  return Buffer.concat([bytes, check(bytes, control)])
}

/** An old answer under a new number, with a right check: what somebody at the wires could send. */
export function renumbered(answer: Buffer, control: number): Buffer {
  const bytes = Buffer.from(answer.subarray(0, (control & 4) === 0 ? -1 : -2))
  bytes[4] = ((bytes[4] ?? 0) & ~3) | (control & 3)
  return withCheck(bytes)
}
