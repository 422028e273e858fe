/**
 * Frames of the RDM6300 and ID-12LA families, taken off a byte stream. Pure: no clock, no I/O, no import.
 * Clauses like [RDM6300 §1.2] are sections of this folder's README.
 */

const STX = 0x02
const ETX = 0x03
const CR = 0x0d
const LF = 0x0a
/** Ten characters of tag number and two of checksum. [RDM6300 §1.2] */
const HEX_CHARACTERS = 12
const TAG_CHARACTERS = 10

/** What one piece of the stream brought. */
export interface Decoded {
  /** Tag numbers of whole frames with a right checksum, ten upper-case hex digits each, in order. */
  readonly cards: readonly string[]
  /** Frames that were begun and came to nothing. */
  readonly bad: number
  /** Bytes that belong to no good frame. */
  readonly discarded: number
}

type Step = 'good' | 'more' | 'bad'

/**
 * Incremental decoder. Inside a frame only hex digits, CR, LF and ETX may stand, so the first wrong byte ends the
 * attempt and an STX always begins a new one: a bad frame never swallows the good one that starts within it, and
 * no more than one frame (16 bytes) is ever held.
 */
export class FrameDecoder {
  /** Characters between STX and now; undefined while waiting for STX. */
  #body: string | undefined

  /** Bytes of an unfinished frame that are kept. */
  get held(): number {
    return this.#body === undefined ? 0 : this.#body.length + 1
  }

  push(bytes: Uint8Array): Decoded {
    const cards: string[] = []
    let bad = 0
    let discarded = 0
    for (const byte of bytes) {
      const step = this.#take(byte)
      if (step === 'more') continue
      if (step === 'good') cards.push((this.#body ?? '').slice(0, TAG_CHARACTERS))
      else {
        if (this.#body !== undefined) bad++
        discarded += this.held + (byte === STX ? 0 : 1)
      }
      this.#body = step === 'bad' && byte === STX ? '' : undefined
    }
    return { cards, bad, discarded }
  }

  /** Adds one byte to the frame. `good` and `bad` leave the body for the caller to count and clear. */
  #take(byte: number): Step {
    if (this.#body === undefined) {
      if (byte !== STX) return 'bad'
      this.#body = ''
      return 'more'
    }
    if (!fits(byte, this.#body)) return 'bad'
    if (byte === ETX) return checksumFits(this.#body) ? 'good' : 'bad'
    this.#body += String.fromCharCode(byte).toUpperCase() // Lower case is accepted. [RDM6300 §1.2]
    return 'more'
  }
}

/** May `byte` follow what stands in the frame so far? */
function fits(byte: number, body: string): boolean {
  const at = body.length
  if (at < HEX_CHARACTERS) return isHex(byte)
  if (at === HEX_CHARACTERS) return byte === ETX || byte === CR // ETX ends 14 bytes, CR goes on to 16. [RDM6300 §1.2]
  if (at === HEX_CHARACTERS + 1) return byte === LF
  return byte === ETX
}

function isHex(byte: number): boolean {
  const letter = byte | 0x20
  return (byte >= 0x30 && byte <= 0x39) || (letter >= 0x61 && letter <= 0x66)
}

/** The checksum is b0 ^ b1 ^ b2 ^ b3 ^ b4, so all six bytes together give zero. [RDM6300 §1.2] */
function checksumFits(body: string): boolean {
  let sum = 0
  for (let at = 0; at < HEX_CHARACTERS; at += 2) sum ^= Number.parseInt(body.slice(at, at + 2), 16)
  return sum === 0
}
