/**
 * Twin of an RDM6300 or ID-12LA: a card in the field makes it send, nothing else does. Written from the
 * datasheet; it shares no code with the driver. Clauses: drivers/rdm6300/README.md.
 */
import type { Clock } from '../src/driver.js'
import type { Delivery, Line } from './line.js'

export type Rdm6300Form = 'rdm6300' | 'id12la'

export interface Rdm6300Options {
  readonly clock: Clock
  readonly line: Line
  readonly form?: Rdm6300Form
  /** Pause between two frames of a held card; 50 to 65 ms on real modules. [RDM6300 §1.2] */
  readonly repeatMs?: number
}

/** What became of one card on the field. */
export interface Presentation {
  frames: number
  /** Frames that went out undamaged. With none, no driver can have seen the card. */
  whole: number
}

const REPEAT_MS = 65
/** How long a person holds a card. */
const TAP_MS = 300

export class Rdm6300 {
  readonly #clock: Clock
  readonly #line: Line
  readonly #form: Rdm6300Form
  readonly #repeatMs: number
  #field: AbortController | undefined

  constructor({ clock, line, form = 'rdm6300', repeatMs = REPEAT_MS }: Rdm6300Options) {
    this.#clock = clock
    this.#line = line
    this.#form = form
    this.#repeatMs = repeatMs
  }

  /** Lays a card on the field; its first frame leaves at once. A card already there is taken off. */
  put(tag: string): Presentation {
    this.remove()
    const frame = tagFrame(tag, this.#form)
    const presentation: Presentation = { frames: 0, whole: 0 }
    const field = new AbortController()
    this.#field = field
    this.#sendFrame(frame, presentation)
    // An ID-12LA speaks once; the card must leave the field before it speaks again. [RDM6300 §1.2]
    if (this.#form === 'rdm6300') void this.#repeat(frame, presentation, field.signal)
    return presentation
  }

  /** Takes the card off: the line falls silent, which is all a host can notice. [RDM6300 §1.1] */
  remove(): void {
    this.#field?.abort()
    this.#field = undefined
  }

  /** A person's gesture: on, held, off. Resolves when the card is off. */
  async tap(tag: string, holdMs = TAP_MS): Promise<Presentation> {
    const presentation = this.put(tag)
    await this.#clock.sleep(holdMs, this.#field?.signal)
    this.remove()
    return presentation
  }

  async #repeat(frame: Uint8Array, presentation: Presentation, signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#clock.sleep(this.#repeatMs, signal)
      if (signal.aborted) return
      this.#sendFrame(frame, presentation)
    }
  }

  #sendFrame(frame: Uint8Array, presentation: Presentation): void {
    const delivery: Delivery = this.#line.send(frame)
    presentation.frames++
    if (delivery === 'whole') presentation.whole++
  }
}

/** STX, ten characters of tag, two of checksum, (CR, LF,) ETX. [RDM6300 §1.2] */
export function tagFrame(tag: string, form: Rdm6300Form): Uint8Array {
  if (!/^[0-9A-F]{10}$/.test(tag)) throw new RangeError('a tag number is ten upper-case hex digits')
  const checksum = Buffer.from(tag, 'hex').reduce((sum, byte) => sum ^ byte, 0)
  const characters = tag + checksum.toString(16).toUpperCase().padStart(2, '0')
  const tail = form === 'id12la' ? '\r\n\x03' : '\x03'
  return Uint8Array.from(Buffer.from(`\x02${characters}${tail}`, 'latin1'))
}
