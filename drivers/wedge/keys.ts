/**
 * What the keys mean. An event names the place of a key, never a character: readers type as on a US keyboard, whatever
 * layout the console has. [WEDGE §1.3]
 */

export const KEY = {
  escape: 1,
  backspace: 14,
  tab: 15,
  enter: 28,
  capsLock: 58,
  numLock: 69,
  scrollLock: 70,
  keypadEnter: 96,
} as const
export const SHIFT: readonly number[] = [42, 54]
/** Ctrl, Alt and Meta, left and right: a key pressed with one of them means no character. */
export const CHORD: readonly number[] = [29, 97, 56, 100, 125, 126]
/** Light of Caps Lock: code of an LED event. */
export const CAPS_LED = 1

const CHARACTERS = new Map<number, readonly [plain: string, shifted: string]>()

/** Keys in a row, from the one with code `first` on. */
function row(first: number, plain: string, shifted = plain): void {
  Array.from(plain).forEach((character, at) => CHARACTERS.set(first + at, [character, shifted[at] ?? character]))
}
row(2, '1234567890-=', '!@#$%^&*()_+')
row(16, 'qwertyuiop[]', 'QWERTYUIOP{}')
row(30, "asdfghjkl;'`", 'ASDFGHJKL:"~')
row(43, '\\zxcvbnm,./', '|ZXCVBNM<>?')
row(55, '*')
row(57, ' ')
// The keypad, Num Lock or not: some readers are numeric pads. [WEDGE §1.3]
row(71, '789-456+1230.')
row(98, '/')
row(117, '=')
row(121, ',')

/** The character of a key; undefined for one that has none. Caps Lock changes letters only. */
export function characterOf(code: number, shift: boolean, caps: boolean): string | undefined {
  const pair = CHARACTERS.get(code)
  if (!pair) return undefined
  const isLetter = pair[0] >= 'a' && pair[0] <= 'z'
  return pair[shift !== (caps && isLetter) ? 1 : 0]
}
