/** Cards on a real pcscd that comes late, dies and comes back, through the real daemon. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { JournalReader } from '../src/journal/query.js'
import { VirtualCard } from '../simulators/pcsc/card.js'
import { PrivatePcscd, whyNoPcscd } from '../simulators/pcsc/pcscd.js'
import { VpcdSlot } from '../simulators/pcsc/vpcd.js'
import type { Child } from './support/child.js'
import { startDaemon, verb, writeConfig } from './support/daemon.js'
import { ticks } from './support/pcsc.js'
import { skip } from './support/skip.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const WATCHED_MS = 5_000
/** Ticks of 10 ms in that time: a tenth of a core. A spinning child takes all of one. */
const IDLE_TICKS = 50

interface ReaderLine {
  readonly state: string
  readonly hint?: string
}

describe('cards on a real pcscd reach the journal', function () {
  this.timeout(120_000)
  const folder = tempFolder()
  let pcscd: PrivatePcscd | undefined
  let daemon: Child | undefined

  before(function () {
    const reason = whyNoPcscd()
    if (reason !== undefined) skip(this, reason)
  })
  afterEach(async () => {
    daemon?.process.kill('SIGTERM')
    await daemon?.ended
    await pcscd?.stop()
    daemon = undefined
  })

  it('though pcscd starts after punchd, and is killed and restarted during taps; idle meanwhile (E13)', async () => {
    pcscd = await PrivatePcscd.start()
    const slot = new VpcdSlot(pcscd.ports[0])
    await pcscd.kill()
    const lines = ['id: desk', 'driver: pcsc', 'transport: "pcsc:*"', 'options: { feedback: acr122 }', 'sim: true']
    const config = writeConfig(folder.path, { readers: [lines] })
    daemon = await startDaemon(config, { PCSCLITE_CSOCK_NAME: pcscd.socketName })

    const absent = await readerLine(config)
    assert.equal(absent.state, 'down')
    assert.match(absent.hint ?? '', /pcscd/)
    assert.ok((await usedTicks(daemon)) < IDLE_TICKS, 'the daemon and its children idle while pcscd is absent')

    const taps: string[] = []
    for (let round = 0; round < 3; round++) {
      await pcscd.restart()
      await until(async () => (await readerLine(config)).state === 'up', 30_000, 'the reader')
      for (let tap = 0; tap < 3; tap++) taps.push(await present(slot, pcscd, folder.path, round * 3 + tap))
      // Dies with a card on the reader: the next round must not depend on its removal.
      await slot.insert(new VirtualCard({ uid: '04FFFFFFFFFF0' + String(round) }))
      await pcscd.kill()
      await slot.remove()
      await until(async () => (await readerLine(config)).state === 'down', 15_000, 'the loss')
    }
    assert.ok((await usedTicks(daemon)) < IDLE_TICKS, 'and after it died')
    const stored = storedCards(folder.path)
    for (const uid of taps) assert.equal(stored.filter((value) => value === uid).length, 1, uid)
  })
})

/** One tap as a person does it: the card stays until the light answers. */
async function present(slot: VpcdSlot, pcscd: PrivatePcscd, folder: string, number: number): Promise<string> {
  const uid = `04A1B2C3D4E5${String(number).padStart(2, '0')}`
  await until(async () => (await pcscd.readersWithCards()).length === 0, 5_000, 'an empty reader')
  const card = new VirtualCard({ uid })
  await slot.insert(card)
  await until(() => card.heard.some((apdu) => apdu.startsWith('FF0040')), 10_000, `the light for ${uid}`)
  assert.ok(storedCards(folder).includes(uid), 'green means stored')
  await slot.remove()
  return uid
}

function storedCards(folder: string): string[] {
  const journal = new JournalReader(join(folder, 'journal.db'), [[0, 0]])
  const cards = [...journal.records({ kind: 'punch' })].map(({ json }) => {
    return (JSON.parse(json) as { credential: { value: string } }).credential.value
  })
  journal.close()
  return cards
}

async function readerLine(config: string): Promise<ReaderLine> {
  const { stdout } = await verb(['readers', '--json', '--config', config])
  const [line] = JSON.parse(stdout) as ReaderLine[]
  assert.ok(line)
  return line
}

/** Processor time of the daemon and all below it, over a while. */
async function usedTicks({ process: { pid } }: Child): Promise<number> {
  assert.ok(pid)
  const before = total(pid)
  await sleep(WATCHED_MS)
  return total(pid) - before
}

function total(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
  return children.reduce((sum, child) => sum + ticks(Number(child)), ticks(pid))
}
