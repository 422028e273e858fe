/** A terminal that was cut off for a day, its clock wrong, and a gateway that is killed while it hears the story. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { siteZone } from '../src/zone.js'
import { zoneOffsets } from '../src/config/zone.js'
import { JournalReader } from '../src/journal/query.js'
import { freePort } from './support/broker.js'
import type { Child } from './support/child.js'
import { startDaemon, verb, writeConfig } from './support/daemon.js'
import { PushTerminal } from './support/push-terminal.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const SERIAL = 'CQZ7224460123'
const AHEAD_MS = 180_000
const USERS = 20
const STORED = 5_000
const DAY_MS = 86_400_000
const zone = siteZone(zoneOffsets('Europe/Berlin'))

interface Punch {
  readonly id: string
  readonly seq: number
  readonly reader: string
  readonly driver: string
  readonly method: string
  readonly verdict: string
  readonly credential: { readonly value: string; readonly scope: string }
  readonly clock: { readonly wall: number }
  readonly claim: {
    readonly time: string
    readonly aheadMs: number | null
    readonly late: boolean
    readonly record: string
  }
}

describe('a terminal with a log of its own', function () {
  this.timeout(120_000)
  const folder = tempFolder()
  let port: number
  let config: string
  let daemon: Child
  let terminal: PushTerminal

  const punches = (): Punch[] => {
    const journal = new JournalReader(join(folder.path, 'journal.db'), [[0, 60]])
    const found = [...journal.records({ kind: 'punch' })].map(({ json }) => JSON.parse(json) as Punch)
    journal.close()
    return found
  }
  const shown = async (): Promise<string> => (await verb(['readers', '--config', config])).stdout

  beforeEach(async () => {
    port = await freePort()
    config = writeConfig(folder.path, {
      readers: [
        [
          'id: terminals',
          'driver: zk-push',
          `transport: http://127.0.0.1:${port}`,
          'options: { delay: 2s }',
          `points: [{ id: hall, match: { serial: "${SERIAL}" }, direction: in }]`,
        ],
      ],
    })
    daemon = await startDaemon(config)
    terminal = new PushTerminal(port, { serial: SERIAL, aheadMs: AHEAD_MS, batch: 250 })
    await until(async () => / hall .* up /.test(await shown()), 20_000, 'the terminal')
  })
  afterEach(async () => {
    await terminal.off()
    daemon.process.kill('SIGTERM')
    await daemon.ended
  })

  /** A day's punches that nobody heard: user and time by the terminal's clock of each. */
  function aDay(): string[] {
    const stories: string[] = []
    for (let punch = 0; punch < STORED; punch++) {
      // 17 s apart: each user every 340 s, never within five minutes of the last.
      const agoMs = DAY_MS - punch * 17_000
      const user = String(1_000 + (punch % USERS))
      terminal.twin.punch(user, { agoMs })
      stories.push(`${user} ${zone.localOf(Date.now() + AHEAD_MS - agoMs)}`)
    }
    return stories
  }
  const storyOf = ({ credential, claim }: Punch): string =>
    `${credential.value} ${zone.localOf(Date.parse(claim.time))}`

  for (const kills of [0, 3]) {
    it(`brings every punch of a day once, with both times (C09, E18, E19)${kills > 0 ? `, though the daemon is killed ${kills} times meanwhile` : ''}`, async () => {
      terminal.isCut = true
      const from = Date.now()
      const stories = aDay()
      terminal.twin.faults.again = 3
      terminal.isCut = false
      for (let kill = 1; kill <= kills; kill++) {
        await until(() => terminal.twin.uploads >= kill * 4, 60_000, 'uploads')
        daemon.process.kill('SIGKILL')
        await daemon.ended
        daemon = await startDaemon(config)
      }
      await until(() => terminal.twin.pending === 0, 60_000, 'all uploads')
      const stored = punches()
      assert.equal(stored.length, STORED)
      assert.equal(new Set(stored.map(({ claim }) => claim.record)).size, STORED)
      // The second may turn while a punch is made; the order is the terminal's.
      const seconds = (story: string): number => Date.parse(`${story.slice(5).replace(' ', 'T')}Z`) / 1_000
      stored.forEach((punch, index) => {
        const [told, true_] = [storyOf(punch), stories[index] ?? '']
        assert.equal(told.slice(0, 4), true_.slice(0, 4), `user of ${index}`)
        assert.ok(Math.abs(seconds(told) - seconds(true_)) <= 2, `${told} is not ${true_}`)
        assert.ok(punch.clock.wall >= from, 'our time is when we heard of it')
      })
      assert.ok(stored.every(({ claim, verdict, reader, method }) => claim.late && verdict === 'accepted' && reader === 'hall' && method === 'face')) // prettier-ignore
    })
  }

  it('is asked to do things from the command line', async () => {
    const run = (...args: string[]) => verb([...args, '--config', config])
    const added = await run('readers', 'add-user', 'hall', '1042', '--name', 'A. Berg', '--card', '1ea68671')
    assert.equal(added.code, 0, added.stderr)
    assert.match(added.stdout, /hall knows user 1042\./)
    assert.deepEqual(terminal.twin.screen.users.get('1042'), { name: 'A. Berg', card: '[7186A61E]' })
    assert.match((await run('enroll', 'hall', '--person', '1042')).stdout, /./)
    const again = await run('enroll', 'hall', '--person', '1042')
    assert.notEqual(again.code, 0)
    assert.match(again.stderr, /stored already/)
    assert.equal((await run('readers', 'remove-user', 'hall', '1042')).code, 0)
    const gone = await run('readers', 'remove-user', 'hall', '1042')
    assert.match(gone.stderr, /knows no such user/)
    assert.equal((await run('readers', 'reboot', 'hall')).code, 0)
    assert.equal(terminal.twin.screen.reboots, 1)
    assert.equal((await run('readers', 'set-time', 'hall')).code, 0)
    const wrong = await run('readers', 'add-user', 'hall', 'no spaces')
    assert.match(wrong.stderr, /is no user number/)
    const records = (await run('export', 'ndjson')).stdout
    assert.match(records, /"type":"user-added"/)
    assert.doesNotMatch(records, /Berg/)
  })
})
