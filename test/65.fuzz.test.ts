/**
 * Every codec of the registry against what its vectors turn into when a wire spoils them: nothing throws, nothing hangs,
 * nothing is hoarded, and nobody is reported out of a frame whose check is wrong. The seed is printed;
 * `FUZZ_SEED=… FUZZ_INPUTS=… npx mocha dist/test/65.fuzz.test.js` repeats a run. A million: `npm run bench -- fuzz`.
 */
import { strict as assert } from 'node:assert'
import { drivers } from '../drivers/index.js'
import { bytesOf, readVectors } from './conformance/files.js'
import { CODECS } from './support/codecs.js'
import { inputOf } from './support/fuzz.js'
import { fuzzApart } from './support/fuzz-thread.js'

const SEED = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 0x7fff_ffff))
const INPUTS = Number(process.env['FUZZ_INPUTS'] ?? 100_000)
/** Enough for each planted fault many times over. */
const CONTROL_INPUTS = 3_000

describe(`the codecs under ${INPUTS} mutated inputs each (FUZZ_SEED=${SEED}) (E04, E05, E06)`, function () {
  this.timeout(180_000)

  it('are those of the whole registry', () => {
    const names = (list: readonly string[]): string[] => [...list].sort()
    const hint = 'every driver has a file in test/support/codecs/ and a row in test/support/codecs.ts'
    assert.deepEqual(names(CODECS.map(({ driver }) => driver)), names(drivers.map(({ name }) => name)), hint)
  })

  for (const { driver } of CODECS) {
    it(driver, async () => {
      const { failures, claims, bytes, ms } = await fuzzApart(driver, SEED, INPUTS)
      assert.deepEqual(failures, [], `FUZZ_SEED=${SEED}`)
      assert.ok(claims > INPUTS / 100, `only ${claims} good frames among the inputs: they test nothing`)
      console.log(`      ${claims} good frames found, ${Math.round((ms * 1e6) / bytes)} ns a byte`)
    })
  }

  it('get the same inputs from the same seed, and others from another', () => {
    const vectors = readVectors('drivers/pn532').map(({ hex }) => bytesOf(hex))
    const inputs = (seed: number): string[] =>
      Array.from({ length: 200 }, (_, input) => Buffer.from(inputOf(vectors, seed, input)).toString('hex'))
    assert.deepEqual(inputs(7), inputs(7))
    assert.ok(new Set([...inputs(7), ...inputs(8)]).size > 350)
  })
})

describe('the fuzz finds a codec that', function () {
  this.timeout(60_000)
  const FOUND = {
    throws: 'threw',
    hangs: 'hung',
    hoards: 'held too much',
    invents: 'claimed without a valid check',
    crawls: 'slow',
  }
  for (const [fault, what] of Object.entries(FOUND)) {
    it(fault, async () => {
      const { failures } = await fuzzApart(fault, SEED, CONTROL_INPUTS)
      assert.equal(failures[0]?.what, what)
      assert.match(failures[0].hex, /^([0-9a-f]{2})+$/)
    })
  }
})
