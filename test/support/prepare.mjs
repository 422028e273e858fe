/**
 * Makes a clone ready: `node test/support/prepare.mjs [--for demo|test]`. Plain JavaScript, because it runs before
 * anything is installed or compiled. Says what it does before it does it; a second run takes a second.
 */
const OLDEST = [20, 19]
const EXIT_CONFIG = 78

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  console.error(`punchd needs Node ${OLDEST.join('.')} or newer; this is Node ${process.versions.node}.`)
  console.error(
    'Install a newer one (https://nodejs.org/en/download, or the nodejs package of Debian 13) and try again.',
  )
  process.exit(EXIT_CONFIG)
}

// Imported only now: an old Node would stumble over the syntax before it could say what is wrong.
const { prepare } = await import('./prepare/main.mjs')
await prepare(process.argv.slice(2))
