/** The two C programs of this folder are compiled where they are used. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { sourceFile } from './child.js'

/** Compiles `bench/<name>.c` into `folder`; undefined without a compiler. */
export function compile(name: string, folder: string, flags: readonly string[] = []): string | undefined {
  const output = join(folder, name)
  const args = ['-O2', '-Wall', ...flags, '-o', output, sourceFile(`${name}.c`), '-ldl']
  const { error, status, stderr } = spawnSync('cc', args, { encoding: 'utf8' })
  if (error) return undefined
  if (status !== 0) throw new Error(`cc cannot compile ${name}.c: ${stderr}`)
  return output
}
