/** The source files of the project with what they import, as the compiler reads them. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import ts from 'typescript'
import { root } from './root.js'

export interface Import {
  /** The file imported, without extension and from the root (`src/model`), or the name of a package (`node:fs`). */
  readonly target: string
  /** What is imported exists for the compiler only. */
  readonly typeOnly: boolean
  /** `import()`: read when it is reached, not at start. */
  readonly lazy: boolean
}

export interface FunctionSize {
  readonly name: string
  /** Lines that are neither blank nor comment. */
  readonly lines: number
}

export interface SourceFile {
  /** From the root, without extension: `src/journal/lock`. */
  readonly path: string
  readonly lines: number
  readonly imports: readonly Import[]
  readonly functions: readonly FunctionSize[]
  /** Names of its classes, interfaces and types. */
  readonly types: readonly { readonly name: string; readonly kind: 'class' | 'interface' | 'type' }[]
}

/** Every TypeScript file under the folders, those without statements of their own (`.d.ts`) left out. */
export function readSources(...folders: string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
      .sort()
      .map((name) => parseSource(join(folder, name), readFileSync(join(root, folder, name), 'utf8'))),
  )
}

export function parseSource(file: string, text: string): SourceFile {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true)
  const imports: Import[] = []
  const functions: FunctionSize[] = []
  const types: { name: string; kind: 'class' | 'interface' | 'type' }[] = []
  const visit = (node: ts.Node): void => {
    const found = importOf(node)
    if (found) imports.push({ ...found, target: resolveTarget(file, found.target) })
    if (ts.isFunctionLike(node) && 'body' in node && node.body) functions.push(sizeOf(node, tree))
    if (ts.isClassDeclaration(node)) types.push({ name: node.name?.text ?? '', kind: 'class' })
    if (ts.isInterfaceDeclaration(node)) types.push({ name: node.name.text, kind: 'interface' })
    if (ts.isTypeAliasDeclaration(node)) types.push({ name: node.name.text, kind: 'type' })
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return { path: withoutExtension(file), lines: text.trimEnd().split('\n').length, imports, functions, types }
}

/** The import that a node makes; its target as written. */
function importOf(node: ts.Node): Import | undefined {
  if (ts.isImportDeclaration(node))
    return { target: textOf(node.moduleSpecifier), typeOnly: onlyTypes(node), lazy: false }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
    return { target: textOf(node.moduleSpecifier), typeOnly: node.isTypeOnly, lazy: false }
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return { target: textOf(node.argument.literal), typeOnly: true, lazy: false }
  }
  if (!ts.isCallExpression(node) || node.arguments.length !== 1) return undefined
  const [argument] = node.arguments
  if (!argument || !ts.isStringLiteral(argument)) return undefined
  if (node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return { target: argument.text, typeOnly: false, lazy: true }
  const required = ts.isIdentifier(node.expression) && node.expression.text === 'require'
  return required ? { target: argument.text, typeOnly: false, lazy: false } : undefined
}

function onlyTypes({ importClause }: ts.ImportDeclaration): boolean {
  if (!importClause) return false
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const { namedBindings } = importClause
  if (importClause.name || !namedBindings || !ts.isNamedImports(namedBindings)) return false
  return namedBindings.elements.every(({ isTypeOnly }) => isTypeOnly)
}

function textOf(node: ts.Node): string {
  return ts.isStringLiteral(node) ? node.text : node.getText()
}

function resolveTarget(file: string, written: string): string {
  return written.startsWith('.') ? withoutExtension(normalize(join(dirname(file), written))) : packageOf(written)
}

/** `csv-stringify/sync` is of the package `csv-stringify`. */
function packageOf(written: string): string {
  if (written.startsWith('node:')) return written
  const parts = written.split('/')
  return parts.slice(0, written.startsWith('@') ? 2 : 1).join('/')
}

function withoutExtension(path: string): string {
  return path.replace(/\.[jt]s$/, '')
}

function sizeOf(node: ts.SignatureDeclaration, tree: ts.SourceFile): FunctionSize {
  const code = node.getText(tree).replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
  const lines = code.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length
  return { name: nameOf(node), lines }
}

function nameOf(node: ts.SignatureDeclaration): string {
  if (node.name) return node.name.getText()
  const { parent } = node
  return ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) ? parent.name.getText() : '(anonymous)'
}
