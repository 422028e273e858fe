/**
 * A contactless card as a PC/SC reader shows it. Written from PC/SC part 3 and the ACR122U manual; shares no code
 * with the driver. Clauses: drivers/pcsc/README.md.
 */
import { Acr122Front } from './acr122.js'

/** Card name and standard in the ATR of a storage card, two hex digits and four. [PCSC §3] */
const STORAGE = {
  'classic-1k': ['03', '0001'],
  'classic-4k': ['03', '0002'],
  ultralight: ['03', '0003'],
  felica: ['11', '003B'],
  icode: ['0B', '0014'],
} as const
/** ATRs of ISO 14443-4 cards: made of the historical bytes of their ATS. [PCSC §3] */
const SMART = { desfire: '3B8180018080', phone: '3B80800101' } as const

export type CardModel = keyof typeof STORAGE | keyof typeof SMART

/** What is wrong with a card. */
export type CardFault =
  /** Get Data succeeds with no UID: seen on real readers with cards at the edge of the field. */
  | 'empty-uid'
  /** Get Data fails: 63 00. */
  | 'failed'
  /** Get Data is not known to the reader: 6A 81. */
  | 'unsupported'
  /** Get Data wants the exact length: 6C xx first. */
  | 'exact-length'

export interface VirtualCardOptions {
  /** Hex, in PC/SC order. */
  readonly uid: string
  readonly model?: CardModel
  readonly fault?: CardFault
  /** The reader's front, when lights are to be seen. */
  readonly front?: Acr122Front
}

export class VirtualCard {
  readonly uid: Uint8Array
  readonly atr: Uint8Array
  readonly front: Acr122Front
  /** Commands that reached the card or its reader, hex. */
  readonly heard: string[] = []
  fault: CardFault | undefined

  constructor({ uid, model = 'ultralight', fault, front = new Acr122Front() }: VirtualCardOptions) {
    this.uid = bytes(uid)
    this.atr = atrOf(model)
    this.front = front
    this.fault = fault
  }

  /** Response to one command APDU, status word included. */
  answer(apdu: Uint8Array): Uint8Array {
    this.heard.push(Buffer.from(apdu).toString('hex').toUpperCase())
    if (this.heard.length > 256) this.heard.shift()
    const [cla, ins, p1, , le] = apdu
    const front = this.front.answer(apdu)
    if (front) return front
    if (cla === 0xff && ins === 0xca && apdu.length === 5) return p1 === 0 ? this.#uid(le ?? 0) : bytes('6A81')
    // Middleware tries applications on every card it meets; this one has none.
    if (ins === 0xa4) return bytes('6A82')
    return cla === 0xff ? bytes('6A81') : bytes('6E00')
  }

  #uid(le: number): Uint8Array {
    if (this.fault === 'empty-uid') return bytes('9000')
    if (this.fault === 'failed') return bytes('6300')
    if (this.fault === 'unsupported') return bytes('6A81')
    const { length } = this.uid
    if (this.fault === 'exact-length' && le !== length) return Uint8Array.of(0x6c, length)
    if (le > length) return Uint8Array.of(...this.uid, 0x62, 0x82)
    return Uint8Array.of(...this.uid, 0x90, 0x00)
  }
}

function atrOf(model: CardModel): Uint8Array {
  if (model === 'desfire' || model === 'phone') return bytes(SMART[model])
  const [standard, name] = STORAGE[model]
  const head = bytes(`3B8F8001804F0CA000000306${standard}${name}00000000`)
  return Uint8Array.of(...head, check(head))
}

/** TCK: XOR of every byte after the first. [PCSC §3] */
function check(head: Uint8Array): number {
  let sum = 0
  for (const byte of head.subarray(1)) sum ^= byte
  return sum
}

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}
