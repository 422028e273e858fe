/** Bytes of the fingerprint twin. */

/** EF 01, address, 07, length, payload, sum of everything behind the address. [ZFM §2] */
export function acknowledgement(payload: readonly number[]): Uint8Array {
  const counted = [0x07, ...split(payload.length + 2), ...payload]
  const sum = counted.reduce((total, byte) => total + byte, 0) % 65_536
  return Uint8Array.from([0xef, 0x01, 0xff, 0xff, 0xff, 0xff, ...counted, ...split(sum)])
}

/** High byte, low byte. */
export function split(value: number): [number, number] {
  return [Math.floor(value / 256), value % 256]
}

export function word(bytes: readonly number[], at: number): number {
  return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)
}

export function padded(text: string, length: number): number[] {
  return Array.from({ length }, (_, at) => (at < text.length ? text.charCodeAt(at) : 0))
}

export function hex(bytes: readonly number[]): string {
  return Buffer.from(bytes).toString('hex')
}
