/**
 * Evaluated before every other module: looks at Node, and keeps the start of the daemon small. V8 makes room and
 * loads its compilers for a program that starts busy; a daemon that idles all day keeps those pages for nothing
 * (measured: 76 MB against 62 MB). `releaseStart()` gives V8 its ways back once there is work.
 */
import { setFlagsFromString } from 'node:v8'

const OLDEST = [20, 19] as const
const LEAN = ['--semi-space-growth-factor=1', '--no-opt', '--no-sparkplug', '--max-lazy']
const USUAL = ['--semi-space-growth-factor=2', '--opt', '--sparkplug', '--no-max-lazy']

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  process.stderr.write(`punchd: Node ${OLDEST.join('.')} or newer is needed, this is ${process.versions.node}\n`)
  process.exit(78)
}
if (process.argv[2] === 'run') LEAN.forEach((flag) => setFlagsFromString(flag))

/** Call it when there is work in earnest. */
export function releaseStart(): void {
  USUAL.forEach((flag) => setFlagsFromString(flag))
}
