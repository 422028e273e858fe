/** The order of things: system packages, npm packages, build. */
import { installDebianPackages } from './debian.mjs'
import { installNpmPackages } from './npm.mjs'
import { build } from './build.mjs'
import { PrepareError, say } from './say.mjs'

const PURPOSES = ['demo', 'test']

/** @param {string[]} args */
export async function prepare(args) {
  const startedAt = performance.now()
  try {
    const purpose = purposeOf(args)
    await installDebianPackages(purpose)
    await installNpmPackages()
    await build()
  } catch (error) {
    if (!(error instanceof PrepareError)) throw error
    say(`\nCannot go on: ${error.message}`)
    process.exit(1)
  }
  const seconds = (performance.now() - startedAt) / 1_000
  if (seconds > 2) say(`Prepared in ${seconds.toFixed(0)} s.`)
}

function purposeOf(args) {
  if (args.length === 0) return 'test'
  const [flag, purpose, ...rest] = args
  if (flag !== '--for' || !PURPOSES.includes(purpose) || rest.length > 0) {
    throw new PrepareError(`usage: node test/support/prepare.mjs [--for ${PURPOSES.join('|')}]`)
  }
  return purpose
}
