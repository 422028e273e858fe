/**
 * Runs the tests with other versions of Node: `npm run test:matrix`, `npm run test:matrix -- 24`. Each version gets a
 * copy of the tracked files and packages of its own under .matrix/, because native packages fit one version only.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ROOT, runLogged, say } from './prepare/say.mjs'

const FOLDER = join(ROOT, '.matrix')
const MAJORS = ['22', '24']

const majors = process.argv.length > 2 ? process.argv.slice(2) : MAJORS
const rows = []
for (const major of majors) rows.push(await testWith(major))
console.log(
  ['', 'Node       result', ...rows.map(({ version, result }) => `${version.padEnd(10)} ${result}`)].join('\n'),
)
process.exitCode = rows.every(({ ok }) => ok) ? 0 : 1

async function testWith(major) {
  const node = join(FOLDER, `node-${major}/node_modules/node-linux-${process.arch}`)
  const fetched = await step(`node ${major}: fetch`, 'npm', fetchArgs(major), {}, ROOT)
  if (!fetched.ok) return { version: major, ...fetched }
  const version = execFileSync(join(node, 'bin/node'), ['-v'], { encoding: 'utf8' }).trim()
  const work = join(FOLDER, `work-${major}`)
  copyTrackedFiles(work)
  // Addons are compiled for the headers that stand beside that Node.
  const env = { PATH: join(node, 'bin') + delimiter + process.env.PATH, npm_config_nodedir: node }
  const prepared = await step(`${version}: install and build`, 'node', ['test/support/prepare.mjs'], env, work)
  if (!prepared.ok) return { version, ...prepared }
  const tested = await step(`${version}: test`, 'npm', ['run', 'test:only'], env, work)
  return { version, ...tested }
}

/** The npm package of a Node is that Node with its headers; its install script would only copy it about. */
function fetchArgs(major) {
  const prefix = join(FOLDER, `node-${major}`)
  return [
    'install',
    '--prefix',
    prefix,
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    `node-linux-${process.arch}@${major}`,
  ]
}

/** What is installed in the copy stays: the preparation there sees whether it still fits. */
function copyTrackedFiles(work) {
  const keep = ['node_modules', 'dist']
  const old = existsSync(work) ? readdirSync(work) : []
  for (const name of old.filter((entry) => !keep.includes(entry))) rmSync(join(work, name), { recursive: true })
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0').filter(Boolean)
  for (const path of tracked.filter((entry) => existsSync(join(ROOT, entry))))
    cpSync(join(ROOT, path), join(work, path))
}

/** Resolves to whether it went well, and the line that says so. */
async function step(name, command, args, env, cwd) {
  say(`${name} …`)
  const { ok, log, end } = await runLogged(name.replaceAll(/[: ]+/g, '-'), command, args, env, cwd)
  if (!ok) say(`${end()}\nAll of the output: ${log}`)
  const totals = end(20).match(/^\d+ passed, \d+ failed, \d+ skipped$/m)?.[0]
  return { ok, result: totals ?? (ok ? 'ok' : `failed: ${name}`) }
}
