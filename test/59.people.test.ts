/** The people list as operators use it: the verbs, the running daemon, a real broker. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { Journal } from '../src/journal/journal.js'
import { Broker, hasMosquitto, Listener } from './support/broker.js'
import type { Child, Ended } from './support/child.js'
import { startDaemon, verb, writeConfig } from './support/daemon.js'
import { IDENTITY } from './support/records.js'
import { skip } from './support/skip.js'
import { Tapper } from './support/taps.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const CSV = `ref,name,department,language,validFrom,validTo,credentials
1042,Canaria Vogel,Geheimes,de,2026-01-01,,card:0A00123456;fingerprint:5@door
1043,Berta Vogel,Geheimes,de,,2026-01-01,card:0A00999999
`

type Json = Record<string, unknown>

describe('punchd people', function () {
  this.timeout(90_000)
  const folder = tempFolder()
  let config: string[]
  const run = (...args: string[]): Promise<Ended> => verb([...args, ...config])
  const file = (text: string): string => {
    writeFileSync(folder.file('people.csv'), text)
    return folder.file('people.csv')
  }
  /** A journal as a daemon leaves it. */
  const stopped = (): void => new Journal(folder.file('journal.db'), IDENTITY).close()
  beforeEach(() => (config = ['--config', writeConfig(folder.path)]))

  it('needs the journal of a daemon', async () => {
    const { code, stderr } = await run('people', 'import', file(CSV))
    assert.deepEqual([code, /there is no journal at .*journal\.db\n {2}has the daemon run/.test(stderr)], [69, true], stderr) // prettier-ignore
  })

  it('imports, lists and shows without a running daemon, and puts it on record', async () => {
    stopped()
    const { code, stdout, stderr } = await run('people', 'import', file(CSV))
    assert.equal(code, 0)
    assert.match(
      stderr,
      /^warning: .*people\.csv:2 {2}a fingerprint counts at the reader "door", which is not configured: .*\n$/,
    )
    assert.equal(stdout, '2 people with 3 credentials: 2 added, 0 updated, 0 removed.\n')
    const listed = await run('people', 'list')
    assert.match(listed.stdout, /^1042 +Canaria Vogel +Geheimes +from 2026-01-01 +2 credentials\n1043 +Berta/)
    assert.ok(!listed.stdout.includes('0A00123456'))
    const shown = await run('people', 'show', '1042', '--json')
    assert.deepEqual((JSON.parse(shown.stdout) as Json)['credentials'], [
      { type: 'card', value: '0A00123456', scope: 'global' },
      { type: 'fingerprint', value: '5', scope: 'door' },
    ])
    const audits = (await run('export', 'ndjson')).stdout.split('\n').filter((line) => line.includes('"audit/1"')).map((line) => JSON.parse(line) as Json) // prettier-ignore
    assert.deepEqual(audits.map(({ type, subject }) => [type, subject]), [['people-imported', 'people'], ['person-viewed', '1042']]) // prettier-ignore
    assert.equal((audits[1]?.['detail'] as Json)['what'], 'people show')
    const again = JSON.parse((await run('people', 'import', '--replace', '--json', file('ref\n1043\n'))).stdout) as Json
    assert.deepEqual(again, { people: 1, added: 0, updated: 1, removed: 1, kept: 0, credentials: 0, released: 0 })
  })

  it('names every bad row and imports nothing', async () => {
    stopped()
    const bad = file(`${CSV}1042,Again,,,,,\n1044,Cid,,,1.2.2026,,card:0a00123456\n`)
    for (const json of [[], ['--json']]) {
      const { code, stdout, stderr } = await run('people', 'import', bad, ...json)
      assert.equal(code, 65)
      assert.match(stderr, /people\.csv:4 {2}ref 1042 stands on line 2 already\n.*:5 {2}validFrom "1\.2\.2026" is no day: write 2026-02-01\n.*:5 {2}a card value.*write card:0A00123456\n3 problems; nothing was imported\.\n$/) // prettier-ignore
      assert.equal(stdout === '' ? 0 : (JSON.parse(stdout) as { problems: unknown[] }).problems.length, json.length * 3)
    }
    assert.equal((await run('people', 'list')).stdout, '')
  })

  it('refuses a card of somebody who stays on the list, names an unknown ref and a missing file', async () => {
    stopped()
    await run('people', 'import', file(CSV))
    const { code, stderr } = await run('people', 'import', file('ref,credentials\n7,card:0A00123456\n'))
    assert.deepEqual([code, /people\.csv:2 {2}the card …3456 belongs to 1042 of the list.*--replace/.test(stderr)], [65, true], stderr) // prettier-ignore
    const unknown = await run('people', 'show', '7')
    assert.deepEqual([unknown.code, /no ref "7"/.test(unknown.stderr)], [65, true])
    assert.equal((await run('people', 'import', folder.file('none.csv'))).code, 65)
  })

  describe('with a running daemon', () => {
    let broker: Broker
    let listener: Listener
    let door: Tapper
    let daemon: Child

    before(function () {
      if (!hasMosquitto()) skip(this, 'mosquitto is not installed')
    })
    async function start(...policy: string[]): Promise<void> {
      broker = await Broker.start(folder.path)
      listener = await Listener.listen(broker.url)
      door = await Tapper.start()
      config = [
        '--config',
        writeConfig(folder.path, {
          url: broker.url,
          readers: [[...door.reader('door'), 'options: { hold: 100ms }']],
          lines: policy,
        }),
      ]
      daemon = await startDaemon(config[1] ?? '')
      await door.connected()
    }
    afterEach(async () => {
      daemon.process.kill('SIGTERM')
      assert.equal((await daemon.ended).code, 0)
      await listener.close()
      await door.close()
      await broker.down()
    })
    const tapped = async (tag: string, count: number): Promise<Json | undefined> => {
      door.tap(tag)
      await until(() => listener.json('/punch/').length === count, 10_000, `punch ${count}`)
      return listener.json('/punch/').at(-1)
    }

    it('a new list counts at once; strangers are unknown; nothing of it is in the log', async () => {
      await start()
      assert.deepEqual(picked(await tapped('0A00123456', 1)), ['accepted', null])
      assert.equal((await run('people', 'import', file(CSV))).code, 0)
      assert.deepEqual(picked(await tapped('0A00777777', 2)), ['unknown', null])
      assert.deepEqual(picked(await tapped('0A00123456', 3)), ['repeat', { ref: '1042' }])
      assert.deepEqual(picked(await tapped('0A00999999', 4)), ['unknown', null])
      await until(() => listener.json('event/credential-refused').length === 1)
      assert.deepEqual(listener.json('event/credential-refused')[0]?.['detail'], { reason: 'expired' })
      const { stdout } = await run('punches', '--person', '1042', '--json')
      assert.equal(stdout.trim().split('\n').length, 1)
      await until(() => listener.json('event/person-viewed').length === 1)
      assert.equal(listener.json('event/person-viewed')[0]?.['subject'], '1042')
      assert.doesNotMatch(daemon.output.stderr, /0A00123456|0A00777777|0A00999999|Vogel|Geheimes/)
    })

    it('punches of strangers are held until the list learns them, where that is wished', async () => {
      await start('policy: { unknown: hold }')
      assert.equal((await run('people', 'import', file(CSV))).code, 0)
      door.tap('0A00777777')
      await until(() => listener.json('event/unknown-credential').length === 1)
      assert.deepEqual(picked(await tapped('0A00123456', 1)), ['accepted', { ref: '1042' }])
      const [parked] = (JSON.parse((await run('backlog', '--json')).stdout) as Json[]).filter(({ state }) => state === 'parked') // prettier-ignore
      assert.equal(parked?.['code'], 'unknown-held')
      const { stdout } = await run('people', 'import', file('ref,credentials\n7,card:0A00777777\n'))
      assert.match(stdout, /1 held punch can be sent now/)
      await until(() => listener.json('/punch/').length === 2)
      assert.deepEqual(picked(listener.json('/punch/')[1]), ['unknown', null])
    })

    it('a second factor that does not come is a correction at the broker', async () => {
      await start('policy: { verify: [{ place: door, factors: [card, fingerprint], within: 200ms }] }')
      await run('people', 'import', file(CSV))
      const punch = await tapped('0A00123456', 1)
      await until(() => listener.json('/correction/door').length === 1, 20_000, 'the correction')
      const [correction] = listener.json('/correction/')
      assert.deepEqual([correction?.['of'], correction?.['schema']], [punch?.['id'], 'correction/1'])
      assert.deepEqual(correction?.['verification'], { state: 'missing', rule: 'door:card+fingerprint' })
    })
  })
})

function picked(punch: Json | undefined): unknown[] {
  return [punch?.['verdict'], punch?.['person']]
}
