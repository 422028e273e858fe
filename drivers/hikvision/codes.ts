/** What the minor numbers of major 5 mean. The same number means other things under other majors. [FACE A5] */
import type { Method } from '../../src/driver.js'
import type { AcsRecord } from './event.js'

/** [FACE A5] */
const EVENT = 5

/** Punches, by the sense that was used; where several were, the one that is hardest to lend. '' asks the mode. */
const PUNCHES: Readonly<Record<number, Method | ''>> = {
  0x01: 'card',
  0x02: 'card',
  0x10: '',
  0x26: 'fingerprint',
  0x28: 'fingerprint',
  0x2b: 'fingerprint',
  0x2e: 'fingerprint',
  0x36: 'face',
  0x39: 'face',
  0x3c: 'face',
  0x3f: 'face',
  0x42: 'face',
  0x45: 'fingerprint',
  0x48: 'fingerprint',
  0x4b: 'face',
  0x4d: 'face',
  0x65: 'pin',
  0x69: 'face',
  0x99: '',
  0x9c: 'qr',
  0x9f: 'ble',
  0xb3: 'pin',
  0xb5: 'pin',
}

/** Refusals and doors: known, and no punches. */
const OTHERS: ReadonlySet<number> = new Set([
  0x03, 0x04, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x15, 0x16, 0x17, 0x19, 0x1a, 0x1b, 0x1c, 0x27, 0x31, 0x4c, 0x50, 0x66,
  0x68, 0x85, 0x87, 0x97, 0x98, 0x9a, 0x9b,
])

/** Alarms that operators are told, by major and minor. The tampers and 40A are of the SDK's header, not of the sheet. */
const ALARMS: Readonly<Record<string, readonly [type: string, detail: Readonly<Record<string, string>>]>> = {
  '5/27': ['door-forced', {}],
  '5/135': ['door-forced', {}],
  '1/1028': ['tamper', { state: 'open' }],
  '1/1029': ['tamper', { state: 'closed' }],
  '1/1030': ['tamper', { state: 'open', part: 'card reader' }],
  '1/1031': ['tamper', { state: 'closed', part: 'card reader' }],
  '1/1032': ['tamper', { state: 'open', part: 'case' }],
  '1/1033': ['tamper', { state: 'closed', part: 'case' }],
  '1/1034': ['duress', {}],
}

export class Codes {
  readonly #punches: ReadonlyMap<number, Method | ''>

  constructor(punches: ReadonlyMap<number, Method | ''>) {
    this.#punches = punches
  }

  /** By which sense it was, for a punch; undefined for what is none. */
  punch({ major, minor, mode }: AcsRecord): Method | undefined {
    const method = major === EVENT ? this.#punches.get(minor) : undefined
    return method === '' ? methodOfMode(mode) : method
  }

  /** Whether nobody has told what it means. */
  isUnlisted({ major, minor }: AcsRecord): boolean {
    return major === EVENT && !this.#punches.has(minor) && !OTHERS.has(minor) && !(minor in PUNCHES)
  }
}

export function alarmOf({ major, minor }: AcsRecord): (typeof ALARMS)[string] | undefined {
  return ALARMS[`${major}/${minor}`]
}

const METHODS: readonly Method[] = ['card', 'fingerprint', 'face', 'qr', 'pin', 'ble']

/** Reads `0x4b, 0x26:fingerprint, 181`; an empty text means the list above. */
export function codesOf(written: string): Codes | { readonly problem: string } {
  const entries = written.split(/[\s,]+/).filter((entry) => entry !== '')
  if (entries.length === 0) return new Codes(new Map(Object.entries(PUNCHES).map(([code, method]) => [Number(code), method]))) // prettier-ignore
  const punches = new Map<number, Method | ''>()
  for (const entry of entries) {
    const [code = '', word] = entry.split(':')
    const method = METHODS.find((known) => known === word)
    if (!/^(0x[0-9a-f]{1,4}|\d{1,5})$/i.test(code) || (word !== undefined && !method))
      return { problem: `"${entry}" is no code such as 0x4b or 0x4b:face (${METHODS.join(', ')})` }
    punches.set(Number(code), method ?? PUNCHES[Number(code)] ?? '')
  }
  return new Codes(punches)
}

/** `cardOrFace`, `faceAndFp`: the best guess where the number does not tell. */
function methodOfMode(mode: string): Method {
  const words = mode.toLowerCase()
  if (words.includes('face')) return 'face'
  if (/fp|finger/.test(words)) return 'fingerprint'
  return words.includes('card') || !/pw|password/.test(words) ? 'card' : 'pin'
}
