/** What is kept sealed, the keys it is sealed with, copies of it, and what becomes of erased records. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { DaemonError, JournalError } from '../src/errors.js'
import { checkCopy, copyJournal } from '../src/journal/copy.js'
import { Journal } from '../src/journal/journal.js'
import { keyFile, keysIn, openKeys, publicKeyOf } from '../src/journal/keys.js'
import { commitOf, hashOf, isSignedBy, publicKeyFrom, type Proof } from '../src/journal/proof.js'
import { canonical } from '../src/journal/canonical.js'
import { PeopleTable } from '../src/journal/people.js'
import { JournalReader } from '../src/journal/query.js'
import { keysText, newKeys, parseKeys, Vault } from '../src/journal/vault.js'
import { auditDraft, fill, IDENTITY, punchDraft, storedRecords, WALL } from './support/records.js'
import { built, startCode } from './support/child.js'
import { startDaemon, verb, writeConfig } from './support/daemon.js'
import { tempFolder } from './support/temp.js'
import { until } from './support/until.js'

const DAY = 86_400_000

const codeOf = (act: () => unknown): string | undefined => {
  try {
    act()
    return undefined
  } catch (error) {
    assert.ok(error instanceof DaemonError, String(error))
    return error.code
  }
}

describe('the vault', () => {
  it('opens what it sealed, where it sealed it, and nothing else', () => {
    const vault = new Vault(newKeys())
    const sealed = vault.seal('Ada, 0A00123456', 'record 1')
    assert.equal(vault.open(sealed, 'record 1'), 'Ada, 0A00123456')
    assert.equal(codeOf(() => vault.open(sealed, 'record 2')), 'journal-sealed') // prettier-ignore
    for (let at = 1; at < sealed.length; at++) {
      const bent = Buffer.from(sealed)
      bent[at] = (bent[at] ?? 0) ^ 1
      assert.equal(codeOf(() => vault.open(bent, 'record 1')), 'journal-sealed', `byte ${at}`) // prettier-ignore
    }
    assert.equal(codeOf(() => new Vault(newKeys()).open(sealed, 'record 1')), 'journal-sealed') // prettier-ignore
    assert.equal(codeOf(() => vault.open(Buffer.of(9), 'record 1')), 'journal-key') // prettier-ignore
    assert.notDeepEqual(vault.seal('same', 'x'), vault.seal('same', 'x'))
    assert.deepEqual(vault.lookup('same'), vault.lookup('same'))
    assert.ok(!sealed.includes('Ada'))
  })

  it('keeps its keys as text, and takes no half of it (A08)', () => {
    const keys = newKeys()
    const text = keysText(keys)
    assert.deepEqual(parseKeys(text), keys)
    for (const cut of ['', text.slice(0, -10), text.replace('lookup', 'lock'), `${text}seal 2 xx\n`])
      assert.equal(parseKeys(cut), undefined)
  })
})

describe('the keys of a journal', () => {
  const folder = tempFolder()

  it('are made once, for their owner only, and are asked for when there is a journal', () => {
    assert.equal(codeOf(() => openKeys(folder.path, false, {})), 'journal-key') // prettier-ignore
    const keys = openKeys(folder.path, true, {})
    assert.deepEqual(publicKeyOf(openKeys(folder.path, false, {}).signing), publicKeyOf(keys.signing))
    for (const kind of ['vault', 'signing'] as const)
      assert.equal(statSync(keyFile(folder.path, kind)).mode & 0o777, 0o600)
    assert.equal(statSync(join(folder.path, 'keys')).mode & 0o777, 0o700)
  })

  it('that others can read are refused, with the command that mends it', () => {
    openKeys(folder.path, true, {})
    chmodSync(keyFile(folder.path, 'signing'), 0o644)
    assert.throws(() => openKeys(folder.path, false, {}), (error) => error instanceof JournalError && /^chmod 600 /.test(error.hint ?? '')) // prettier-ignore
  })

  it('may come from systemd', () => {
    openKeys(folder.file('elsewhere'), true, {})
    mkdirSync(folder.file('credentials'))
    copyFileSync(keyFile(folder.file('elsewhere'), 'vault'), folder.file('credentials/punchd-vault'))
    copyFileSync(keyFile(folder.file('elsewhere'), 'signing'), folder.file('credentials/punchd-signing'))
    const keys = openKeys(folder.file('data'), false, { CREDENTIALS_DIRECTORY: folder.file('credentials') })
    assert.deepEqual(keys.vault, openKeys(folder.file('elsewhere'), false, {}).vault)
    assert.ok(!existsSync(folder.file('data')))
  })

  it('that are missing are said, and the journal is left alone', () => {
    const journal = new Journal(folder.file('journal.db'), IDENTITY)
    journal.close()
    rmSync(folder.file('keys'), { recursive: true })
    assert.equal(codeOf(() => new Journal(folder.file('journal.db'), IDENTITY)), 'journal-key') // prettier-ignore
    assert.ok(!existsSync(folder.file('keys')))
  })
})

describe('a sealed journal', () => {
  const folder = tempFolder()
  const file = (): string => folder.file('journal.db')
  let journal: Journal
  beforeEach(() => (journal = new Journal(file(), IDENTITY)))
  afterEach(() => journal.close())
  const raw = (): Buffer => Buffer.concat(readdirSync(folder.path).filter((name) => name.startsWith('journal.db')).map((name) => readFileSync(folder.file(name)))) // prettier-ignore

  it('has no number in its files, and every proof as the contract says', () => {
    journal.append([punchDraft('0A00123456'), auditDraft('begun'), punchDraft('0A00999999', 5)])
    journal.remember({ reader: 'gate', key: 'stays', value: 'MAC 3C22FB0A1B2C' })
    for (const canary of ['0A00123456', '0A00999999', '3C22FB0A1B2C', '"credential"']) assert.ok(!raw().includes(canary), canary) // prettier-ignore
    const key = publicKeyFrom(Buffer.from(journal.state.publicKey, 'base64'))
    assert.ok(key)
    let prevHash = '00'.repeat(32)
    for (const { proof, time, ...evidence } of storedRecords(journal) as {
      proof: Proof
      time?: string
      schema: string
    }[]) {
      const content = evidence.schema === 'punch/1' ? evidence : { ...evidence, ...(time !== undefined && { time }) }
      const commit = commitOf(Buffer.from(proof.salt, 'base64'), canonical(content))
      assert.equal(proof.prevHash, prevHash)
      assert.equal(proof.hash, hashOf(Buffer.from(prevHash, 'hex'), commit).toString('hex'))
      assert.ok(isSignedBy(Buffer.from(proof.hash, 'hex'), Buffer.from(proof.sig, 'base64'), key))
      prevHash = proof.hash
    }
  })

  it('gets new keys without losing a record, whenever it is killed', () => {
    fill(journal, 450)
    journal.remember({ reader: 'gate', key: 'k', value: 'v' })
    const before = storedRecords(journal)
    const oldKeys = keysIn(folder.path).vault.sealing
    for (let steps = 0; steps < 5; steps++) {
      journal.rotation.begin()
      for (let step = 0; step < steps; step++) journal.rotation.step()
      // Killed: another opens what is there, with the keys that are there.
      journal.close()
      journal = new Journal(file(), IDENTITY)
      assert.deepEqual(storedRecords(journal), before)
      assert.equal(journal.recall('gate', 'k'), 'v')
    }
    journal.rotation.begin()
    while (journal.rotation.step() !== undefined);
    const newest = keysIn(folder.path).vault.sealing
    assert.equal(newest.length, 1)
    assert.ok(oldKeys.every(({ key }) => newest.every((other) => !other.key.equals(key))))
    assert.deepEqual(storedRecords(journal), before)
    assert.deepEqual(journal.check(0, 1_000).damages, [])
  })

  it('takes no people list that was sealed before the keys were changed: nobody could open it', () => {
    const facts = { name: 'Ada', department: '', language: 'de', validFrom: '', validTo: '', state: 'active' } as const
    const ada = { ref: '1042', ...facts, credentials: [{ type: 'card', value: 'AA', scope: 'global' }] } as const
    const other = PeopleTable.open(file(), 'write')
    other.import([ada], false)
    journal.rotation.begin()
    assert.throws(() => other.import([ada], false), { code: 'journal-busy' }, 'while they are changed')
    while (journal.rotation.step() !== undefined);
    assert.throws(() => other.import([ada], false), { code: 'journal-busy' }, 'and afterwards')
    other.close()
    assert.deepEqual(journal.tables.people.get('1042'), ada)
  })

  it('erases what is old and delivered, and the rest still holds', () => {
    journal.append([
      punchDraft('AA', 0, { person: { ref: '1042' } }),
      punchDraft('BB', 1, { person: { ref: '7' } }),
      punchDraft('CC', 2),
      punchDraft('AA', 3, { person: { ref: '1042' } }),
      punchDraft('AA', 4, { person: { ref: '1042' } }),
    ])
    journal.settle(4)
    const order = { person: '1042', credentials: ['card:global:CC'], before: WALL + 4, after: 0 }
    const { erased, kept } = journal.erasure.step(order, journal.state.settled)
    assert.deepEqual([erased, kept], [[1, 3, 4], 1])
    assert.deepEqual(storedRecords(journal).map(({ seq }) => seq), [2, 5]) // prettier-ignore
    assert.deepEqual(journal.check(0, 100).damages, [])
    const reader = new JournalReader(file(), IDENTITY.offsets)
    const lines = [...reader.records({ erased: true })].map(({ json }) => JSON.parse(json) as Record<string, unknown>)
    reader.close()
    assert.deepEqual(lines.map(({ schema }) => schema), ['erased/1', 'punch/1', 'erased/1', 'erased/1', 'punch/1']) // prettier-ignore
    assert.deepEqual(journal.erasure.step(order, journal.state.settled).erased, [])
    assert.equal(journal.erasure.step({ ...order, before: WALL + DAY }, 5).erased.length, 1)
  })

  it('is copied while it is open; a damaged one is not', () => {
    fill(journal, 1_500)
    const counts: number[] = []
    mkdirSync(folder.file('copy'))
    const copied = copyJournal(file(), folder.file('copy/journal.db'), (count) => counts.push(count))
    assert.deepEqual([copied.records, copied.lastSeq, copied.journal], [1_500, 1_500, journal.id])
    assert.equal(counts.at(-1), 1_500)
    assert.deepEqual(readdirSync(folder.file('copy')), ['journal.db'])
    assert.deepEqual(
      checkCopy(folder.file('copy/journal.db'), keysIn(folder.path), () => undefined),
      copied,
    )
    // One bit in the body of one record, in whichever page it lies.
    const db = new Database(file(), { readonly: true })
    const body = db.prepare('SELECT body FROM record WHERE seq = 700').pluck().get() as Buffer
    db.close()
    const bytes = readFileSync(folder.file('copy/journal.db'))
    const at = bytes.indexOf(body) + 50
    bytes[at] = (bytes[at] ?? 0) ^ 0x40
    writeFileSync(folder.file('copy/journal.db'), bytes)
    assert.throws(() => checkCopy(folder.file('copy/journal.db'), keysIn(folder.path), () => undefined), /record 700 /)
    // Nor does a damaged journal give a copy at all.
    new Database(file()).exec('UPDATE record SET body = zeroblob(length(body)) WHERE seq = 700').close()
    assert.throws(() => copyJournal(file(), folder.file('copy/other.db'), () => undefined), /record 700 /)
    assert.deepEqual(readdirSync(folder.file('copy')), ['journal.db'])
  })

  it('is copied whole twenty times while another process stores without a pause (B18)', async function () {
    this.timeout(60_000)
    fill(journal, 1)
    journal.close()
    const child = startCode(`
      import { writeSync } from 'node:fs'
      const { Journal } = await import(${built('journal/journal.js')})
      const journal = new Journal(${JSON.stringify(file())}, ${JSON.stringify(IDENTITY)})
      for (;;) writeSync(1, journal.append([${JSON.stringify(punchDraft('AA'))}]).length + '\\n')`)
    const stored = (): number => child.output.stdout.split('\n').length
    await until(() => stored() > 100, 30_000, 'some records')
    const seen: number[] = []
    for (let copy = 0; copy < 20; copy++) {
      const before = stored()
      const to = folder.file(`copy-${copy}.db`)
      const { records, lastSeq } = copyJournal(file(), to, () => undefined)
      assert.equal(records, lastSeq)
      assert.ok(lastSeq >= before, `${lastSeq} copied, ${before} were stored before`)
      assert.equal(checkCopy(to, keysIn(folder.path), () => undefined).records, records)
      seen.push(records)
      await until(() => stored() > before + 10, 30_000, 'more records')
    }
    child.process.kill('SIGKILL')
    await child.ended
    journal = new Journal(file(), IDENTITY)
    assert.ok(new Set(seen).size === 20 && journal.lastSeq > (seen.at(-1) ?? 0), 'it stored meanwhile')
  })
})

describe('backup and restore', function () {
  this.timeout(60_000)
  const folder = tempFolder()

  it('bring the journal back, as a new one, and leave what was there', async () => {
    const config = writeConfig(folder.path, { readers: [] })
    const run = (...args: string[]) => verb([...args, '--config', config])
    let daemon = await startDaemon(config)
    const to = folder.file('backup')
    const made = await run('backup', to)
    assert.equal(made.code, 0, made.stderr)
    assert.match(made.stdout, /^1 records copied .* Its keys lie beside them/)
    assert.equal((await run('backup', to)).code, 73)
    assert.equal((await run('restore', to)).code, 75, 'not under a running daemon')
    daemon.process.kill('SIGKILL')
    await daemon.ended
    const first = await run('export', 'ndjson')
    const restored = await run('restore', to)
    assert.equal(restored.code, 0, restored.stderr)
    assert.match(restored.stdout, /What was there is now .*before-restore-/)
    daemon = await startDaemon(config)
    const lines = (await run('export', 'ndjson')).stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>) // prettier-ignore
    daemon.process.kill('SIGTERM')
    await daemon.ended
    const begun = lines.filter(({ type }) => type === 'journal-begun')
    assert.deepEqual(begun.map(({ detail }) => (detail as { reason: string }).reason), ['created', 'restored']) // prettier-ignore
    assert.notEqual(begun[0]?.['journal'], begun[1]?.['journal'])
    assert.equal((begun[1]?.['proof'] as Proof).prevHash, '00'.repeat(32))
    assert.ok(first.stdout.includes(String(begun[0]?.['journal'])))
    assert.equal((await run('restore', folder.file('nothing'))).code, 65)
  })

  it('leave no folder behind when they cannot be made', async () => {
    const config = writeConfig(folder.path, { readers: [] })
    const daemon = await startDaemon(config)
    daemon.process.kill('SIGTERM')
    await daemon.ended
    renameSync(folder.file('keys'), folder.file('keys-elsewhere'))
    const { code, stderr } = await verb(['backup', folder.file('backup'), '--config', config])
    assert.deepEqual([code, /vault\.keys is missing/.test(stderr)], [74, true], stderr)
    assert.ok(!existsSync(folder.file('backup')))
  })

  it('keys are rotated by the daemon, and without it', async () => {
    const config = writeConfig(folder.path, { readers: [] })
    const daemon = await startDaemon(config)
    const keysBefore = readFileSync(keyFile(folder.path, 'vault'), 'utf8')
    const rotated = await verb(['keys', 'rotate', '--config', config])
    assert.equal(rotated.code, 0, rotated.stderr)
    const keysAfter = readFileSync(keyFile(folder.path, 'vault'), 'utf8')
    assert.notEqual(keysAfter, keysBefore)
    daemon.process.kill('SIGTERM')
    await daemon.ended
    assert.equal((await verb(['keys', 'rotate', '--config', config])).code, 0)
    assert.notEqual(readFileSync(keyFile(folder.path, 'vault'), 'utf8'), keysAfter)
    const { code, stdout } = await verb(['export', 'ndjson', '--config', config])
    assert.equal(code, 0)
    assert.equal(stdout.split('"type":"keys-rotated"').length - 1, 2, 'both are on record')
  })
})
