/**
 * The kernel's input events, taken off a byte stream. Pure: no clock, no I/O, no import.
 * Clauses like [WEDGE §1.1] are sections of this folder's README.
 */

/** Bytes of one `struct input_event`: 24 in a 64-bit process, 16 in a 32-bit one. [WEDGE §1.1] */
export type EventSize = 16 | 24

export const TYPE = { syn: 0x00, key: 0x01, led: 0x11 } as const
/** Codes of TYPE.syn. [WEDGE §1.2] */
export const SYN = { report: 0, dropped: 3 } as const

export interface InputEvent {
  /** The kernel's time of the event in microseconds since 1970. */
  readonly timeUs: number
  readonly type: number
  readonly code: number
  readonly value: number
}

/** What one piece of the stream brought. `gap`: bytes are missing or wrong at this place. */
export interface Decoded {
  readonly events: readonly (InputEvent | 'gap')[]
  /** Bytes that belong to no event. */
  readonly discarded: number
}

const SECOND_US = 1_000_000
const LAST_KEY_CODE = 0x2ff

/**
 * Incremental decoder. The kernel gives whole events and nothing else, so this costs nothing there; over a network
 * anything can come. An event has no start byte and no checksum, but hardly any other 24 bytes look like one: where
 * they do not, the search goes on from the next byte. The event before is looked at again then, because the first
 * bytes of the next one make up for the last ones of one that was cut.
 */
export class EventDecoder {
  readonly #size: EventSize
  /** The last event, if given, and what came behind it. */
  #kept = new Uint8Array(0)
  #given = false

  constructor(size: EventSize) {
    this.#size = size
  }

  /** Bytes kept for the next piece: less than two events. */
  get held(): number {
    return this.#kept.length
  }

  push(bytes: Uint8Array): Decoded {
    const size = this.#size
    const all = joined(this.#kept, bytes)
    const view = new DataView(all.buffer, all.byteOffset, all.length)
    const events: (InputEvent | 'gap')[] = []
    let discarded = 0
    let at = this.#given ? size : 0
    while (all.length - at >= size) {
      if (isEvent(view, at, size)) {
        events.push(eventAt(view, at, size))
        this.#given = true
        at += size
        continue
      }
      const from = this.#given ? at - size : at
      const next = nextEvent(view, from + 1, size)
      discarded += next < at ? next - from : next - at
      events.push('gap')
      this.#given = false
      at = next
    }
    this.#kept = all.slice(this.#given ? at - size : at)
    return { events, discarded }
  }
}

/** The first place from `at` on where an event can stand, or where one could begin with the bytes to come. */
function nextEvent(view: DataView, at: number, size: EventSize): number {
  let next = at
  while (view.byteLength - next >= size && !isEvent(view, next, size)) next++
  return next
}

/** Does what stands at `at` look like an event of a keyboard? [WEDGE §1.2] */
function isEvent(view: DataView, at: number, size: EventSize): boolean {
  const micros = at + (size === 24 ? 8 : 4)
  if (view.getUint32(micros, true) >= SECOND_US) return false
  // Seconds and microseconds of eight bytes each: the upper halves are zero until 2106.
  if (size === 24 && (view.getUint32(at + 4, true) !== 0 || view.getUint32(at + 12, true) !== 0)) return false
  const { type, code, value } = tailAt(view, at + size - 8)
  return fits(type, code, value)
}

function fits(type: number, code: number, value: number): boolean {
  switch (type) {
    case TYPE.syn:
      return (code === SYN.report || code === SYN.dropped) && (value === 0 || value === 1)
    case TYPE.key:
      return code > 0 && code <= LAST_KEY_CODE && value >= 0 && value <= 2
    case 0x02: // EV_REL: a scanner may be a mouse too.
      return code <= 0x0f
    case 0x03: // EV_ABS
      return code <= 0x3f
    case 0x04: // EV_MSC: the scan code comes before each key.
      return code <= 0x07
    case TYPE.led:
      return code <= 0x0f && (value === 0 || value === 1)
    case 0x14: // EV_REP
      return code <= 1 && value >= 0
    default:
      return false
  }
}

function eventAt(view: DataView, at: number, size: EventSize): InputEvent {
  const micros = view.getUint32(at + (size === 24 ? 8 : 4), true)
  return { timeUs: view.getUint32(at, true) * SECOND_US + micros, ...tailAt(view, at + size - 8) }
}

/** The last eight bytes of an event are the same in both sizes. */
function tailAt(view: DataView, at: number): { type: number; code: number; value: number } {
  return { type: view.getUint16(at, true), code: view.getUint16(at + 2, true), value: view.getInt32(at + 4, true) }
}

function joined(kept: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (kept.length === 0) return bytes
  const all = new Uint8Array(kept.length + bytes.length)
  all.set(kept)
  all.set(bytes, kept.length)
  return all
}
