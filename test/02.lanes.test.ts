/** How `npm test` runs the chapters: side by side, and none that fails, dies or stays goes unseen. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { allChapters, ALONE, WAIT, WORK } from './support/lanes/chapters.js'
import { runLanes, type Chapter, type Program } from './support/lanes/lanes.js'
import { root } from './support/root.js'
import { tempFolder } from './support/temp.js'

const SKIP = JSON.stringify(new URL('./support/skip.js', import.meta.url).href)
const NO_ERROR = { passed: 1, failed: 0, skipped: 0 }

describe('the lanes', function () {
  this.timeout(60_000)
  const folder = tempFolder()

  function chapter(name: string, body: string, over: Partial<Chapter> = {}): Chapter {
    const file = folder.file(`${name}.test.mjs`)
    const head = `import { existsSync, readFileSync, writeFileSync, appendFileSync } from 'node:fs'; import { skip } from ${SKIP};
      const path = (name) => ${JSON.stringify(folder.path)} + '/' + name;
      const until = async (holds) => { while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5)) };\n`
    writeFileSync(file, `${head}describe('${name}', function () { ${body} })\n`)
    return { name, file, seconds: 0, quiet: false, alone: false, ...over }
  }
  /** One test that writes as it begins and, perhaps a while later, as it ends. */
  const noted = (name: string, ms = 0): string =>
    `it('is noted', async () => { appendFileSync(path('order'), '<${name}')
      if (${ms}) await new Promise((resolve) => setTimeout(resolve, ${ms})); appendFileSync(path('order'), '>') })`

  async function run(chapters: readonly Chapter[], lanes = 2, beside: readonly Program[] = [], quietLane = false) {
    let text = ''
    const failures = await runLanes({ chapters, beside, lanes, quietLane, print: (more) => void (text += more) })
    const totals = /(\d+) passed, (\d+) failed, (\d+) skipped\n$/.exec(text)
    assert.ok(totals, text)
    const [passed, failed, skipped] = totals.slice(1).map(Number)
    assert.equal(failures, failed)
    return { text, totals: { passed, failed, skipped } }
  }

  it('know every chapter there is a source of, once', () => {
    const names = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.test.ts'))
      .map((path) => path.slice(0, -'.test.ts'.length))
    assert.ok(names.length > 90)
    assert.deepEqual(allChapters().map(({ name }) => name), names.sort()) // prettier-ignore
    assert.deepEqual([...Object.keys(WORK), ...Object.keys(WAIT), ...Object.keys(ALONE)].filter((name) => !names.includes(name)), []) // prettier-ignore
  })

  it('run two at once, and print one after the other in their order', async () => {
    const meet = (own: string, other: string): string =>
      `it('meets', async () => { writeFileSync(path('${own}'), ''); console.log('${own} speaks')
        await until(() => existsSync(path('${other}'))); console.log('${own} ends') })`
    const { text, totals } = await run([chapter('one', meet('a', 'b')), chapter('two', meet('b', 'a'))])
    assert.deepEqual(totals, { passed: 2, failed: 0, skipped: 0 })
    assert.deepEqual(text.match(/[ab] (speaks|ends)/g), ['a speaks', 'a ends', 'b speaks', 'b ends'])
  })

  it('begin with the longest, leave for the end what must be alone, and come to all of them', async () => {
    const chapters = [
      chapter('lonely', noted('L'), { alone: true }),
      chapter(
        'short',
        `it('lets the long ones go first', () => until(() => existsSync(path('order')) && readFileSync(path('order')).includes('>')))`,
      ),
      chapter('brief', noted('b')),
      chapter('long', noted('l'), { seconds: 9 }),
    ]
    const { totals } = await run(chapters)
    assert.deepEqual(totals, { passed: 4, failed: 0, skipped: 0 })
    assert.equal(readFileSync(folder.file('order'), 'utf8'), '<l><b><L>')
  })

  it('have one more for those that mostly wait, and for nothing else', async () => {
    const wait = (name: string): string => `it('waits', () => until(() => existsSync(path('${name}'))));`
    const set = (name: string): string => `it('goes on', () => writeFileSync(path('${name}'), ''));`
    const both = [chapter('one', wait('begun') + set('a')), chapter('quiet', set('begun') + wait('a'), { quiet: true })]
    const { totals, text } = await run(both, 1, [], true)
    assert.deepEqual(totals, { passed: 4, failed: 0, skipped: 0 })
    assert.match(text, /in 1 lane and a quiet one/)
    const others = [chapter('first', noted('f', 500)), chapter('second', noted('s', 500))]
    await run(others, 1, [], true)
    assert.equal(readFileSync(folder.file('order'), 'utf8'), '<f><s>')
  })

  it('tell at the end what failed, and why something was skipped', async () => {
    const { text, totals } = await run([
      chapter('bad', `it('is wrong', () => { throw new Error('so it is') }); it('is right', () => {})`),
      chapter('lame', `it('cannot', function () { skip(this, 'no legs') })`),
      chapter('good', `it('is right', () => {})`),
    ])
    assert.deepEqual(totals, { passed: 2, failed: 1, skipped: 1 })
    const end = text.slice(text.indexOf('3 chapters in'))
    assert.match(end, /Failed in bad:\n\n {2}1\) bad\n {7}is wrong:\n[^]*Error: so it is/)
    assert.match(end, /Skipped:\n {4}lame cannot: no legs\n/)
  })

  for (const [what, body, said] of [
    ['dies of a signal', `it('ends', () => { process.kill(process.pid, 'SIGKILL'); return new Promise(() => {}) })`, 'SIGKILL before it was through'], // prettier-ignore
    ['ends itself in the middle', `it('ends', () => process.exit(0))`, 'ended before it was through'],
    ['cannot be read', `it('is', ) => )`, 'exit code 1 before it was through'],
    ['cannot be loaded', `throw new Error('no')`, 'exit code 1 before it was through'],
    ['does not end', `it('is right', () => { setInterval(() => {}, 1000) })`, 'exit code 1 though no test failed'],
  ] as const) {
    it(`count one that ${what} as failed`, async () => {
      const { text, totals } = await run([chapter('bad', body), chapter('good', `it('is right', () => {})`)])
      assert.deepEqual({ ...totals, passed: 1 }, { ...NO_ERROR, failed: 1 })
      assert.ok(text.slice(text.indexOf('Failed in bad')).includes(said), text)
    })
  }

  it('count what runs beside them, too', async () => {
    const chapters = [chapter('good', `it('is right', () => {})`)]
    const program = (code: string): Program => ({ name: 'lint', command: [process.execPath, '-e', code] })
    const wrong = await run(chapters, 1, [program(`console.log('a comma too many'); process.exitCode = 1`)])
    assert.deepEqual(wrong.totals, { ...NO_ERROR, failed: 1 })
    assert.match(wrong.text, /Failed in lint:\n\n {2}lint ended with exit code 1:\n\na comma too many/)
    const right = await run(chapters, 2, [program(`console.log('nothing to say')`)])
    assert.deepEqual(right.totals, NO_ERROR)
  })
})
