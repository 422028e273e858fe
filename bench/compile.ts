/** The C programs of this folder are compiled where they are used. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { sourceFile } from './child.js'

/** What a C program needs besides a compiler. */
export interface Library {
  /** As in `#include <sqlite3.h>`. */
  readonly header: string
  /** As in `-lsqlite3`. */
  readonly name: string
}

/** Compiles `bench/<name>.c` into `folder`; undefined without a compiler, or without the library. */
export function compile(
  name: string,
  folder: string,
  flags: readonly string[] = [],
  library?: Library,
): string | undefined {
  if (library && !hasHeader(library.header)) return undefined
  const output = join(folder, name)
  // A library comes after the program that needs it.
  const libraries = ['-ldl', ...(library ? [`-l${library.name}`] : [])]
  const args = ['-O2', '-Wall', ...flags, '-o', output, sourceFile(`${name}.c`), ...libraries]
  const { error, status, stderr } = spawnSync('cc', args, { encoding: 'utf8' })
  if (error) return undefined
  if (status !== 0) throw new Error(`cc cannot compile ${name}.c: ${stderr}`)
  return output
}

function hasHeader(header: string): boolean {
  const { status } = spawnSync('cc', ['-E', '-x', 'c', '-'], { input: `#include <${header}>\n`, stdio: ['pipe', 'ignore', 'ignore'] }) // prettier-ignore
  return status === 0
}
