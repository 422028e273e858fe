/**
 * What of a configuration file may be printed. Secrets stand in it, and a file that is wrong may have them anywhere:
 * behind a misspelt key, on a line of their own, in a key. So values are shown of keys that are known to hold none.
 */
import { editDistance } from './words.js'

export const HIDDEN = '•••••'

const SECRET_KEY = /pass|secret|token|credential|psk|private|^irk$/i
/** What a misspelt key of a secret was meant to be. */
const SECRET_WORDS = ['password', 'passphrase', 'secret', 'token', 'credential']

/** True when the value at this key must not be printed. */
export function looksSecret(key: string): boolean {
  return SECRET_KEY.test(key) || SECRET_WORDS.some((word) => isClose(key, word))
}

/** Close enough to be meant; in short words every letter counts. */
function isClose(key: string, word: string): boolean {
  const allowed = key.length <= 2 ? 0 : key.length <= 5 ? 1 : 2
  return editDistance(key.toLowerCase(), word.toLowerCase()) <= allowed
}

/** A key, or dots for what may be a secret that lost its place. */
export function shownKey(key: string, words: ReadonlySet<string>): string {
  if (SECRET_WORDS.some((word) => isClose(key, word))) return key
  if (closeTo(key, words)) return key
  return !SECRET_KEY.test(key) && /^[a-zA-Z][a-zA-Z_-]*$/.test(key) ? key : HIDDEN
}

function closeTo(key: string, words: ReadonlySet<string>): boolean {
  return [...words].some((word) => isClose(key, word))
}

/** `key:`, quoted or not, where one may stand. */
const KEY = /(^|[\s{,?])(["']?)([\w.-]+)\2\s*:(?=\s|$|["'{[])/g

/** A source line without what may be secret. */
export function shownLine(line: string, words: ReadonlySet<string>): string {
  const text = shownText(line.replace(/\s#.*$/, ''))
  const keys = [...text.matchAll(KEY)]
  const indent = /^\s*(?:- )?/.exec(text)?.[0] ?? ''
  // A line that begins with no key goes on with a value, and nobody knows of what.
  if (keys.length === 0) return text.trim() === '' ? text : `${indent}${HIDDEN}`
  const cut = Math.min(...keys.map((match) => cutAt(match, words)), secretWordEnd(text))
  if (cut >= text.trimEnd().length) return text
  return `${cut <= indent.length ? indent : `${text.slice(0, cut).trimEnd()} `}${HIDDEN}`
}

/** Where a line must end because of this key; Infinity when its value may be shown. */
function cutAt(match: RegExpExecArray, words: ReadonlySet<string>): number {
  const [whole, before = '', , key = ''] = match
  const start = match.index + before.length
  if (shownKey(key, words) === HIDDEN) return start
  return looksSecret(key) || !closeTo(key, words) ? match.index + whole.length : Infinity
}

/** The end of the first word that announces a secret, with or without the colon that should follow. */
function secretWordEnd(text: string): number {
  for (const { 0: word, index } of text.matchAll(/[A-Za-z][\w-]*/g)) {
    if (!looksSecret(word)) continue
    const whole = SECRET_WORDS.some((known) => isClose(word, known))
    // `password` may stay, with its colon; in `passwordhunter2` nobody knows where it ends.
    return whole ? index + word.length + (text.slice(index + word.length).startsWith(':') ? 1 : 0) : index
  }
  return Infinity
}

/** A text without the user and password of a URL. */
export function shownText(text: string): string {
  return text.replace(/[^\s"'{}[\],]+@/g, `${HIDDEN}@`)
}

/** A line of a file without secrets of its own: whatever follows a key that names one is blanked all the same. */
export function blanked(line: string): string {
  return shownText(line).replace(
    /("?[\w-]*(?:pass|secret|token|credential|psk|private)[\w-]*"?\s*:\s*)(\S.*)$/i,
    `$1${HIDDEN}`,
  )
}
