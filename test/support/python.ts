/** The second verifier, which is not ours: one process for many files. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { publicKeyIn } from './forge.js'
import type { Anchor } from '../../src/journal/anchor.js'
import type { Result } from '../../src/verify/verify.js'
import { startChild } from './child.js'
import { root } from './root.js'
import type { KeyObject } from 'node:crypto'

const SCRIPT = join(root, 'test/verify/verify.py')
/** A command line holds so many names. */
const AT_ONCE = 2_000

export function rawKey(signing: KeyObject): string {
  return publicKeyIn(signing).export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
}

/** What Python says of these files, one line for each. */
export async function pythonSays(
  folder: string,
  files: readonly Buffer[],
  key: string,
  anchor?: Anchor,
): Promise<string[]> {
  const said: string[] = []
  for (let begin = 0; begin < files.length; begin += AT_ONCE) {
    const batch = join(folder, `batch-${begin}`)
    mkdirSync(batch)
    const names = files.slice(begin, begin + AT_ONCE).map((file, index) => {
      const name = `${index}.ndjson`
      writeFileSync(join(batch, name), file)
      return name
    })
    const anchored = anchor ? ['--anchor', 'anchor'] : []
    if (anchor) writeFileSync(join(batch, 'anchor'), JSON.stringify(anchor))
    const script = 'exec python3 "$@" 2>&1'
    const args = ['-c', script, 'sh', SCRIPT, '--key', key, ...anchored, '--', ...names]
    const { stdout } = await startChild('sh', args, { cwd: batch }).ended
    said.push(
      ...stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/^punchd: \d+\.ndjson:/, 'FILE:')),
    )
    rmSync(batch, { recursive: true })
  }
  return said
}

/** The same line for what our verifier found. */
export function lineFor(result: Result): string {
  if (result.ok === undefined) return `FILE:${result.line} is no record of an export`
  if (!result.ok) return `seq ${result.seq}: ${result.kind}`
  const { count, erased, from, to, head } = result
  return `ok: ${count} record${count === 1 ? '' : 's'} (${erased} erased), seq ${from ?? 0}-${to ?? 0}, head ${head ?? 'none'}`
}
