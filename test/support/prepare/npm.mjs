/** npm packages: installed when absent, or when they were installed for another lock file, Node or machine. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { headersFor } from './headers.mjs'
import { loadFailures, nativeReport } from './natives.mjs'
import { PrepareError, ROOT, runLogged, say } from './say.mjs'

const LOCK = join(ROOT, 'package-lock.json')
/** What npm itself writes about the tree that it installed. */
const INSTALLED = join(ROOT, 'node_modules/.package-lock.json')
const STAMP = join(ROOT, 'node_modules/.punchd-ready')
const PCSC_HEADER = '/usr/include/PCSC/winscard.h'

export async function installNpmPackages() {
  const stamp = stampNow()
  if (readIfThere(STAMP) === stamp) return
  const reason = await whyInstall()
  if (reason !== undefined) await install(reason)
  writeFileSync(STAMP, stamp)
}

/** Addons fit one ABI of Node on one architecture; nfc-pcsc can be built only while the header is there. */
function stampNow() {
  const lock = createHash('sha256').update(readFileSync(LOCK)).digest('hex')
  const { platform, arch, versions } = process
  // 2: better-sqlite3 compiled as headers.mjs says.
  return JSON.stringify({ format: 2, lock, platform, arch, abi: versions.modules, pcsc: existsSync(PCSC_HEADER) })
}

/** Packages that someone installed with npm by hand are taken over when they are right. */
async function whyInstall() {
  if (!existsSync(INSTALLED)) return 'nothing is installed yet'
  if (!agreesWithLock()) return 'package-lock.json has changed'
  if (existsSync(PCSC_HEADER) && !existsSync(join(ROOT, 'node_modules/nfc-pcsc'))) return 'NFC support can now be built'
  const broken = Object.keys(await loadFailures())
  return broken.length === 0 ? undefined : `${broken.join(', ')} cannot be loaded by Node ${process.versions.node}`
}

function agreesWithLock() {
  const locked = JSON.parse(readFileSync(LOCK, 'utf8')).packages
  const installed = JSON.parse(readFileSync(INSTALLED, 'utf8')).packages
  const stray = Object.keys(installed).filter((path) => locked[path]?.version !== installed[path].version)
  // Optional packages may be absent: npm leaves out those that do not build on this machine.
  const required = Object.keys(locked).filter(
    (path) => path !== '' && !locked[path].optional && !locked[path].devOptional,
  )
  return stray.length === 0 && required.every((path) => path in installed)
}

async function install(reason) {
  say(`Installing npm packages (${reason}); compiling the database can take some minutes.`)
  const [command, args] = npmCommand()
  const result = await runLogged(
    'npm ci',
    command,
    [...args, 'ci', '--include=dev', '--include=optional'],
    npmSettings(),
  )
  if (!result.ok) throw new PrepareError(whyFailed(result))
  const { lines, fatal } = nativeReport(await loadFailures())
  for (const line of lines) say(line)
  if (fatal !== undefined) throw new PrepareError(fatal)
}

/** The one cause that nearly everyone meets is told in a sentence; anything else as npm told it. */
function whyFailed({ log, end }) {
  const where = `all of its output: ${log}`
  const compilerMissing = /not found: make|find Python|(c\+\+|g\+\+): (not found|No such)/.test(
    readFileSync(log, 'utf8'),
  )
  if (!compilerMissing) return `npm ci failed (${where}):\n${end()}`
  const compiler = 'sudo apt-get install build-essential python3'
  return `npm ci has to compile the database and finds no C++ compiler (${where}).\nInstall one:  ${compiler}`
}

/** The npm that started us, where there is one: another one on the PATH may belong to another Node. */
function npmCommand() {
  const cli = process.env.npm_execpath
  return cli !== undefined && cli.endsWith('npm-cli.js') ? [process.execPath, [cli]] : ['npm', []]
}

function npmSettings() {
  const headers = headersFor(headersOfThisNode())
  return {
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    // Spares the download of headers, and overrides a setting that was made for another Node.
    ...(headers === undefined ? {} : { npm_config_nodedir: headers }),
  }
}

/** Most distributions of Node bring their C headers along, in the folder beside `bin`. */
function headersOfThisNode() {
  const prefix = dirname(dirname(realpathSync(process.execPath)))
  const header = readIfThere(join(prefix, 'include/node/node_version.h')) ?? ''
  const parts = ['MAJOR', 'MINOR', 'PATCH'].map((part) => header.match(`#define NODE_${part}_VERSION (\\d+)`)?.[1])
  return parts.join('.') === process.versions.node ? prefix : undefined
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
