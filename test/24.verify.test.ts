/**
 * The tamper chapter: whatever is done to an export is found and named, by our verifier and by one in Python that shares no code
 * with it. VERIFY_RUNS=10000 lets both judge ten thousand exports (two minutes); without it Python judges a few hundred.
 */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { between, seeded } from '../simulators/random.js'
import { bytesOf, judged, newSigningKey, type Export } from './support/forge.js'
import { corrected, makeExports, type MadeJournal } from './support/exports.js'
import { lineFor, pythonSays, rawKey } from './support/python.js'
import { scrambled, TAMPERINGS, type Tampered } from './support/tampering.js'
import { makeTempFolder } from './support/temp.js'

const OF_EACH = 1_000
const IN_PYTHON = Number(process.env['VERIFY_RUNS'] ?? 400)
const SEED = Number(process.env['VERIFY_SEED'] ?? between(Math.random, 1, 1_000_000))

describe('the tamper chapter', () => {
  let folder = ''
  let made: MadeJournal[] = []
  let exports: Export[] = []
  const other = newSigningKey()

  before(async function () {
    this.timeout(60_000)
    folder = makeTempFolder()
    made = await makeExports(folder)
    exports = [...made, corrected()]
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  /** One more tampered export; those to which a thing cannot be done are passed over. */
  function* tampered(name: string, seed: number): Generator<Tampered & { readonly original: Export }> {
    const random = seeded(seed)
    for (;;) {
      const original = exports[between(random, 0, exports.length - 1)]!
      const found = TAMPERINGS[name]!(original, random, other)
      if (found) yield { ...found, original }
    }
  }

  function kept(file: Buffer): string {
    const name = join(folder, '..', `punchd-tampered-${process.pid}.ndjson`)
    writeFileSync(name, file)
    return name
  }

  it('lets sound exports of every shape pass, in both verifiers', async function () {
    this.timeout(60_000)
    for (const { name, records, summary, signing } of exports) {
      const file = bytesOf([...records, summary])
      const result = judged(file, signing)
      assert.equal(result.ok, true, `${name}: ${lineFor(result)}`)
      assert.deepEqual(await pythonSays(folder, [file], rawKey(signing)), [lineFor(result)], name)
    }
  })

  for (const name of Object.keys(TAMPERINGS)) {
    it(`finds ${OF_EACH} of: ${name}, and names what was done`, function () {
      this.timeout(120_000)
      const source = tampered(name, SEED)
      for (let run = 0; run < OF_EACH; run++) {
        const { file, kind, seq, anchor, original } = source.next().value as Tampered & { original: Export }
        const result = judged(file, original.signing, { anchor })
        const expected = seq === undefined && result.ok === false ? result.seq : seq
        if (lineFor(result) === `seq ${expected ?? 0}: ${kind}`) continue
        const where = `seed ${SEED}, run ${run}, ${original.name}, see ${kept(file)}`
        assert.equal(`${where}: ${lineFor(result)}`, `${where}: seq ${expected ?? '?'}: ${kind}`)
      }
    })
  }

  it(`finds nothing on which the two verifiers disagree in ${IN_PYTHON} exports, tampered with or scrambled`, async function () {
    this.timeout(60_000 + IN_PYTHON * 60)
    const kinds = Object.keys(TAMPERINGS)
    const sources = new Map(kinds.map((name, index) => [name, tampered(name, SEED + 1 + index)]))
    const random = seeded(SEED)
    const jobs = Array.from({ length: IN_PYTHON }, (_, run) => {
      const source = run % 5 === 4 ? undefined : sources.get(kinds[run % kinds.length]!)
      if (source) return source.next().value as Tampered & { original: Export }
      const original = exports[between(random, 0, exports.length - 1)]!
      return { file: scrambled(original, random), original, anchor: undefined }
    })
    let compared = 0
    // A process each for what shares key and anchor.
    const groups = new Map<string, typeof jobs>()
    for (const job of jobs) {
      const name = JSON.stringify([job.original.name, job.anchor])
      groups.set(name, [...(groups.get(name) ?? []), job])
    }
    for (const group of groups.values()) {
      const { original, anchor } = group[0]!
      const files = group.map(({ file }) => file)
      const said = await pythonSays(folder, files, rawKey(original.signing), anchor)
      assert.equal(said.length, files.length, said.at(-1))
      files.forEach((file, index) => agree(original, file, lineFor(judged(file, original.signing, { anchor })), said[index])) // prettier-ignore
      compared += files.length
    }
    assert.equal(compared, IN_PYTHON)
  })

  function agree({ name }: Export, file: Buffer, ours: string, theirs: string | undefined): void {
    if (ours !== theirs) assert.equal(ours, theirs, `seed ${SEED}, ${name}; see ${kept(file)}`)
  }
})
