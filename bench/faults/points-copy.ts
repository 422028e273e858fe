/**
 * Named points, at which a daemon can be made to kill itself. A point is a comment in the source, `// point: name.where`
 * on a line of its own where a statement may stand: customers' processes do not even look at it. A copy of what was
 * built has a call in its place.
 *
 * A copy and no hook of the module loader: the journal's thread would need one of its own, which its empty `execArgv`
 * forbids, and each would cost a thread and a tenth of a second at every start; and what runs can be read.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const POINT = /^([ \t]*)\/\/ point: (\S+)$/gm
const BUILT = fileURLToPath(new URL('../../', import.meta.url))
const ROOT = dirname(BUILT)
const FOLDERS = ['src', 'drivers', 'simulators', 'bench']

export interface Point {
  readonly name: string
  /** From the folder that was searched. */
  readonly file: string
}

/** All points in the files below a folder that end so. */
export function pointsIn(folder: string, ending: '.ts' | '.js'): Point[] {
  return filesIn(folder, ending).flatMap((file) =>
    [...readFileSync(join(folder, file), 'utf8').matchAll(POINT)].map(([, , name = '']) => ({ name, file })),
  )
}

/** The points of the daemon, as it was built. */
export function builtPoints(): Point[] {
  return pointsIn(join(BUILT, 'src'), '.js')
}

/** Copies what was built into `folder`, with a call for each point; returns the path of a program in it. */
export function copyWithCalls(folder: string): (program: string) => string {
  const built = join(folder, 'dist')
  mkdirSync(built, { recursive: true })
  for (const name of FOLDERS) {
    const isProgram = (source: string): boolean => !source.endsWith('.map')
    cpSync(join(BUILT, name), join(built, name), { recursive: true, filter: isProgram })
    for (const file of filesIn(join(built, name), '.js')) putCalls(join(built, name, file))
  }
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return (program) => join(built, `${program}.js`)
}

function putCalls(file: string): void {
  const text = readFileSync(file, 'utf8')
  const called = text.replaceAll(POINT, '$1;passPoint("$2");')
  if (called === text) return
  const hook = pathToFileURL(fileURLToPath(new URL('points-hook.js', import.meta.url))).href
  writeFileSync(file, `import { passPoint } from ${JSON.stringify(hook)};\n${called}`)
}

function filesIn(folder: string, ending: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith(ending) && !name.endsWith('.d.ts')).sort()
}
