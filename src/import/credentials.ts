/** Credentials as people write them: `type:value[@scope]`, joined by semicolons. Only canonical values pass. */
import { didYouMean } from '../config/words.js'
import type { Credential, CredentialType } from '../model.js'

export type Read = { readonly credential: Credential } | { readonly problem: string }

interface Form {
  readonly shape: RegExp
  readonly about: string
  /** Where it means something: everywhere, or at a reader that must be named. */
  readonly scope: 'global' | 'named'
  /** What was probably meant; undefined when nothing can be made of it. */
  readonly canonical?: (written: string) => string
}

const hex = (written: string): string => written.replace(/^0x|[\s:.-]/gi, '').toUpperCase()
const number = (written: string): string => written.trim().replace(/^0+(?=\d)/, '')
const trimmed = (written: string): string => written.trim()

const FORMS: Readonly<Record<CredentialType, Form>> = {
  card: { shape: /^(?:[0-9A-F]{2}){3,16}$/, about: 'upper-case hex digits, an even number of them from 6 to 32', scope: 'global', canonical: hex }, // prettier-ignore
  fingerprint: { shape: /^(?:0|[1-9]\d{0,9})$/, about: 'the number of a slot', scope: 'named', canonical: number },
  user: { shape: /^\S(?:.{0,62}\S)?$/, about: "the terminal's own user number", scope: 'named', canonical: trimmed },
  qr: { shape: /^\S(?:[^]{0,4094}\S)?$/, about: 'the text of the code', scope: 'global', canonical: trimmed },
  pin: { shape: /^\d{1,32}$/, about: 'digits', scope: 'global', canonical: (written) => written.replace(/\s/g, '') },
  beacon: { shape: /^(?:[0-9A-F]{2}){10,20}$/, about: 'upper-case hex digits without dashes', scope: 'global', canonical: hex }, // prettier-ignore
  phone: { shape: /^\S(?:.{0,62}\S)?$/, about: 'the name given to its key', scope: 'global', canonical: trimmed },
  mac: { shape: /^[0-9A-F]{12}$/, about: '12 upper-case hex digits', scope: 'global', canonical: hex },
}
const TYPES = Object.keys(FORMS)

/** Each of a cell; empty ones are none. */
export function readCredentials(cell: string): Read[] {
  return cell
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(readCredential)
}

export function readCredential(written: string): Read {
  const colon = written.indexOf(':')
  if (colon === -1)
    return { problem: `"…${written.slice(-4)}" is no credential: write type:value, such as card:0A00123456` }
  const type = written.slice(0, colon)
  if (!isType(type)) {
    const hint = didYouMean(type, TYPES) ?? `types are ${TYPES.join(', ')}`
    return { problem: `there is no credential type "${type}": ${hint}` }
  }
  const { value, scope } = scoped(written.slice(colon + 1), FORMS[type])
  const { shape, about, canonical, scope: where } = FORMS[type]
  if (!shape.test(value)) {
    const meant = canonical?.(value) ?? ''
    const offer = meant !== value && shape.test(meant) ? `write ${type}:${meant}${where === 'named' ? '@READER' : ''}` : `it is ${about}` // prettier-ignore
    return { problem: `a ${type} value is not in its canonical form (…${value.slice(-4)}): ${offer}` }
  }
  if (scope !== undefined) return { credential: { type, value, scope } }
  return { problem: `${type}:${value} needs the reader at which it counts: ${type}:${value}@READER, or @global` }
}

function isType(text: string): text is CredentialType {
  return Object.hasOwn(FORMS, text)
}

/** What counts everywhere may hold an @ itself. */
function scoped(written: string, { scope }: Form): { value: string; scope: string | undefined } {
  const [, value, named] = (scope === 'global' ? /^([^]*)@(global)$/ : /^(.*)@([a-z0-9-]{1,32})$/).exec(written) ?? []
  if (value !== undefined && named !== undefined) return { value, scope: named }
  return { value: written, scope: scope === 'global' ? 'global' : undefined }
}
