/** The verbs that show what is stored: tail, punches, backlog, export. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Attendance, type Report } from '../src/attendance.js'
import { Journal } from '../src/journal/journal.js'
import { startChild, type Child, type Ended } from './support/child.js'
import { startVerb, verb, writeConfig } from './support/daemon.js'
import { auditDraft, cardReport, IDENTITY, momentAt, WALL } from './support/records.js'
import { root } from './support/root.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const MINUTE = 60_000
const HEADER =
  'seq,time,reader,place,direction,method,credential_type,credential,person,verdict,repeat_of,id,claim_time,claim_ahead_ms,claim_late'

describe('stored records', function () {
  this.timeout(60_000)
  const folder = tempFolder()
  let journal: Journal
  let attendance: Attendance
  let config: string[]

  beforeEach(() => {
    config = ['--config', writeConfig(folder.path)]
    journal = new Journal(folder.file('journal.db'), IDENTITY)
    attendance = new Attendance(journal, 5 * MINUTE, momentAt(0))
  })
  afterEach(() => journal.close())

  const store = (...reports: Report[]): void => void attendance.record(reports)
  async function run(...args: string[]): Promise<Ended> {
    const ended = await verb([...args, ...config])
    assert.equal(ended.code, 0, ended.stderr)
    return ended
  }
  const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')
  const json = (text: string): Record<string, unknown>[] =>
    lines(text).map((line) => JSON.parse(line) as Record<string, unknown>)

  /** 8:00 at the gate, 8:01 again, 9:00 at the yard; an event between. */
  function morning(): void {
    store(cardReport('0A00123456', 0))
    store(cardReport('0A00123456', MINUTE))
    journal.append([auditDraft('reader-lost', 2 * MINUTE)])
    store(cardReport('0B00654321', 60 * MINUTE, { reader: 'yard', place: 'yard', direction: 'none' }))
  }

  describe('as punches', () => {
    it('are lines for people, who see the end of a credential only', async () => {
      morning()
      const { stdout, stderr } = await run('punches')
      assert.equal(stderr, '')
      assert.deepEqual(
        lines(stdout).map((line) => line.replace(/ +/g, ' ').trim()),
        [
          '1 2026-11-23T08:00:00.000+01:00 gate in card accepted …3456',
          '2 2026-11-23T08:01:00.000+01:00 gate in card repeat …3456',
          '4 2026-11-23T09:00:00.000+01:00 yard card accepted …4321',
        ],
      )
    })

    it('are the published objects with --json', async () => {
      morning()
      const [first, second] = json((await run('punches', '--json')).stdout)
      assert.deepEqual(
        [first?.['schema'], first?.['seq'], first?.['time']],
        ['punch/1', 1, '2026-11-23T08:00:00.000+01:00'],
      )
      assert.deepEqual(first?.['credential'], { type: 'card', value: '0A00123456', scope: 'global' })
      assert.deepEqual(first['delivery'], { attempt: 0, delayed: false })
      assert.equal(second?.['repeatOf'], first['id'])
    })

    it('can be chosen by time in the zone of the site, by reader and by person', async () => {
      morning()
      const seqs = async (...args: string[]): Promise<unknown[]> =>
        json((await run('punches', '--json', ...args)).stdout).map(({ seq }) => seq)
      assert.deepEqual(await seqs('--from', '2026-11-23T08:01'), [2, 4])
      assert.deepEqual(await seqs('--to', '2026-11-23T08:01'), [1])
      assert.deepEqual(await seqs('--from', '2026-11-23', '--to', '2026-11-24'), [1, 2, 4])
      assert.deepEqual(await seqs('--from', '2026-11-23T08:00:00Z'), [4])
      assert.deepEqual(await seqs('--reader', 'yard'), [4])
      assert.deepEqual(await seqs('--reader', 'nobody'), [])
      assert.deepEqual(await seqs('--person', '1042'), [])
    })

    it('asked for a time that is none are a usage error', async () => {
      const { code, stdout, stderr } = await verb(['punches', '--from', 'yesterday', ...config])
      assert.deepEqual([code, stdout], [64, ''])
      assert.match(stderr, /"yesterday" is no time\n.*2026-11-22T08:00/)
    })
  })

  describe('as an export', () => {
    it('are CSV of the punches', async () => {
      morning()
      const [header, first, second] = lines((await run('export', 'csv')).stdout)
      assert.equal(header, HEADER)
      assert.match(
        first ?? '',
        /^1,2026-11-23T08:00:00\.000\+01:00,gate,gate,in,card,card,0A00123456,,accepted,,[0-9a-f-]{36},,,$/,
      )
      const id = first?.split(',')[11]
      assert.equal(second?.split(',')[10], id)
    })

    it('are CSV in which no cell is a formula, and quotes and commas stay in their cell', async () => {
      for (const [index, value] of ['=cmd()', '+1', '-1', '@x', 'a,"b"', 'two\nlines'].entries()) {
        store(cardReport(value, index, { credential: { type: 'qr' } }))
      }
      const { stdout } = await run('export', 'csv')
      for (const cell of ["'=cmd()", "'+1", "'-1", "'@x", '"a,""b"""', '"two\nlines"'])
        assert.ok(stdout.includes(`,qr,${cell},`), cell)
    })

    it('are NDJSON of every kind, closed by a line that counts them', async () => {
      morning()
      const records = json((await run('export', 'ndjson')).stdout)
      assert.deepEqual(
        records.map(({ schema }) => schema),
        ['punch/1', 'punch/1', 'audit/1', 'punch/1', 'export/1'],
      )
      const { journal: id, from, to, count } = records.at(-1) ?? {}
      assert.deepEqual([id, from, to, count], [journal.id, 1, 4, 4])
    })

    it('of nothing are still closed', async () => {
      const [only, ...rest] = json((await run('export', 'ndjson')).stdout)
      assert.deepEqual([only?.['schema'], only?.['count'], rest], ['export/1', 0, []])
      assert.equal((await run('export', 'csv')).stdout, `${HEADER}\n`)
    })

    it('go to a file whole, for its owner only', async () => {
      morning()
      const file = folder.file('out.csv')
      const { stdout } = await run('export', 'csv', '-o', file)
      assert.match(stdout, /3 records written to .*out\.csv/)
      assert.equal(readFileSync(file, 'utf8'), (await run('export', 'csv')).stdout)
      assert.equal(statSync(file).mode & 0o077, 0)
      assert.deepEqual(JSON.parse((await run('export', 'ndjson', '-o', file, '--json')).stdout), { file, records: 4 })
    })

    it('to where nothing can be written exit 73 and leave nothing', async () => {
      const { code, stderr } = await verb(['export', 'csv', '-o', folder.file('no/out.csv'), ...config])
      assert.equal(code, 73)
      assert.match(stderr, /cannot write .*no\/out\.csv/)
      assert.ok(!existsSync(folder.file('no')) && !readdirSync(folder.path).some((name) => name.includes('.tmp')))
    })
  })

  describe('as the backlog', () => {
    it('are what waits and what is parked, in order, with reasons', async () => {
      morning()
      journal.settle(1)
      journal.park(3, 'publish-refused', 'not authorised', WALL)
      const { stdout } = await run('backlog')
      assert.match(
        stdout,
        /^ +2 [0-9a-f-]{36} waiting\n +3 [0-9a-f-]{36} parked since 2026-11-23T08:00:00\.000\+01:00: not authorised\n +4 /,
      )
      assert.match(stdout, /1 parked\.\n$/)
      const list = JSON.parse((await run('backlog', '--json')).stdout) as Record<string, unknown>[]
      assert.deepEqual(list.map(({ seq, state, reason }) => [seq, state, reason]), [[2, 'waiting', undefined], [3, 'parked', 'not authorised'], [4, 'waiting', undefined]]) // prettier-ignore
      assert.ok(list.every(({ id }) => typeof id === 'string' && id.length === 36))
    })

    it('can be limited, but not to nonsense', async () => {
      morning()
      assert.equal((JSON.parse((await run('backlog', '--json', '--limit', '2')).stdout) as unknown[]).length, 2)
      assert.equal((await verb(['backlog', '--limit', 'many', ...config])).code, 64)
    })

    it('are none when all is delivered', async () => {
      morning()
      journal.settle(4)
      assert.deepEqual(JSON.parse((await run('backlog', '--json')).stdout), [])
      assert.match((await run('backlog')).stdout, /^0 records behind the watermark, 0 parked\.\n$/)
    })
  })

  describe('as they come', () => {
    let tail: Child | undefined
    afterEach(async () => {
      tail?.process.kill('SIGKILL')
      await tail?.ended
      tail = undefined
    })
    const start = (...args: string[]): Child => (tail = startVerb(['tail', '--json', ...args, ...config]))
    const seen = ({ output: { stdout } }: Child): unknown[] =>
      json(stdout.slice(0, stdout.lastIndexOf('\n') + 1)).map(({ seq }) => seq)

    it('are printed one by one, until SIGTERM, which is no failure', async () => {
      morning()
      const child = start('--since', '2026-11-23T08:30')
      await until(() => seen(child).length === 1, 30_000, 'what was since then')
      for (let punch = 1; punch <= 3; punch++) {
        store(cardReport(`0C0000000${punch}`, 70 * MINUTE + punch))
        await until(() => seen(child).length === 1 + punch, 10_000, `punch ${punch}`)
      }
      journal.append([auditDraft('reader-lost')])
      child.process.kill('SIGTERM')
      const { code, stderr } = await child.ended
      assert.deepEqual([code, stderr, seen(child)], [0, '', [4, 5, 6, 7]])
    })

    it('are none of the past without --since', async () => {
      morning()
      const child = start()
      let punch = 0
      // When it looks for the first time cannot be seen from here.
      await until(() => {
        store(cardReport('0C00000001', 70 * MINUTE + punch++))
        return seen(child).length > 0
      }, 30_000, 'the first') // prettier-ignore
      assert.ok(Number(seen(child)[0]) > 4)
    })

    it('are waited for when there is no journal yet', async () => {
      journal.close()
      const later = tempFolderWithin(folder.path)
      config = ['--config', writeConfig(later)]
      const child = start()
      await until(() => child.output.stderr.includes('waiting for the daemon'), 30_000, 'the message')
      journal = new Journal(join(later, 'journal.db'), IDENTITY)
      attendance = new Attendance(journal, 5 * MINUTE, momentAt(0))
      store(cardReport('0A00123456', 0))
      await until(() => seen(child).length === 1, 30_000, 'the punch')
    })

    it('are not lost when they are stored while older ones are being printed', async () => {
      for (let batch = 0; batch < 10; batch++)
        store(...Array.from({ length: 500 }, (_, index) => cardReport(`AA${batch}-${index}`, index)))
      const child = start('--since', '2026-11-23')
      let more = 0
      await until(() => {
        if (seen(child).length > 0 && more < 50) store(cardReport('BB', 1_000 + more++))
        return more === 50 && seen(child).at(-1) === journal.lastSeq
      }, 30_000, 'the last') // prettier-ignore
      assert.deepEqual(
        seen(child),
        Array.from({ length: journal.lastSeq }, (_, index) => index + 1),
      )
    })
  })

  for (const args of ['punches', 'punches --json', 'export csv', 'export ndjson', 'backlog', 'backlog --json']) {
    it(`end quietly when nobody reads on: ${args} | head`, async () => {
      for (let batch = 0; batch < 6; batch++)
        store(...Array.from({ length: 500 }, (_, index) => cardReport(`AA${batch}-${index}`, index)))
      const command = `set -o pipefail; "$0" "${join(root, 'dist/src/main.js')}" ${args} --config "${config[1]}" | head -n 1`
      const { code, stdout, stderr } = await startChild('bash', ['-c', command, process.execPath]).ended
      assert.deepEqual([code, stderr], [0, ''])
      assert.equal(lines(stdout).length, 1)
    })
  }
})

function tempFolderWithin(folder: string): string {
  const path = join(folder, 'later')
  mkdirSync(path)
  return path
}
