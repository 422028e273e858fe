/** TypeScript → dist, when a source has changed since the last time. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { PrepareError, ROOT, runQuietly, say } from './say.mjs'

const STAMP = join(ROOT, 'dist/.built')
const COMPILER = 'node_modules/typescript/bin/tsc'

export async function build() {
  const inputs = fingerprint()
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === inputs) return
  removeOrphans()
  say('Building …')
  const { ok, stdout, stderr } = await runQuietly(process.execPath, [COMPILER, '-p', '.'])
  if (!ok) throw new PrepareError(`the build failed:\n${stdout}${stderr}`)
  writeFileSync(STAMP, inputs)
}

/** Changes whenever the compiler may have something to do. */
function fingerprint() {
  const { include } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8'))
  const sources = include.flatMap((folder) => filesIn(folder, '.ts'))
  const lines = [...sources.sort(), 'tsconfig.json', 'package-lock.json'].map(describe)
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}

/** A compiled test whose source has gone would still be run. */
function removeOrphans() {
  for (const output of filesIn('dist', '.js')) {
    const source = relative('dist', output).replace(/\.js$/, '.ts')
    if (existsSync(join(ROOT, source))) continue
    for (const path of [output, `${output}.map`]) rmSync(join(ROOT, path), { force: true })
  }
}

function filesIn(folder, ending) {
  if (!existsSync(join(ROOT, folder))) return []
  return readdirSync(join(ROOT, folder), { recursive: true })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(folder, path))
}

function describe(path) {
  const { size, mtimeMs } = statSync(join(ROOT, path))
  return `${path} ${size} ${mtimeMs}`
}
