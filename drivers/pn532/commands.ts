/** What the chip is told, without frame: command code and parameters. [PN532 §3] */

/** How a card talks: ISO 14443 A at 106 kbit/s, B, FeliCa at 212 or 424. */
export type Technology = 'a' | 'b' | 'felica212' | 'felica424'

/** Which chip is it? */
export const FIRMWARE = [0x02] as const
/** Normal mode: the chip works for the host alone. */
export const SAM_CONFIGURATION = [0x14, 0x01] as const
/** The chip takes a card of part 4 up to its ATS by itself, as it does after a reset. */
export const PARAMETERS = [0x12, 0x14] as const
/** Give up an empty field after one more try instead of looking for ever. */
export const RETRIES = [0x32, 0x05, 0xff, 0x01, 0x01] as const
export const FIELD_OFF = [0x32, 0x01, 0x00] as const

/** System code FFFF: every FeliCa card; no system code back; one time slot. [PN532 §3] */
const FELICA_POLL = [0x00, 0xff, 0xff, 0x00, 0x00] as const

/** InListPassiveTarget. At most two cards of type A; one of the others at a time. [PN532 §3] */
const LIST: Readonly<Record<Technology, readonly number[]>> = {
  a: [0x4a, 0x02, 0x00],
  b: [0x4a, 0x01, 0x03, 0x00],
  felica212: [0x4a, 0x01, 0x01, ...FELICA_POLL],
  felica424: [0x4a, 0x01, 0x02, ...FELICA_POLL],
}

/** Looks for cards of one technology; turns the field on by itself. */
export function list(technology: Technology): readonly number[] {
  return LIST[technology]
}

/** Pins that a board may use. P32 and P34 are not among them. [PN532 §5] */
export const PINS = ['p30', 'p31', 'p33', 'p35', 'p71', 'p72'] as const
export type Pin = (typeof PINS)[number]

/** All pins high: how they are after a reset. [PN532 §5] */
const HIGH = { p3: 0x3f, p7: 0x06 } as const
const VALID = 0x80

/**
 * WriteGPIO that makes these pins low and all others high. P32 and P34 must stay high, or the chip hangs until it is
 * reset; P7 is written only where one of its pins is used. [PN532 §5]
 */
export function gpio(low: readonly Pin[], used: readonly Pin[]): readonly number[] {
  const bitsOf = (port: string): number =>
    low.filter((pin) => pin.startsWith(port)).reduce((bits, pin) => bits | (1 << Number(pin.slice(2))), 0)
  const p7 = used.some((pin) => pin.startsWith('p7')) ? VALID | (HIGH.p7 & ~bitsOf('p7')) : 0
  return [0x0e, VALID | (HIGH.p3 & ~bitsOf('p3')), p7]
}

/** What the chip says about itself: IC, then `version.revision`; undefined when this is no such answer. */
export function firmwareIn(data: Uint8Array): { readonly chip: number; readonly firmware: string } | undefined {
  const [code, chip, version, revision] = data
  if (code !== 0x03 || data.length !== 5 || chip === undefined) return undefined
  return { chip, firmware: `${version}.${revision}` }
}
