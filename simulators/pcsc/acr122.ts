/**
 * The front of an ACR122U: two lights and a buzzer, as far as the "ACR122U API" manual tells. Written from the
 * datasheet; shares no code with the driver. Clauses: drivers/pcsc/README.md.
 */

/** One obeyed LED and buzzer command, as a person at the door would tell it. */
export interface Shown {
  readonly flash: 'red' | 'green' | 'both' | 'none'
  readonly onMs: number
  readonly offMs: number
  readonly times: number
  readonly beeps: number
}

const FIRMWARE = 'ACR122U214'
const UNIT_MS = 100
/** Commands remembered; tests look at the last few. */
const MAX_SHOWN = 256

export class Acr122Front {
  red = false
  /** Vendor examples start from green on. [PCSC §4.2] */
  green = true
  buzzesOnDetect = true
  /** Everything shown so far, oldest first. */
  readonly shown: Shown[] = []
  /** Sum of the time the reader would have been busy blinking. */
  busyMs = 0

  /** Answers a command to the reader itself; undefined when it is meant for the card. */
  answer(apdu: Uint8Array): Uint8Array | undefined {
    const [cla, ins, p1, p2] = apdu
    if (cla !== 0xff || ins !== 0x00) return undefined
    // Ten characters and no status word. [PCSC §4.2]
    if (p1 === 0x48) return Uint8Array.from(Buffer.from(FIRMWARE, 'latin1'))
    if (p1 === 0x40) return this.#lights(apdu)
    if (p1 === 0x52) return this.#detection(p2)
    if (p1 === 0x50 || p1 === 0x51 || p1 === 0x41) return Uint8Array.of(0x90, 0x00)
    return Uint8Array.of(0x6a, 0x81)
  }

  #detection(p2: number | undefined): Uint8Array {
    this.buzzesOnDetect = p2 !== 0x00
    return Uint8Array.of(0x90, 0x00)
  }

  #lights(apdu: Uint8Array): Uint8Array {
    const [, , , state = 0, lc, on = 0, off = 0, times = 0, buzzer = 0] = apdu
    if (apdu.length !== 9 || lc !== 4) return Uint8Array.of(0x63, 0x00)
    const bit = (index: number): boolean => ((state >> index) & 1) === 1
    // The buzzer link counts only when something is repeated. [PCSC §4.2]
    const beeps = times * ((buzzer & 1) + ((buzzer >> 1) & 1))
    this.shown.push({ flash: colours(bit(6), bit(7)), onMs: on * UNIT_MS, offMs: off * UNIT_MS, times, beeps })
    if (this.shown.length > MAX_SHOWN) this.shown.shift()
    this.busyMs += (on + off) * UNIT_MS * times
    if (bit(2)) this.red = bit(0)
    if (bit(3)) this.green = bit(1)
    return Uint8Array.of(0x90, (this.red ? 1 : 0) | (this.green ? 2 : 0))
  }
}

function colours(red: boolean, green: boolean): Shown['flash'] {
  if (red && green) return 'both'
  if (red) return 'red'
  return green ? 'green' : 'none'
}
