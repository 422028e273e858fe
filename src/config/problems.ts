/** Problems of a YAML file with their places: how they are found in the source and printed. */
import { isMap, isNode, isPair, isScalar, isSeq, type Document, type LineCounter, type Node } from 'yaml'

export type Path = readonly (string | number)[]

export interface Problem {
  readonly severity: 'error' | 'warning'
  readonly path: Path
  readonly message: string
  /** What to write instead, shown under the caret. */
  readonly suggestion?: string | undefined
  /** Where it was set, when not in the file: the name of an environment variable. */
  readonly origin?: string | undefined
  /** Points at the key itself instead of its value. */
  readonly atKey?: boolean | undefined
  /** Offset into the source, when the YAML itself is broken. */
  readonly offset?: number | undefined
}

/** A problem with its place: 1-based line and column, 0 when it is not in the file. */
export interface PlacedProblem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly path: string
  readonly message: string
  readonly suggestion?: string | undefined
  readonly severity: 'error' | 'warning'
  /** The source line, secrets blanked. */
  readonly source: string
}

export interface Source {
  readonly file: string
  readonly text: string
  readonly document: Document
  readonly lines: LineCounter
}

/** Finds the place of each problem; in order of the file. */
export function placeProblems(source: Source, problems: readonly Problem[]): PlacedProblem[] {
  return problems.map((problem) => placed(source, problem)).sort((a, b) => a.line - b.line || a.column - b.column)
}

function placed(source: Source, problem: Problem): PlacedProblem {
  const { severity, message, suggestion } = problem
  const path = pathText(problem.path)
  if (problem.origin !== undefined) {
    return { file: problem.origin, line: 0, column: 0, path, message, suggestion, severity, source: '' }
  }
  const offset = problem.offset ?? offsetOf(source.document, problem.path, problem.atKey === true)
  const { line, col } = source.lines.linePos(offset)
  const text = source.text.split(/\r?\n/)[line - 1] ?? ''
  return { file: source.file, line, column: col, path, message, suggestion, severity, source: blanked(text, path) }
}

/** Offset of the node at `path`, or of the nearest parent that exists. */
function offsetOf(document: Document, path: Path, atKey: boolean): number {
  let offset = 0
  let node: unknown = document.contents
  for (const [depth, step] of path.entries()) {
    const last = depth === path.length - 1
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step))
      if (!pair || !isPair(pair)) break
      if (isNode(pair.key)) offset = startOf(pair.key, offset)
      // An empty value has no place of its own worth pointing at: the key stays.
      const empty = isScalar(pair.value) && pair.value.value === null
      if (!(last && atKey) && !empty && isNode(pair.value)) offset = startOf(pair.value, offset)
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(step)]
      if (isNode(node)) offset = startOf(node, offset)
    } else break
  }
  return offset
}

function startOf(node: Node, otherwise: number): number {
  return node.range?.[0] ?? otherwise
}

export function pathText(path: Path): string {
  return path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`),
    '',
  )
}

const SECRET_KEY = /pass|secret|token|credential|psk|private/i

/** True when the value at this key must not be printed. */
export function looksSecret(key: string): boolean {
  return SECRET_KEY.test(key)
}

/** A source line fit for printing: whatever follows a key that names a secret is blanked, as are URL passwords. */
export function blanked(line: string, path = ''): string {
  if (looksSecret(path)) return line.replace(/\S(.*\S)?$/, (value) => keepKey(value))
  return line
    .replace(/("?[\w-]*(?:pass|secret|token|credential|psk|private)[\w-]*"?\s*:\s*)(\S.*)$/i, '$1•••••')
    .replace(/(\/\/[^/\s:@]*:)[^@\s]*@/g, '$1•••••@')
}

function keepKey(value: string): string {
  const key = /^(-\s*)?["']?[\w-]+["']?\s*:\s*/.exec(value)?.[0]
  return key === undefined ? '•••••' : value.length > key.length ? `${key}•••••` : value
}

/** `file:line:column  path  message`, the source line and a caret. */
export function printProblem(problem: PlacedProblem): string {
  const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`
  const warning = problem.severity === 'warning' ? 'warning: ' : ''
  const head = [place, problem.path, warning + problem.message].filter((part) => part !== '').join('  ')
  const hint = problem.suggestion === undefined ? '' : ` ${problem.suggestion}`
  if (problem.line === 0) return hint === '' ? head : `${head}\n     |${hint}`
  const number = String(problem.line).padStart(4)
  return `${head}\n${number} | ${problem.source}\n     | ${' '.repeat(problem.column - 1)}^${hint}`
}

/** The closest of `candidates` to a misspelt word: at most two edits away. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = 3
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best === undefined ? undefined : `did you mean "${best}"?`
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
