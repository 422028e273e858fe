/** `punchd verify` and `export ndjson`, as people and auditors call them. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { Journal } from '../src/journal/journal.js'
import { lineOf } from '../src/verify/line.js'
import { linesOf } from '../src/verify/lines.js'
import { verifyLines } from '../src/verify/verify.js'
import { between, randomBytes, seeded } from '../simulators/random.js'
import { startChild, type Ended } from './support/child.js'
import { verb, writeConfig } from './support/daemon.js'
import { newSigningKey, publicKeyIn } from './support/forge.js'
import { rawKey } from './support/python.js'
import { auditDraft, fill, IDENTITY, punchDraft } from './support/records.js'
import { root } from './support/root.js'
import { tempFolder } from './support/temp.js'

const PYTHON = `${root}/test/verify/verify.py`

describe('punchd verify', () => {
  const folder = tempFolder()
  let config: string[] = []
  let key = ''
  const run = (...args: string[]): Promise<Ended> => verb([...args, ...config])
  const out = (): string => folder.file('out.ndjson')
  const exported = async (...args: string[]): Promise<string[]> => {
    const { code, stderr } = await run('export', 'ndjson', '-o', out(), ...args)
    assert.equal(code, 0, stderr)
    return readFileSync(out(), 'utf8').trimEnd().split('\n')
  }
  const json = (line: string): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>
  const meddle = (sql: string): void => {
    const db = new Database(folder.file('journal.db'))
    db.exec(sql)
    db.close()
  }
  const withJournal = (work: (journal: Journal) => void): void => {
    const journal = new Journal(folder.file('journal.db'), IDENTITY)
    work(journal)
    key = journal.state.publicKey
    journal.head.anchor()
    journal.close()
  }
  const says = async (args: string[], code: number, pattern: RegExp): Promise<Ended> => {
    const ended = await verb(args)
    assert.match(ended.stdout + ended.stderr, pattern)
    assert.equal(ended.code, code, ended.stderr)
    assert.doesNotMatch(ended.stderr, /\n\s+at |unexpected/)
    return ended
  }

  beforeEach(() => {
    config = ['--config', writeConfig(folder.path)]
    withJournal((journal) => {
      fill(journal, 8)
      journal.append([auditDraft('reader-lost', 8_000)])
    })
  })

  it('says of a sound journal, and of its export, what was checked', async () => {
    const lines = await exported()
    const { hash } = json(lines[8]!)['proof'] as { hash: string }
    const line = `ok: 9 records (0 erased), seq 1-9, head ${hash}\n`
    for (const file of [[], [out()]]) {
      const { code, stdout, stderr } = await run('verify', ...file)
      assert.deepEqual([code, stdout, stderr], [0, line, ''])
    }
    const { stdout } = await run('verify', out(), '--json')
    assert.deepEqual(JSON.parse(stdout), { ok: true, count: 9, erased: 0, from: 1, to: 9, head: hash })
  })

  it('needs no configuration beside a key; a key may stand in a file', async () => {
    const lines = await exported()
    writeFileSync(folder.file('key'), `${key}\n`)
    const nowhere = ['--config', folder.file('none.yaml')]
    for (const given of [key, folder.file('key')]) {
      await says(['verify', out(), '--key', given, ...nowhere], 0, /^ok: 9 records/)
      await says(['verify', out(), '--key', given, '--anchor', folder.file('anchor'), ...nowhere], 0, /^ok: 9 records/)
    }
    await says(['verify', out(), '--key', rawKey(newSigningKey()), ...nowhere], 1, /^seq 1: re-signed\n$/)
    writeFileSync(out(), `${lines.slice(0, 5).join('\n')}\n`)
    const { stdout } = await says(['verify', out(), '--key', key, '--json', ...nowhere], 1, /./)
    assert.deepEqual(JSON.parse(stdout), { ok: false, seq: 6, kind: 'tail-missing' })
    await says(['verify', out(), ...nowhere], 78, /none\.yaml/)
    await says(['verify', out(), '--key', 'abc', ...nowhere], 64, /"abc" is no public key[\s\S]*publicKey in P\/info/)
    await says(['verify', out(), '--key', key, '--anchor', out(), ...nowhere], 65, /is no anchor of a journal/)
  })

  it('takes an export of earlier days for what it is, unless an anchor is given that it must reach', async () => {
    await exported()
    withJournal((journal) => fill(journal, 3))
    assert.match((await run('verify', out())).stdout, /^ok: 9 records/)
    const { code, stdout } = await run('verify', out(), '--anchor', folder.file('anchor'))
    assert.deepEqual([code, stdout], [1, 'seq 10: tail-missing\n'])
  })

  it('finds in the database what was done to it (B08)', async () => {
    const whole = readFileSync(folder.file('journal.db'))
    const cases: [sql: string, line: string][] = [
      [
        `UPDATE record SET body = CAST(substr(body, 1, 40) || x'00' || substr(body, 42) AS BLOB) WHERE seq = 4`,
        'seq 4: edited',
      ],
      ['DELETE FROM record WHERE seq IN (5, 6)', 'seq 5: deleted'],
      ['DELETE FROM record WHERE seq > 7', 'seq 8: tail-missing'],
      ['UPDATE record SET sig = zeroblob(64) WHERE seq = 3', 'seq 3: re-signed'],
      ['UPDATE record SET hash = zeroblob(32) WHERE seq = 3', 'seq 3: edited'],
      ['UPDATE record SET body = (SELECT body FROM record WHERE seq = 2) WHERE seq = 1', 'seq 1: edited'],
      ['UPDATE record SET seq = 99 WHERE seq = 9', 'seq 9: edited'],
      ['INSERT INTO record SELECT 10, kind, channel, wall, id, body, prev_hash, hash, sig, commitment FROM record WHERE seq = 9', 'seq 9: inserted'], // prettier-ignore
    ]
    for (const [sql, line] of cases) {
      writeFileSync(folder.file('journal.db'), whole)
      meddle(sql)
      const { code, stdout } = await run('verify')
      assert.deepEqual([code, stdout], [1, `${line}\n`], sql)
    }
    writeFileSync(folder.file('journal.db'), whole)
    writeFileSync(folder.file('anchor'), JSON.stringify({ journal: 'x', seq: 9, hash: '0'.repeat(64) }))
    assert.equal((await run('verify')).stdout, 'seq 9: re-signed\n')
  })

  it('is not stopped by one damaged record, nor is an export: the others are worth having', async () => {
    meddle(`UPDATE record SET body = CAST(substr(body, 1, 40) || x'00' || substr(body, 42) AS BLOB) WHERE seq = 4`)
    const { code, stderr, stdout } = await run('export', 'ndjson', '-o', out())
    assert.equal(code, 0)
    assert.match(stdout, /^9 records written/)
    assert.match(stderr, /1 record cannot be read, changed since stored: see punchd verify/)
    assert.equal((await run('verify', out())).stdout, 'seq 4: edited\n')
    const csv = await run('export', 'csv')
    assert.deepEqual([csv.code, csv.stdout.trimEnd().split('\n').length], [0, 8])
    assert.match(csv.stderr, /1 record cannot be read/)
  })

  it('exports a range of numbers with none left out, however the clock was stepped', async () => {
    withJournal((journal) => journal.append([{ ...punchDraft('AA'), moment: { ...punchDraft('AA').moment, wall: 0 } }, punchDraft('BB', 9_000)])) // prettier-ignore
    const lines = (await exported('--from', '2026-11-23T08:00:00.005', '--to', '2027-01-01')).map(json)
    assert.deepEqual(lines.slice(0, -1).map(({ seq }) => seq), [6, 7, 8, 9, 10, 11]) // prettier-ignore
    const { schema, from, to, count, sig } = lines.at(-1)!
    assert.deepEqual([schema, from, to, count, String(sig).length], ['export/1', 6, 11, 6, 88])
    assert.match((await run('verify', out())).stdout, /^ok: 6 records \(0 erased\), seq 6-11/)
  })

  it('signs that there is nothing, too', async () => {
    const lines = (await exported('--from', '2030-01-01')).map(json)
    const [{ from, to, count, head } = {}] = lines
    assert.deepEqual([lines.length, from, to, count, head], [1, null, null, 0, null])
    assert.match((await run('verify', out())).stdout, /^ok: 0 records \(0 erased\), seq 0-0, head none/)
  })

  it('does not export ndjson of one reader: it would prove nothing', () =>
    says(['export', 'ndjson', '--reader', 'gate', ...config], 64, /records of one reader alone prove nothing/))

  it('exits 65 for what is no export, naming the place, and never with a stack trace', async () => {
    const nothing = [Buffer.alloc(0), Buffer.from('dear diary\n'), Buffer.from('{}\n'), Buffer.from('[[[['), Buffer.alloc(3_000_000, '['), Buffer.alloc(3_000_000)] // prettier-ignore
    for (const bytes of nothing) {
      writeFileSync(out(), bytes)
      await says(['verify', out(), ...config], 65, /out\.ndjson:1 is no record of an export/)
    }
    mkdirSync(folder.file('dir'))
    await says(['verify', folder.file('dir'), ...config], 65, /is no file/)
    await says(['verify', folder.file('none'), ...config], 65, /cannot read .*none/)
  })

  it('stumbles over nothing that a file may hold', () => {
    const random = seeded(between(Math.random, 0, 1e9))
    const evidence = { key: publicKeyIn(newSigningKey()), mustReachAnchor: true }
    const pieces = ['{"schema":"punch/1","seq":', '"proof":{}', '{"schema":"export/1"', '}', ',', '1e999', '"\\ud800"', '\n', '9007199254740993', '"__proto__":{"a":1}', 'null', ':'] // prettier-ignore
    for (let run = 0; run < 500; run++) {
      const noise = Array.from({ length: between(random, 0, 30) }, () => Buffer.from(pieces[between(random, 0, pieces.length - 1)]!)) // prettier-ignore
      const file = run % 2 === 0 ? Buffer.from(randomBytes(random, 200)) : Buffer.concat(noise)
      writeFileSync(out(), file)
      const result = verifyLines({ lines: () => [...linesOf(out())].flatMap((bytes) => lineOf(bytes) ?? []), ends: 'with a summary' }, evidence) // prettier-ignore
      assert.ok(result.ok !== true)
    }
  })

  it('reads lines as they are, whatever their length, and keeps no more of one than it needs', () => {
    const lengths = [0, 1, 65_535, 65_536, 65_537, 1_048_576, 1_048_577, 5_000_000, 3]
    writeFileSync(out(), lengths.map((length) => 'x'.repeat(length)).join('\n'))
    assert.deepEqual([...linesOf(out())].map(({ length }) => length), lengths.map((length) => Math.min(length, 1_048_577))) // prettier-ignore
  })

  it('is given the same words and the same exit code by the verifier in Python', async () => {
    const lines = await exported()
    const files = { whole: lines, cut: lines.slice(0, 4), none: ['dear diary'] }
    for (const [name, content] of Object.entries(files)) {
      const file = folder.file(name)
      writeFileSync(file, `${content.join('\n')}\n`)
      copyFileSync(folder.file('anchor'), folder.file('anchor-copy'))
      const given = [file, '--key', key, '--anchor', folder.file('anchor-copy')]
      const ours = await verb(['verify', ...given, '--config', folder.file('none.yaml')])
      const theirs = await startChild('python3', [PYTHON, ...given]).ended
      assert.deepEqual([theirs.code, theirs.stdout], [ours.code, ours.stdout])
      assert.equal(theirs.stderr, ours.stderr.split('\n').slice(0, 1).join('') + (ours.stderr === '' ? '' : '\n'))
    }
  })
})

describe('the verifier in Python', () => {
  it('is short, and uses what comes with Python', () => {
    const text = readFileSync(PYTHON, 'utf8')
    assert.ok(text.split('\n').length <= 200)
    assert.deepEqual(
      [...text.matchAll(/^(?:import|from) (.*)$/gm)].map(([, names]) => names),
      ['argparse, base64, datetime, decimal, hashlib, itertools, json, os, pathlib, re, subprocess, sys, tempfile'],
    )
  })
})
