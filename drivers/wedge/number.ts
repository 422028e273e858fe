/** From what a reader typed to the canonical number of the card. [WEDGE §2] */

export interface NumberForm {
  readonly format: 'decimal' | 'hex' | 'facility'
  /** Characters of the number; 0 for any. Not for `facility`. */
  readonly digits: number
  /** Bytes of a decimal number. */
  readonly bytes: number
  readonly order: 'big' | 'little'
  /** Typed before the number, and no part of it. */
  readonly strip: string
  /** Hex, put before the result: what the reader leaves out. */
  readonly prefix: string
}

/** Upper-case hex, most significant byte first; undefined when the text is no number of this form. */
export function cardNumber(typed: string, form: NumberForm): string | undefined {
  if (!typed.startsWith(form.strip)) return undefined
  const text = typed.slice(form.strip.length)
  const hex = form.format === 'facility' ? ofFacility(text) : ofNumber(text, form)
  if (hex === undefined) return undefined
  return form.prefix.toUpperCase() + (form.order === 'little' ? reversed(hex) : hex)
}

/** Is this what `prefix` takes: whole bytes in hex? */
export function isHexBytes(text: string): boolean {
  return /^([0-9A-Fa-f]{2})*$/.test(text)
}

/** `134,62532` or `13462532`: one byte and two, as printed on cards. 24 bits, like a 26-bit Wiegand number. */
function ofFacility(text: string): string | undefined {
  const [, facility, card] = /^(\d{3}),?(\d{5})$/.exec(text) ?? []
  if (facility === undefined || card === undefined || Number(facility) > 0xff || Number(card) > 0xffff) return undefined
  return padded(Number(facility), 1) + padded(Number(card), 2)
}

function ofNumber(text: string, { format, digits, bytes }: NumberForm): string | undefined {
  if (digits !== 0 && text.length !== digits) return undefined
  if (format === 'hex') {
    if (!/^[0-9A-Fa-f]{1,32}$/.test(text)) return undefined
    return (text.length % 2 === 0 ? text : `0${text}`).toUpperCase()
  }
  if (!/^\d{1,32}$/.test(text)) return undefined
  const hex = padded(BigInt(text), bytes)
  return hex.length === bytes * 2 ? hex : undefined // More than the bytes hold: another form.
}

function padded(number: number | bigint, bytes: number): string {
  return number
    .toString(16)
    .toUpperCase()
    .padStart(bytes * 2, '0')
}

function reversed(hex: string): string {
  return (hex.match(/../g) ?? []).reverse().join('')
}
