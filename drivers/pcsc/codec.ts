/** Commands and answers of PC/SC contactless readers, and what an ATR tells. Pure; imports nothing. */

/** Get Data: UID, PUPI or IDm at full length. [PCSC §2] */
export const GET_UID = Uint8Array.of(0xff, 0xca, 0x00, 0x00, 0x00)
/** ACR122U: no beep of its own when a card comes. Volatile. [PCSC §4.2] */
export const MUTE = Uint8Array.of(0xff, 0x00, 0x52, 0x00, 0x00)

/** Lengths of ISO 14443 (4, 7, 10), ISO 15693 and FeliCa (8) numbers in bytes. [PCSC §2] */
const UID_LENGTHS = [4, 7, 8, 10]
/** A 4-byte UID that starts so was invented for this one visit to the field. [PCSC §2] */
const RANDOM = 0x08

export type BadUid = 'short' | 'empty' | 'failed' | 'unsupported' | 'status' | 'length' | 'blank'
export type UidAnswer =
  | { readonly kind: 'uid'; readonly value: string; readonly random: boolean }
  /** Ask again with this Le. */
  | { readonly kind: 'again'; readonly le: number }
  | { readonly kind: 'bad'; readonly why: BadUid }

/** Get Data with the length that the reader asked for. [PCSC §2, 6C xx] */
export function getUid(le: number): Uint8Array {
  return Uint8Array.of(0xff, 0xca, 0x00, 0x00, le)
}

/** Reads the answer to Get Data: bytes in PC/SC order, two status bytes at the end. */
export function parseUid(response: Uint8Array): UidAnswer {
  const [sw1, sw2] = response.slice(-2)
  if (sw1 === undefined || sw2 === undefined) return { kind: 'bad', why: 'short' }
  if (sw1 === 0x6c) return { kind: 'again', le: sw2 }
  const status = (sw1 << 8) | sw2
  if (status === 0x6300) return { kind: 'bad', why: 'failed' }
  if (status === 0x6a81) return { kind: 'bad', why: 'unsupported' }
  if (status !== 0x9000) return { kind: 'bad', why: 'status' }
  return uidOf(response.slice(0, -2))
}

function uidOf(uid: Uint8Array): UidAnswer {
  if (uid.length === 0) return { kind: 'bad', why: 'empty' }
  if (!UID_LENGTHS.includes(uid.length)) return { kind: 'bad', why: 'length' }
  // What readers give for a chip they cannot read: nobody's number, and the same for everybody.
  if (uid.every((byte) => byte === 0x00) || uid.every((byte) => byte === 0xff)) return { kind: 'bad', why: 'blank' }
  return { kind: 'uid', value: hex(uid), random: uid.length === 4 && uid[0] === RANDOM }
}

export type CardKind = 'iso14443-3' | 'iso14443-4' | 'felica' | 'iso15693' | 'unknown'

/** Registered application identifier of the PC/SC workgroup, before standard and card name. [PCSC §3] */
const STORAGE = [0x80, 0x4f, 0x0c, 0xa0, 0x00, 0x00, 0x03, 0x06]
/** Standards of PC/SC part 3: PICC 14443 A and B, parts 1 to 3. */
const ISO_14443 = [0x01, 0x02, 0x03, 0x05, 0x06, 0x07]
const ISO_15693 = [0x09, 0x0a, 0x0b, 0x0c]
const FELICA = 0x11

/** What kind of card the reader's ATR speaks of. */
export function cardKind(atr: Uint8Array): CardKind {
  if (atr[0] !== 0x3b || atr[2] !== 0x80 || atr[3] !== 0x01) return 'unknown'
  if (!STORAGE.every((byte, index) => atr[4 + index] === byte)) return 'iso14443-4'
  const [standard, high, low] = atr.slice(12)
  // The ACR122U names FeliCa F0 11 and F0 12 under standard 03. [PCSC §3]
  if (standard === FELICA || (high === 0xf0 && (low === 0x11 || low === 0x12))) return 'felica'
  if (standard === undefined) return 'unknown'
  if (ISO_15693.includes(standard)) return 'iso15693'
  return ISO_14443.includes(standard) ? 'iso14443-3' : 'unknown'
}

/** TCK makes the XOR of everything after TS zero. [PCSC §3] */
export function isAtrIntact(atr: Uint8Array): boolean {
  return atr.length > 2 && atr.slice(1).reduce((sum, byte) => sum ^ byte, 0) === 0
}

/** What a person sees and hears. All under 700 ms, as the reader is deaf while it blinks. */
export interface Pattern {
  readonly colour: 'green' | 'red'
  /** Length of a flash, in 100 ms; the beep lasts as long. */
  readonly on: number
  readonly off: number
  readonly times: number
}

const BUZZER_WITH_FLASH = 0x01

/** ACR122U LED and buzzer control: blinks one colour from dark and leaves the lights as they were. [PCSC §4.2] */
export function ledCommand({ colour, on, off, times }: Pattern): Uint8Array {
  // Blink bit 7 and initial state bit 5 for green, 6 and 4 for red.
  const p2 = colour === 'green' ? 0xa0 : 0x50
  return Uint8Array.of(0xff, 0x00, 0x40, p2, 0x04, on, off, times, BUZZER_WITH_FLASH)
}

/** Reads a command of `ledCommand`, as tests and logs need it; undefined when it is none. */
export function parseLedCommand(command: Uint8Array): Pattern | undefined {
  const [cla, ins, p1, p2, lc, on, off, times, buzzer] = command
  if (command.length !== 9 || cla !== 0xff || ins !== 0x00 || p1 !== 0x40 || lc !== 0x04) return undefined
  if (buzzer !== BUZZER_WITH_FLASH || (p2 !== 0xa0 && p2 !== 0x50)) return undefined
  if (on === undefined || off === undefined || times === undefined) return undefined
  return { colour: p2 === 0xa0 ? 'green' : 'red', on, off, times }
}

/** The reader obeyed: SW1 is 90, SW2 the lights that are on. [PCSC §4.2] */
export function isObeyed(response: Uint8Array): boolean {
  return response.length === 2 && response[0] === 0x90
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase()
}
