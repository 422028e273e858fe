/** Problems of a YAML file with their places: how they are found in the source and printed. */
import { isMap, isNode, isPair, isScalar, isSeq, type Document, type LineCounter, type Node } from 'yaml'
import { blanked, shownKey, shownLine, shownText } from './shown.js'

export { didYouMean } from './words.js'

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
  /** Keys that a file with secrets may have: of any other, neither key nor value is printed. */
  readonly words?: ReadonlySet<string>
}

/** Finds the place of each problem; in order of the file. */
export function placeProblems(source: Source, problems: readonly Problem[]): PlacedProblem[] {
  return problems.map((problem) => placed(source, problem)).sort((a, b) => a.line - b.line || a.column - b.column)
}

function placed(source: Source, problem: Problem): PlacedProblem {
  const { severity, suggestion } = problem
  const { words } = source
  const key = problem.path.at(-1)
  // Only of an unknown key does a message say the name.
  const named = words && problem.atKey === true && typeof key === 'string'
  const message = shownText(named ? problem.message.replace(key, () => shownKey(key, words)) : problem.message)
  const path = pathText(words ? problem.path.map((step) => shownStep(step, words)) : problem.path)
  if (problem.origin !== undefined) {
    return { file: problem.origin, line: 0, column: 0, path, message, suggestion, severity, source: '' }
  }
  const offset = problem.offset ?? offsetOf(source.document, problem.path, problem.atKey === true)
  const { line, col } = source.lines.linePos(offset)
  const text = source.text.split(/\r?\n/)[line - 1] ?? ''
  return {
    file: source.file,
    line,
    column: col,
    path,
    message,
    suggestion,
    severity,
    source: words ? shownLine(text, words) : blanked(text),
  }
}

function shownStep(step: string | number, words: ReadonlySet<string>): string | number {
  return typeof step === 'number' ? step : shownKey(step, words)
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
