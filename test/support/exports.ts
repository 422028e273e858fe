/** Sound exports of every shape: most from a real journal through the real verb, what the journal does not write yet by hand. */
import { readFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { createPrivateKey } from 'node:crypto'
import { Attendance } from '../../src/attendance.js'
import { anchorFile, readAnchor, writeAnchor } from '../../src/journal/anchor.js'
import { Journal } from '../../src/journal/journal.js'
import { keyFile } from '../../src/journal/keys.js'
import { canonical } from '../../src/journal/canonical.js'
import { commitOf } from '../../src/journal/proof.js'
import type { JsonObject } from '../../src/verify/line.js'
import { verb, writeConfig } from './daemon.js'
import { forgedPunch, newSigningKey, rechained, summaryFor, ZEROS, type Export } from './forge.js'
import { auditDraft, cardReport, IDENTITY, momentAt, punchDraft, storedRecords } from './records.js'

const WINDOW = 300_000
/** What JSON writers disagree about. */
const ODD = {
  numbers: [0.1, 1e21, 1e-7, 123456789012345680000, -0.000001, 5e-324, 1.7976931348623157e308, -3.25, 9007199254740993],
  texts: ['€ ö 漢', '😀', '\u2028\u2029\u007f\u0080', '"\\/\b\f\n\r\t\u0001\u001f', '\ud800 alone', ''],
  '\ufb33': 1,
  '😀': 2,
  é: { b: [], a: {}, 10: true, 9: null },
}

export interface MadeJournal extends Export {
  readonly config: string
  readonly folder: string
}

function morning(journal: Journal, times: number): void {
  const attendance = new Attendance(journal, WINDOW, momentAt(0))
  for (let tap = 0; tap < times; tap++) {
    attendance.record([cardReport(`0A0012345${tap % 3}`, tap * 60_000, { direction: 'in' })])
    if (tap % 3 === 1) journal.append([auditDraft('reader-lost', tap * 60_000)])
    if (tap % 4 === 2) journal.append([{ ...punchDraft('AA', tap * 60_000, { change: 'arrived' }), kind: 'presence' }])
  }
}

/** Salt and body of a record are destroyed, the commitment stays. */
export function erase(file: string, record: JsonObject): void {
  const { proof, time, ...rest } = record
  const evidence = record['schema'] === 'punch/1' ? rest : { ...rest, time }
  const salt = Buffer.from((proof as { salt: string }).salt, 'base64')
  const db = new Database(file)
  db.prepare('UPDATE record SET body = NULL, commitment = ? WHERE seq = ?').run(
    commitOf(salt, canonical(evidence)),
    record['seq'],
  )
  db.close()
}

/** The journal says that it begins as the daemon would. */
function beginAnew(file: string, far: number): Journal {
  const anchor = readAnchor(anchorFile(file))!
  writeAnchor(anchorFile(file), { ...anchor, seq: anchor.seq + far })
  const journal = new Journal(file, IDENTITY)
  const draft = auditDraft('journal-begun')
  journal.append([{ ...draft, fields: { ...draft.fields, detail: { ...journal.state.begun } } }])
  return journal
}

const MAKERS: Readonly<Record<string, (file: string, journal: Journal) => Journal>> = {
  plain: (_, journal) => {
    morning(journal, 7)
    return journal
  },
  erased: (file, journal) => {
    morning(journal, 6)
    const records = storedRecords(journal) as JsonObject[]
    for (const place of [0, 3, 4, records.length - 1]) erase(file, records[place]!)
    return journal
  },
  'several journals': (file, journal) => {
    morning(journal, 4)
    journal.head.anchor()
    journal.close()
    const second = beginAnew(file, 5)
    morning(second, 2)
    second.head.anchor()
    second.close()
    return beginAnew(file, 1)
  },
  'without its oldest': (_, journal) => {
    morning(journal, 9)
    journal.settle(6)
    journal.forget(Number.MAX_SAFE_INTEGER, 5)
    return journal
  },
  odd: (_, journal) => {
    for (let index = 0; index < 6; index++) journal.append([punchDraft('AA', index, { raw: ODD, index })])
    return journal
  },
}

/** Makes all of them below `folder`. */
export async function makeExports(folder: string): Promise<MadeJournal[]> {
  const made: MadeJournal[] = []
  for (const [name, make] of Object.entries(MAKERS)) {
    const path = join(folder, name.replaceAll(' ', '-'))
    mkdirSync(path)
    const file = join(path, 'journal.db')
    const journal = make(file, new Journal(file, IDENTITY))
    journal.head.anchor()
    journal.close()
    made.push(await exported(name, path))
  }
  return made
}

async function exported(name: string, folder: string): Promise<MadeJournal> {
  const config = writeConfig(folder)
  const { code, stdout, stderr } = await verb(['export', 'ndjson', '--config', config])
  if (code !== 0) throw new Error(stderr)
  const lines = stdout.trimEnd().split('\n')
  const signing = createPrivateKey(readFileSync(keyFile(folder, 'signing'), 'utf8'))
  return { name, folder, config, signing, records: lines.slice(0, -1), summary: lines.at(-1)! }
}

/** Punches of a boot that learned the time later, and what was written then. */
export function corrected(): Export {
  const signing = newSigningKey()
  const clock = (wall: number, errorMs: number | null) => ({ wall, uptime: 1, boot: 'b', state: 'x', errorMs })
  const time = (wall: number): string => new Date(wall).toISOString()
  const at = Date.UTC(2026, 10, 23, 7)
  const correction = (seq: number, of: string, fields: JsonObject): JsonObject => ({ schema: 'correction/1', id: `c${seq}`, seq, of, clock: clock(at, 20), ...fields }) // prettier-ignore
  const records = [
    forgedPunch(1, { clock: clock(5_000, null), time: time(at) }),
    forgedPunch(2, { clock: clock(6_000, null), time: time(at + 1_000) }),
    forgedPunch(3, { clock: clock(7_000, null), time: time(7_000) }),
    forgedPunch(4, { clock: clock(at, 20), time: time(at + 1_000) }),
    correction(5, 'forged-1', { time: time(at + 100), errorMs: 500 }),
    correction(6, 'forged-2', { earliest: time(at - 60_000), latest: time(at + 60_000) }),
    correction(7, 'forged-4', { time: time(at + 1_000), errorMs: 100 }),
    correction(8, 'forged-3', { verification: { state: 'missing' } }),
    forgedPunch(9, { clock: clock(at, 2_000), time: time(at + 2_900) }),
  ]
  const lines = rechained(records, ZEROS, signing)
  return { name: 'corrected', records: lines, summary: summaryFor(lines, signing), signing }
}
