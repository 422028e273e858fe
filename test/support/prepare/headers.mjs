/**
 * The C headers to compile addons with. Those of Node 24.19 and newer 24 make every `node::ObjectWrap` take a clean-up hook
 * away when it is collected, and abort the process when that happens outside a context, as collections in idle
 * time do (nodejs/node#65446). better-sqlite3 12 has such objects. Compiled without the two hooks, as up to 24.18,
 * it runs on all of them.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const HEADER = 'node_object_wrap.h'
const HOOKS = /^ {4}(Add|Remove)CleanupHook\(\);\n/gm

/** `prefix` itself, or a copy of links with the one header mended; undefined stays undefined. */
export function headersFor(prefix) {
  if (prefix === undefined) return undefined
  const source = join(prefix, 'include/node')
  const header = join(source, HEADER)
  const text = existsSync(header) ? readFileSync(header, 'utf8') : ''
  if (!text.includes('RemoveCleanupHook')) return prefix
  const copy = mkdtempSync(join(tmpdir(), 'punchd-headers-'))
  process.on('exit', () => rmSync(copy, { recursive: true, force: true }))
  const folder = join(copy, 'include/node')
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(source)) if (name !== HEADER) symlinkSync(join(source, name), join(folder, name))
  writeFileSync(join(folder, HEADER), text.replace(HOOKS, ''))
  return copy
}
