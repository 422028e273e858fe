/** RFC 8785 (JCS): the one way to write a JSON value, so that its hash can be recomputed by anyone. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

/** Serialises with sorted keys; keys whose value is undefined are left out. Numbers must be finite. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonical(item)).join(',')}]`
  if (typeof value !== 'object' || value === null) return scalar(value)
  const parts: string[] = []
  // [RFC8785 §3.2.3] sorted by UTF-16 code units, which is what Array.sort does.
  for (const key of Object.keys(value).sort()) {
    const member = (value as { readonly [key: string]: Json | undefined })[key]
    if (member !== undefined) parts.push(`${JSON.stringify(key)}:${canonical(member)}`)
  }
  return `{${parts.join(',')}}`
}

function scalar(value: Json): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError('JSON has no NaN or infinity')
  return JSON.stringify(value)
}
