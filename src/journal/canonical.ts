/** RFC 8785 (JCS): the one way to write a JSON value, so that its hash can be recomputed by anyone. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

/** ASCII without anything that JSON escapes: nearly every text here, and cheaper to look at than to serialise. */
const PLAIN = /^[ !#-[\]-~]*$/

/** Serialises with sorted keys; keys whose value is undefined are left out. Numbers must be finite. */
export function canonical(value: Json): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'object' || value === null) return scalar(value)
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonical(item)).join(',')}]`
  const object = value as { readonly [key: string]: Json | undefined }
  let members = ''
  // [RFC8785 §3.2.3] sorted by UTF-16 code units, which is what Array.sort does.
  for (const key of Object.keys(object).sort()) {
    const member = object[key]
    if (member === undefined) continue
    members += `${members === '' ? '' : ','}${quoted(key)}:${canonical(member)}`
  }
  return `{${members}}`
}

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text)
}

function scalar(value: null | boolean | number): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError('JSON has no NaN or infinity')
  return JSON.stringify(value)
}
