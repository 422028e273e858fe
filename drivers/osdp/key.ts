/** Keys as they stand in a file: 32 hex digits. */

/** Undefined when it is none. */
export function keyOf(written: string): Uint8Array | undefined {
  if (!/^[0-9A-Fa-f]{32}$/.test(written.trim())) return undefined
  return Uint8Array.from(written.trim().match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}
