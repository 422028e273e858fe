/** Every codec, fed inputs that look almost right. `FUZZ_SEED=… FUZZ_INPUTS=…` repeats or lengthens a run. */
import assert from 'node:assert/strict'
import { drivers } from '../drivers/index.js'
import { CODECS, type Codec } from './support/codecs.js'
import { fuzz } from './support/fuzz.js'

const INPUTS = Number(process.env['FUZZ_INPUTS'] ?? 100_000)
const SEED = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

describe(`the codecs, after ${INPUTS} bent inputs each (FUZZ_SEED=${SEED})`, function () {
  this.timeout(INPUTS * 3)

  it('are all in the list', () => {
    const listed = new Set(CODECS.map(({ driver }) => driver))
    assert.deepEqual(drivers.map(({ name }) => name).filter((name) => !listed.has(name)), []) // prettier-ignore
  })

  for (const codec of CODECS) {
    it(`${codec.driver}: no throw, bounded memory${codec.proof ? ', nothing believed without a right check' : ''}`, () => {
      const { failures, mostHeld } = fuzz(codec, INPUTS, SEED)
      assert.deepEqual(failures, [])
      assert.ok(mostHeld <= codec.maxHeld)
    })
  }

  it('would find out a codec that believes anything, holds everything, or throws', () => {
    const [rdm6300] = CODECS
    assert.ok(rdm6300?.proof)
    const bad: readonly Codec[] = [
      { ...rdm6300, make: () => ({ push: (bytes) => [Buffer.from(bytes).toString('latin1').slice(1, 11)], held: 0 }) },
      { ...rdm6300, make: () => ({ push: () => [], held: 17 }) },
      { ...rdm6300, make: () => ({ push: () => { throw new Error('no') }, held: 0 }) }, // prettier-ignore
    ]
    for (const codec of bad) assert.ok(fuzz(codec, 200, SEED).failures.length > 0)
  })
})
