/**
 * Texts (JSON, XML) out of what terminals send: a body, or a stream of parts, cut anywhere. Lengths of parts are not
 * believed: images come truncated, closing boundaries not at all [FACE A2, A3]. A text counts as soon as it is complete.
 */

/** Texts of terminals have a few kilobytes. */
export const MOST_TEXT = 64 * 1024
const MOST_HEADERS = 4 * 1024
const LF = 0x0a
const CR = 0x0d
const DASH = 0x2d
const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x7b
const CLOSE = 0x7d
const LESS = 0x3c
const GREATER = 0x3e
/** What may stand before a text: blanks, a zero, the byte order mark. */
const BLANK: ReadonlySet<number> = new Set([0x00, 0x09, LF, CR, 0x20, 0xef, 0xbb, 0xbf])

export interface Texts {
  /** Each a whole JSON object or XML document. */
  readonly texts: string[]
  /** Texts that began and did not end, or were too long. */
  bad: number
  /** Bytes outside any part. */
  discarded: number
}

type State = 'between' | 'line' | 'headers' | 'start' | 'json' | 'xml' | 'other'

/** The boundary that a Content-Type names, with or without quotes; undefined when it names none. [FACE A3] */
export function boundaryOf(contentType: string): string | undefined {
  const match = /boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;,"]{1,200}))/i.exec(contentType)
  return match?.[1] ?? match?.[2]
}

/** The boundary with which a body begins, for senders whose header does not tell it. */
export function boundaryIn(body: Uint8Array): string | undefined {
  const line = String.fromCharCode(...body.subarray(0, 256))
  return /^\s*--([^\r\n]{1,200})\r?\n/.exec(line)?.[1]
}

export class PartDecoder {
  readonly #boundary: Uint8Array
  readonly #steps: Uint8Array
  #matched = 0
  #state: State
  readonly #text = new TextBytes()
  /** Bytes of the headers so far, and of their current line. */
  #headers = 0
  #line = 0
  #depth = 0
  #isQuoted = false
  #isEscaped = false
  /** Where the last tag of an XML text begins, and the name of its root. */
  #tag = 0
  #root = ''

  /** Without a boundary the bytes are texts, one behind the other. */
  constructor(boundary?: string) {
    // Some senders count the two dashes as part of the name, others do not.
    const name = boundary?.replace(/^-+/, '') ?? ''
    this.#boundary = name === '' ? new Uint8Array() : new TextEncoder().encode(`--${name}`)
    this.#steps = stepsOf(this.#boundary)
    this.#state = name === '' ? 'start' : 'between'
  }

  /** Bytes kept for the next piece. */
  get held(): number {
    return this.#text.length
  }

  push(bytes: Uint8Array): Texts {
    const found: Texts = { texts: [], bad: 0, discarded: 0 }
    for (const byte of bytes) this.#take(byte, found)
    return found
  }

  /** Nothing more comes: 1 when a text was cut off. */
  end(): number {
    const cut = this.#state === 'json' || this.#state === 'xml' ? 1 : 0
    this.#enter('other')
    return cut
  }

  #take(byte: number, found: Texts): void {
    const isBoundary = this.#isBoundary(byte)
    switch (this.#state) {
      case 'json':
      case 'xml':
        return this.#inText(byte, isBoundary, found)
      case 'between':
        found.discarded += 1
        if (isBoundary) {
          found.discarded = Math.max(0, found.discarded - this.#boundary.length)
          this.#enter('line')
        }
        return
      case 'line':
        return byte === LF ? this.#enter('headers') : undefined
      case 'headers':
        return isBoundary ? this.#enter('line') : this.#inHeaders(byte)
      case 'start':
      case 'other':
        if (isBoundary) return this.#enter('line')
        if (this.#state === 'start') return this.#start(byte)
        if (this.#boundary.length === 0) found.discarded += 1
    }
  }

  #enter(state: State): void {
    this.#state = state
    this.#text.clear()
    this.#headers = 0
    this.#line = 0
  }

  /** What headers say is not needed. A part that has none begins with its text. */
  #inHeaders(byte: number): void {
    if (this.#line === 0 && (byte === OPEN || byte === LESS)) return this.#start(byte)
    if (byte === LF) {
      if (this.#line === 0) return this.#enter('start')
      this.#line = 0
    } else if (byte !== CR) this.#line += 1
    if (++this.#headers > MOST_HEADERS) this.#enter('other')
  }

  #start(byte: number): void {
    if (BLANK.has(byte)) return
    this.#enter(byte === OPEN ? 'json' : byte === LESS ? 'xml' : 'other')
    this.#depth = byte === OPEN ? 1 : 0
    this.#isQuoted = this.#isEscaped = false
    this.#tag = 0
    this.#root = ''
    if (this.#state !== 'other') this.#text.add(byte)
  }

  #inText(byte: number, isBoundary: boolean, found: Texts): void {
    this.#text.add(byte)
    // Only at the beginning of a line: somebody may be called like a boundary.
    if (isBoundary && this.#text.isLineStart(this.#boundary.length)) {
      found.bad += 1
      return this.#enter('line')
    }
    const isWhole = this.#state === 'json' ? this.#endsJson(byte) : byte === GREATER && this.#endsXml()
    if (this.#state === 'xml' && byte === LESS) this.#tag = this.#text.length - 1
    if (isWhole) {
      found.texts.push(this.#text.read())
      this.#enter(this.#boundary.length === 0 ? 'start' : 'other')
    } else if (this.#text.length >= MOST_TEXT) {
      found.bad += 1
      this.#enter('other')
    }
  }

  #endsJson(byte: number): boolean {
    if (this.#isQuoted) {
      const wasEscaped = this.#isEscaped
      this.#isEscaped = !wasEscaped && byte === BACKSLASH
      if (byte === QUOTE && !wasEscaped) this.#isQuoted = false
      return false
    }
    if (byte === QUOTE) this.#isQuoted = true
    else if (byte === OPEN) this.#depth += 1
    else if (byte === CLOSE) this.#depth -= 1
    return this.#depth === 0
  }

  /** A tag ended: was it the last one of the document? */
  #endsXml(): boolean {
    const tag = this.#text.read(this.#tag + 1, this.#tag + 1 + 128)
    if (tag.startsWith('?') || tag.startsWith('!')) return false
    const name = /^\/?([^\s/>]*)/.exec(tag)?.[1] ?? ''
    if (tag.startsWith('/')) return name === this.#root
    if (this.#root !== '') return false
    this.#root = name
    return tag.endsWith('/>')
  }

  /** Looks for the boundary byte by byte, also where it is cut between two pieces. */
  #isBoundary(byte: number): boolean {
    if (this.#boundary.length === 0) return false
    while (this.#matched > 0 && this.#boundary[this.#matched] !== byte)
      this.#matched = this.#steps[this.#matched - 1] ?? 0
    if (this.#boundary[this.#matched] === byte) this.#matched += 1
    if (this.#matched < this.#boundary.length) return false
    this.#matched = 0
    return true
  }
}

/** How much of the beginning is still matched after a mismatch (Knuth, Morris, Pratt). */
function stepsOf(pattern: Uint8Array): Uint8Array {
  const steps = new Uint8Array(pattern.length)
  for (let at = 1, matched = 0; at < pattern.length; at++) {
    while (matched > 0 && pattern[at] !== pattern[matched]) matched = steps[matched - 1] ?? 0
    if (pattern[at] === pattern[matched]) matched += 1
    steps[at] = matched
  }
  return steps
}

/** Bytes of one text, in a buffer that grows with the longest. */
class TextBytes {
  #bytes = new Uint8Array(1024)
  length = 0

  add(byte: number): void {
    if (this.length === this.#bytes.length) {
      const wider = new Uint8Array(2 * this.length)
      wider.set(this.#bytes)
      this.#bytes = wider
    }
    this.#bytes[this.length++] = byte
  }

  clear(): void {
    this.length = 0
  }

  /** Names may be in any code; what matters is ASCII. */
  read(from = 0, to = this.length): string {
    return new TextDecoder().decode(this.#bytes.subarray(from, Math.min(to, this.length)))
  }

  /** Whether its last `size` bytes begin a line, dashes before them left out. */
  isLineStart(size: number): boolean {
    let at = this.length - size - 1
    while (at >= 0 && this.#bytes[at] === DASH) at -= 1
    return at >= 0 && this.#bytes[at] === LF
  }
}
