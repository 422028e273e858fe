/** Native packages are loaded once in a process of their own: one built for another Node can kill the process. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, runQuietly } from './say.mjs'

/** `probe` goes as far as native code without touching hardware; a package without `without` cannot be missed. */
const NATIVES = [
  { name: 'better-sqlite3', folder: 'better-sqlite3', probe: `new (require('better-sqlite3'))(':memory:').close()` },
  { name: 'serialport', folder: 'serialport', probe: `require('serialport')` },
  { name: 'nfc-pcsc', folder: '@pokusew/pcsclite', probe: `require('@pokusew/pcsclite')`, without: 'NFC readers' },
]

const ABORTS = 'it was compiled against headers of Node 24.19 or newer, with which it ends the process now and then'

/** Loading does not show it: a collected statement does, some time later. See headers.mjs. */
function abortsLater() {
  const binary = join(ROOT, 'node_modules/better-sqlite3/build/Release/better_sqlite3.node')
  return existsSync(binary) && readFileSync(binary).includes('RemoveEnvironmentCleanupHook')
}

/** Name → reason, of those that are installed and cannot be loaded; a required one that is absent counts too. */
export async function loadFailures() {
  const failures = {}
  const tried = NATIVES.filter(({ folder, without }) => without === undefined || isInstalled(folder))
  await Promise.all(
    tried.map(async ({ name, probe }) => {
      const { ok, stderr } = await runQuietly(process.execPath, ['-e', probe])
      if (!ok) failures[name] = stderr.match(/^\w*Error: .*$/m)?.[0] ?? 'it ended the process'
      else if (name === 'better-sqlite3' && abortsLater()) failures[name] = ABORTS
    }),
  )
  return failures
}

/** What to tell: one line, one more for each package that does not work, and the reason to stop if there is one. */
export function nativeReport(failures) {
  const stateOf = ({ name, folder }) => (name in failures ? 'broken' : isInstalled(folder) ? 'ok' : 'not built')
  const lines = [`Native packages: ${NATIVES.map((native) => `${native.name} ${stateOf(native)}`).join(', ')}`]
  for (const native of NATIVES) {
    if (stateOf(native) === 'ok') continue
    if (native.without !== undefined) lines.push(`  goes without: ${native.without}`)
    if (native.name in failures) lines.push(`  ${native.name}: ${failures[native.name]}`)
  }
  const fatal = NATIVES.find(({ name, without }) => name in failures && without === undefined)
  return { lines, fatal: fatal && `${fatal.name} cannot be loaded: ${failures[fatal.name]}` }
}

function isInstalled(folder) {
  return existsSync(join(ROOT, 'node_modules', folder))
}
