/** What a scenario can put at a door: the facts that its check needs. `sim/readers.ts` builds them. */

/** What a card can be read by: 125 kHz readers, or 13.56 MHz ones. */
export type CardKind = 'em4100' | 'nfc'
export const OVERS = ['auto', 'pty', 'tcp', 'pcsc'] as const
export type Over = (typeof OVERS)[number]

export interface TwinFacts {
  readonly driver: string
  readonly cards: CardKind
  readonly over: readonly Over[]
  /** Has it a cable of its own, which can be pulled and spoilt? */
  readonly cable: boolean
  /** Are its frames checked? Else noise and wrong bits would be other cards. */
  readonly checked: boolean
  /** How many of them one machine can have. */
  readonly most: number
}

export const TWINS = {
  rdm6300: { driver: 'rdm6300', cards: 'em4100', over: ['auto', 'pty', 'tcp'], cable: true, checked: true, most: 64 },
  // Types ten hex digits; its events come over TCP, because this kernel may have no input devices to make.
  wedge: { driver: 'wedge', cards: 'em4100', over: ['auto', 'tcp'], cable: true, checked: true, most: 64 },
  // The virtual reader of vsmartcard-vpcd has two slots.
  pcsc: { driver: 'pcsc', cards: 'nfc', over: ['auto', 'pcsc'], cable: false, checked: true, most: 2 },
  pn532: { driver: 'pn532', cards: 'nfc', over: ['auto', 'pty', 'tcp'], cable: true, checked: true, most: 64 },
  // Reads the number of the EM4100 card, which is printed on the card as a QR code.
  qr: { driver: 'qr', cards: 'em4100', over: ['auto', 'pty', 'tcp'], cable: true, checked: false, most: 64 },
} as const satisfies Readonly<Record<string, TwinFacts>>

export type TwinName = keyof typeof TWINS
export const TWIN_NAMES: readonly TwinName[] = ['rdm6300', 'pcsc', 'wedge', 'qr', 'pn532']

/** The kind of a card by the length of its number; undefined when no reader gives such a number. */
export function cardKind(number: string): CardKind | undefined {
  if (!/^[0-9A-F]+$/.test(number)) return undefined
  if (number.length === 10) return 'em4100'
  return [8, 14, 16, 20].includes(number.length) ? 'nfc' : undefined
}

export const CARD_FORMS = 'ten hex digits (EM4100), or 8, 14, 16 or 20 (NFC), in upper case and in quotes'
