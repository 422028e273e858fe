/** What the fuzz chapter needs to know about a driver's codec: one small file per driver in this folder. */

/** A decoder as the driver makes one for each run. */
export interface OpenCodec {
  /**
   * Takes a piece of the wire; returns what the driver could make sightings of: card numbers, or the content of frames
   * as upper-case hex.
   */
  feed(piece: Uint8Array): readonly string[]
  /** Bytes kept for the next piece. */
  readonly held: number
}

export interface Codec {
  /** Name of the driver: its vectors.json is what inputs are made from. */
  readonly driver: string
  /** More bytes it must never keep. */
  readonly maxHeld: number
  /** True where every input is one whole message, such as the answer to an APDU: it is never cut. */
  readonly whole?: boolean
  open(): OpenCodec
  /**
   * Whether the bytes bear this claim out: they hold a frame with a right check that says so. Found by trying every
   * place, with no code of the driver. Only for what has a check: without one, that the bytes say so.
   */
  bears(bytes: Uint8Array, claim: string): boolean
}

/** What `bears` can look for where a text has no check of its own: its characters, in order, perhaps with others between. */
export function standsInOrder(bytes: Uint8Array, text: string): boolean {
  let at = -1
  for (const byte of Buffer.from(text)) {
    at = bytes.indexOf(byte, at + 1)
    if (at === -1) return false
  }
  return true
}

export function hexOf(bytes: Iterable<number>): string {
  return Buffer.from([...bytes])
    .toString('hex')
    .toUpperCase()
}

export function sumOf(bytes: Iterable<number>): number {
  let sum = 0
  for (const byte of bytes) sum += byte
  return sum
}

/** Every place at which `length` bytes can begin, with what follows from there on. */
export function* places(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at)
}
