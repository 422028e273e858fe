/**
 * `npm test` after everything is ready: every chapter in a process of its own, several at a time, the linter beside
 * them. `--lanes N`: exactly so many at a time. With other words it is mocha as it is, in one process: `npm test -- -g receipts`,
 * `npm run test:only -- dist/test/30.outbox.test.js`.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../root.js'
import { endWith } from './chapter.js'
import { allChapters } from './chapters.js'
import { lanesHere, runLanes, type Program } from './lanes.js'

const LINT: Program = { name: 'lint', command: ['npm', 'run', '--silent', 'lint'] }
const ALL = 'dist/test/**/*.test.js'

const words = process.argv.slice(2)
const beside = words[0] === '--lint' ? [LINT] : []
const asked = words.slice(beside.length)
const [flag, number, ...more] = asked
const given = flag === '--lanes' && more.length === 0 ? Number(number) : undefined

if (asked.length === 0 || given) {
  endWith(['SIGINT', 'SIGTERM', 'SIGHUP'])
  const print = (text: string): void => void process.stdout.write(text)
  const how = { lanes: given ?? lanesHere(), quietLane: given === undefined }
  const failed = await runLanes({ chapters: allChapters(), beside, print, ...how })
  process.exitCode = failed > 0 ? 1 : 0
} else {
  const files = asked.some((word) => word.endsWith('.test.js')) ? [] : [ALL]
  const mocha = [process.execPath, join(root, 'node_modules/mocha/bin/mocha.js'), ...files, ...asked] as const
  const failed = [...beside.map(({ command }) => command), mocha].find((command) => !ends(command))
  process.exitCode = failed ? 1 : 0
}

function ends([program, ...args]: readonly [string, ...string[]]): boolean {
  return spawnSync(program, args, { cwd: root, stdio: 'inherit' }).status === 0
}
