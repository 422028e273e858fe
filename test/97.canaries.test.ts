/** After a whole day: no card number, name, key or password where it does not belong. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createPublicKey, verify } from 'node:crypto'
import { canonical, type Json } from '../src/journal/canonical.js'
import { Broker, hasMosquitto, Listener } from './support/broker.js'
import type { Child, Ended } from './support/child.js'
import { startDaemon, verb, writeConfig } from './support/daemon.js'
import { PushTerminal } from './support/push-terminal.js'
import { freePort } from './support/broker.js'
import { skip } from './support/skip.js'
import { Tapper } from './support/taps.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

/** No other chapter uses these: it may run at the same time, and its command lines are looked at, too. */
const CARD = '0AC4A4A411'
const STRANGER = '0AC4A4A477'
const NAME = 'Canaria Vogel'
const DEPARTMENT = 'Geheimnisse'
const PASSWORD = 'kanarienvogel-1'
const KEY = 'communication-key-77'
const MAC = '3C22FBC4A4A1'
const CANARIES = [CARD, STRANGER, NAME, DEPARTMENT, PASSWORD, KEY, MAC]
const CSV = `ref,name,department,language,validFrom,validTo,credentials\n1042,${NAME},${DEPARTMENT},de,,,card:${CARD};mac:${MAC}\n`
/** What stands before a raw Ed25519 key in its DER form. */
const DER = Buffer.from('302a300506032b6570032100', 'hex')

describe('canaries', function () {
  this.timeout(120_000)
  const folder = tempFolder()
  let broker: Broker
  let tapper: Tapper
  let terminal: PushTerminal
  let listener: Listener
  let daemon: Child
  let config: string
  const shown: string[] = []

  const run = async (...args: string[]): Promise<Ended> => {
    const ended = await verb([...args, '--config', config])
    shown.push(ended.stderr)
    return ended
  }
  /** All bytes of the data directory, but for the keys. */
  const raw = (): Buffer =>
    Buffer.concat(
      readdirSync(folder.path)
        .filter((name) => /^(journal|anchor)/.test(name) && statSync(join(folder.path, name)).isFile())
        .map((name) => readFileSync(join(folder.path, name))),
    )
  const found = (where: Buffer | string): string[] => CANARIES.filter((canary) => where.includes(canary))

  before(function () {
    if (!hasMosquitto()) skip(this, 'mosquitto is not installed')
  })
  beforeEach(async () => {
    broker = await Broker.start(folder.path)
    tapper = await Tapper.start()
    const port = await freePort()
    writeFileSync(folder.file('password'), PASSWORD, { mode: 0o600 })
    writeFileSync(folder.file('key'), KEY, { mode: 0o600 })
    config = writeConfig(folder.path, {
      url: broker.url,
      mqtt: ['username: gw', `password: { file: ${folder.file('password')} }`],
      readers: [
        tapper.reader('gate'),
        [
          'id: terminals',
          'driver: zk-push',
          `transport: http://127.0.0.1:${port}`,
          `points: [{ id: hall, match: { serial: "S1" }, options: { pushPassword: { file: ${folder.file('key')} } } }]`,
        ],
      ],
      lines: ['log: { level: debug }'],
    })
    daemon = await startDaemon(config)
    terminal = new PushTerminal(port, { serial: 'S1', password: KEY })
    listener = await Listener.listen(broker.url)
    await tapper.connected()
  })
  afterEach(async () => {
    await terminal.off()
    daemon.process.kill('SIGKILL')
    await daemon.ended
    await listener.close()
    await tapper.close()
    await broker.down()
  })

  it('sing nowhere: not in logs, files, command lines, nor in a dump', async () => {
    writeFileSync(folder.file('people.csv'), CSV)
    assert.equal((await run('people', 'import', folder.file('people.csv'))).code, 0)
    tapper.tap(CARD)
    await until(() => listener.under('/punch/gate').length === 1, 20_000, 'the punch')
    tapper.tap(STRANGER)
    await until(() => listener.under('/punch/gate').length === 2, 20_000, 'the stranger')
    terminal.twin.punch('1042')
    await until(() => listener.under('/punch/hall').length === 1, 20_000, 'the terminal')
    assert.match((await run('people', 'show', '1042')).stdout, new RegExp(NAME))
    for (const args of [['punches'], ['backlog'], ['readers'], ['config', 'show', '--origin'], ['tail', '--nonsense'], ['keys', 'rotate']]) await run(...args) // prettier-ignore
    const pid = String(daemon.process.pid)
    const commandLines = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(commandLineOf).join('\n') // prettier-ignore
    assert.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /Max core file size +0 +0 /)
    assert.deepEqual(found(daemon.output.stderr), [], 'in the log of the daemon')
    assert.deepEqual(found(shown.join('\n')), [], 'in what verbs complain')
    assert.deepEqual(found(commandLines), [], 'in command lines')
    assert.deepEqual(found(raw()), [], 'in the files of a running daemon')
    daemon.process.kill('SIGKILL')
    await daemon.ended
    assert.deepEqual(found(raw()), [], 'in the files of a killed daemon')
    // The control: they are there, for those who may.
    const exported = (await run('export', 'ndjson')).stdout
    assert.deepEqual(found(exported), [CARD, STRANGER])
    assert.deepEqual(found(readFileSync(folder.file('people.csv'))), [CARD, NAME, DEPARTMENT, MAC])
  })

  it('are erased on request, with a receipt, and the chain still holds', async () => {
    writeFileSync(folder.file('people.csv'), CSV)
    await run('people', 'import', folder.file('people.csv'))
    tapper.tap(CARD)
    await until(() => listener.under('/punch/gate').length === 1, 20_000, 'the punch')
    tapper.tap(STRANGER)
    await until(() => listener.under('/punch/gate').length === 2, 20_000, 'the stranger')
    const young = JSON.parse((await run('people', 'erase', '1042', '--json')).stdout) as Json & Record<string, unknown>
    assert.deepEqual([young['erased'], young['listed']], [0, true])
    assert.ok(Number(young['kept']) >= 1)
    const done = async (): Promise<Record<string, unknown>> =>
      JSON.parse((await run('people', 'erase', '1042', '--older-than', '0s', '--json')).stdout) as Record<
        string,
        unknown
      >
    let receipt: Record<string, unknown> = {}
    await until(async () => Number((receipt = await done())['erased']) >= 1, 20_000, 'the watermark')
    const { sig, ...words } = receipt
    const key = createPublicKey({ key: Buffer.concat([DER, Buffer.from(String(words['publicKey']), 'base64')]), format: 'der', type: 'spki' }) // prettier-ignore
    const signed = Buffer.from(`punchd/erasure/1\n${canonical(words as Json)}`)
    assert.ok(verify(null, signed, key, Buffer.from(String(sig), 'base64')))
    const exported = (await run('export', 'ndjson')).stdout
    assert.deepEqual(found(exported), [STRANGER])
    assert.match(exported, /"erased\/1"/)
    const checked = await run('verify')
    assert.equal(checked.code, 0, checked.stdout + checked.stderr)
    const again = await run('people', 'erase', '1042', '--older-than', 'soon')
    assert.equal(again.code, 64)
  })
})

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
