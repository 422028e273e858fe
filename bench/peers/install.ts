/**
 * Brings peers that are not ours into a folder of the user's, never into the repository, and only when asked to
 * (`--install DIR`). What is there already stays; what cannot be had is said and left out.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BenchError } from '../outcome.js'

const USAGE = 64
const ROOT = realpathSync(fileURLToPath(new URL('../../../', import.meta.url)))
const ASK = 'npm run bench -- peers --install DIR'
const MOST_MS = 600_000
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
/** Node-RED 5 needs Node 22.9. */
const NODE_RED = major > 22 || (major === 22 && minor >= 9) ? 'node-red@5' : 'node-red@4.1.15'

interface Install {
  readonly folder: string
  /** Present when it is installed. */
  readonly proof: string
  /** How to get it, for who does not have it. */
  readonly get: string
}

const THINGSBOARD = 'https://github.com/thingsboard/thingsboard-gateway'
/** The commit that was looked at: 3.8.3 and a little more. */
const THINGSBOARD_COMMIT = '7cd4bea11891226abf113e3c5cbd32bf83e398d8'

export const INSTALLS = {
  level: { folder: 'mqtt-level-store', proof: 'node_modules/mqtt-level-store/package.json', get: ASK },
  nodeRed: { folder: 'node-red', proof: 'node_modules/node-red/red.js', get: ASK },
  nodeRedSqlite: {
    folder: 'node-red',
    proof: 'node_modules/sqlite3/build/Release/node_sqlite3.node',
    get: `${ASK} (sqlite3 brings a binary or is built: g++ make python3)`,
  },
  thingsboard: {
    folder: 'thingsboard-gateway',
    proof: 'thingsboard_gateway/storage/event_storage.py',
    get: `${ASK}, or --thingsboard PATH of a checkout of ${THINGSBOARD}; python3`,
  },
} as const satisfies Readonly<Record<string, Install>>

/** Refuses a folder inside the repository, also behind a symbolic link. */
export function outside(folder: string): string {
  const path = resolve(folder)
  let there = path
  while (!existsSync(there)) there = dirname(there)
  const real = resolve(realpathSync(there), path.slice(there.length).replace(/^\/+/, ''))
  if (real !== ROOT && !real.startsWith(ROOT + sep)) return real
  throw new BenchError(`${folder} is inside the repository: peers belong elsewhere`, USAGE)
}

/** Installs what is missing; says of each what came of it. */
export function install(dir: string, say: (progress: string) => void): void {
  const wanted: readonly [Install, string, (folder: string) => string | undefined][] = [
    [INSTALLS.level, 'mqtt-level-store', (folder) => npm(folder, 'mqtt-level-store@3.1.0')],
    [INSTALLS.nodeRed, 'Node-RED', (folder) => npm(folder, NODE_RED)],
    [INSTALLS.nodeRedSqlite, 'node-red-node-sqlite', (folder) => npm(folder, 'node-red-node-sqlite@1.1.1')],
    [INSTALLS.thingsboard, 'thingsboard-gateway', checkout],
  ]
  for (const [{ folder, proof }, name, bring] of wanted) {
    const path = join(dir, folder)
    if (existsSync(join(path, proof))) continue
    say(`peers: installing ${name} into ${path}`)
    mkdirSync(path, { recursive: true })
    const trouble = bring(path) ?? (existsSync(join(path, proof)) ? undefined : `${proof} is not there afterwards`)
    if (trouble !== undefined) say(`peers: ${name} cannot be installed: ${trouble}`)
  }
}

function npm(folder: string, what: string): string | undefined {
  const description = join(folder, 'package.json')
  // Without one npm would look for one further up.
  if (!existsSync(description)) writeFileSync(description, '{"private":true}\n')
  // Native parts come with their packages or are built there: without install scripts they would not.
  return run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts=false', what], folder)
}

/** One commit, without its history. */
function checkout(folder: string): string | undefined {
  const steps = [
    ['init', '--quiet'],
    ['fetch', '--quiet', '--depth', '1', THINGSBOARD, THINGSBOARD_COMMIT],
    ['checkout', '--quiet', 'FETCH_HEAD'],
  ]
  for (const step of steps) {
    const trouble = run('git', step, folder)
    if (trouble === undefined) continue
    rmSync(folder, { recursive: true })
    return trouble
  }
  return undefined
}

/** Undefined, or the last line of what it complained about. */
function run(program: string, args: readonly string[], cwd: string): string | undefined {
  const env = { ...process.env, GIT_TERMINAL_PROMPT: '0' }
  const { status, stderr, error } = spawnSync(program, args, { cwd, env, encoding: 'utf8', timeout: MOST_MS })
  if (status === 0) return undefined
  return error?.message ?? `${program} ${args[0] ?? ''}: ${stderr.trim().split('\n').at(-1) ?? ''}`
}
