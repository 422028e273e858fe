/** Reads CSV as RFC 4180 has it, and as Excel writes it: a byte order mark, CRLF, semicolons or tabs, a line `sep=;`. */

export interface CsvRow {
  /** Line on which it begins, from 1. */
  readonly line: number
  readonly cells: readonly string[]
}

export interface CsvProblem {
  readonly line: number
  readonly message: string
}

export interface Csv {
  /** Lines without a character are left out. */
  readonly rows: readonly CsvRow[]
  readonly problems: readonly CsvProblem[]
}

const SEPARATORS = [',', ';', '\t'] as const

/** `column` is one of the header: whatever sets it apart there separates values. */
export function parseCsv(text: string, column: string): Csv {
  const whole = text.startsWith('\uFEFF') ? text.slice(1) : text
  const [said, separator] = /^sep=(.)\r?\n/i.exec(whole) ?? []
  if (said !== undefined && separator !== undefined) return new CsvText(whole, separator, said.length, 2).read()
  const header = /^[^\r\n]*/.exec(whole)?.[0] ?? ''
  const fitting = SEPARATORS.find((candidate) => cellsOf(header, candidate).includes(column))
  return new CsvText(whole, fitting ?? ',', 0, 1).read()
}

function cellsOf(line: string, separator: string): readonly string[] {
  return new CsvText(line, separator, 0, 1).read().rows[0]?.cells.map((cell) => cell.trim()) ?? []
}

class CsvText {
  readonly #text: string
  readonly #separator: string
  #at: number
  #line: number
  readonly #problems: CsvProblem[] = []

  constructor(text: string, separator: string, at: number, line: number) {
    this.#text = text
    this.#separator = separator
    this.#at = at
    this.#line = line
  }

  read(): Csv {
    const rows: CsvRow[] = []
    while (this.#at < this.#text.length) {
      const row = this.#row()
      if (row.cells.length > 1 || row.cells[0] !== '') rows.push(row)
    }
    return { rows, problems: this.#problems }
  }

  #row(): CsvRow {
    const line = this.#line
    const cells = [this.#cell()]
    while (this.#text[this.#at] === this.#separator) {
      this.#at += 1
      cells.push(this.#cell())
    }
    this.#endOfLine()
    return { line, cells }
  }

  #endOfLine(): void {
    if (this.#text[this.#at] === '\r') this.#at += 1
    if (this.#text[this.#at] === '\n') this.#at += 1
    this.#line += 1
  }

  #cell(): string {
    if (this.#text[this.#at] !== '"') return this.#plain()
    const line = this.#line
    const value = this.#quoted()
    const rest = this.#plain()
    if (rest !== '') this.#problem(line, 'after a closing quote there is more text: double each quote within a value')
    return value + rest
  }

  #plain(): string {
    const begin = this.#at
    while (this.#at < this.#text.length && !this.#ends(this.#text[this.#at])) this.#at += 1
    const value = this.#text.slice(begin, this.#at)
    if (value.includes('"')) this.#problem(this.#line, 'a quote stands within a value that does not begin with one')
    return value
  }

  #ends(character: string | undefined): boolean {
    return character === this.#separator || character === '\n' || character === '\r'
  }

  #quoted(): string {
    const line = this.#line
    let value = ''
    this.#at += 1
    for (;;) {
      const quote = this.#text.indexOf('"', this.#at)
      const piece = this.#text.slice(this.#at, quote === -1 ? undefined : quote)
      this.#line += piece.split('\n').length - 1
      value += piece
      if (quote === -1) {
        this.#at = this.#text.length
        this.#problem(line, 'the quote that opens here is never closed')
        return value
      }
      this.#at = quote + 1
      if (this.#text[this.#at] !== '"') return value
      value += '"'
      this.#at += 1
    }
  }

  #problem(line: number, message: string): void {
    this.#problems.push({ line, message })
  }
}
