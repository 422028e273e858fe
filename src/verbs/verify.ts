/** `punchd verify`: are the records of a journal, or of an export, what was stored? */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import type { Config } from '../config/config.js'
import { journalFile } from '../config/paths.js'
import { EXIT, messageOf, VerbError } from '../errors.js'
import { anchorFile, readAnchor, type Anchor } from '../journal/anchor.js'
import { openKeys } from '../journal/keys.js'
import { publicKeyFrom } from '../journal/proof.js'
import { JournalReader } from '../journal/query.js'
import { linesOfJournal } from '../verify/journal.js'
import { lineOf, type Line } from '../verify/line.js'
import { linesOf } from '../verify/lines.js'
import { verifyLines, type Evidence, type Result, type Source } from '../verify/verify.js'
import { common, plural, print, requireConfig, type CommonOptions, type Verb, type VerbContext } from './verb.js'

interface VerifyOptions extends CommonOptions {
  readonly key?: string
  readonly anchor?: string
}

export const verify: Verb = (program, context) => {
  common(program.command('verify'))
    .description('check hash chain, signatures and times; name the first record that is not what was stored')
    .argument('[file]', 'an export (ndjson); without it, the journal itself')
    .option('--key <key>', 'public key: base64 of 32 bytes (publicKey in P/info), or a file with it')
    .option('--anchor <file>', 'copy of the file "anchor": the records must reach it')
    .action(async (file: string | undefined, options: VerifyOptions) => {
      const result = await (file === undefined ? verifyJournal(options, context) : verifyFile(file, options, context))
      if (result.ok === undefined) {
        throw new VerbError(EXIT.data, 'input-invalid', `${file ?? ''}:${result.line} is no record of an export`, {
          hint: 'exports are made by: punchd export ndjson -o FILE',
        })
      }
      print(context.out, options.json ? JSON.stringify(result) : textOf(result))
      if (!result.ok) process.exitCode = EXIT.failed
    })
}

function textOf(result: Exclude<Result, { ok: undefined }>): string {
  if (!result.ok) return `seq ${result.seq}: ${result.kind}`
  const { count, erased, from, to, head } = result
  return `ok: ${plural(count, 'record')} (${erased} erased), seq ${from ?? 0}-${to ?? 0}, head ${head ?? 'none'}`
}

async function verifyJournal(options: VerifyOptions, context: VerbContext): Promise<Result> {
  const config = await requireConfig(options, context)
  // Before the records: a running daemon moves it on.
  const anchor = options.anchor === undefined ? ownAnchor(config) : anchorIn(options.anchor)
  const journal = new JournalReader(journalFile(config), config.site.offsets)
  const last = journal.lastSeq()
  const source: Source = {
    lines: () => counted(linesOfJournal(journal, last), context),
    ends: 'anyhow',
  }
  const key = options.key === undefined ? ownKey(config) : keyIn(options.key)
  if (!anchor) print(context.err, 'punchd: there is no anchor beside the journal: that its newest records are here cannot be told') // prettier-ignore
  try {
    return verifyLines(source, { key, anchor, mustReachAnchor: true })
  } finally {
    journal.close()
  }
}

async function verifyFile(file: string, options: VerifyOptions, context: VerbContext): Promise<Result> {
  requireFile(file)
  const evidence = await evidenceFor(options, context)
  const source: Source = { lines: () => counted(parsed(file), context), ends: 'with a summary' }
  try {
    return verifyLines(source, evidence)
  } catch (error) {
    if (error instanceof Error && 'code' in error && /^E[A-Z]+$/.test(String(error.code))) throw unreadable(file, error)
    throw error
  }
}

/** Whoever has the key needs no configuration: an auditor is not at the gateway. */
async function evidenceFor(options: VerifyOptions, context: VerbContext): Promise<Evidence> {
  const given = options.key === undefined ? undefined : keyIn(options.key)
  const anchor = options.anchor === undefined ? undefined : anchorIn(options.anchor)
  const isAuditor = given !== undefined && (anchor !== undefined || !existsSync(options.config))
  if (isAuditor) return { key: given, anchor, mustReachAnchor: true }
  const config = await requireConfig(options, context)
  const key = given ?? ownKey(config)
  // The gateway goes on after an export; only an anchor that somebody chose must be reached by it.
  return anchor ? { key, anchor, mustReachAnchor: true } : { key, anchor: ownAnchor(config), mustReachAnchor: false }
}

function ownKey(config: Config): KeyObject {
  return createPublicKey(openKeys(config.data.path, false).signing)
}

function ownAnchor(config: Config): Anchor | undefined {
  const file = anchorFile(journalFile(config))
  return existsSync(file) ? anchorIn(file) : undefined
}

function keyIn(written: string): KeyObject {
  const text = existsSync(written) && statSync(written).isFile() ? readFileSync(written, 'utf8').trim() : written
  const key = /^[A-Za-z0-9+/]{43}=$/.test(text) ? publicKeyFrom(Buffer.from(text, 'base64')) : undefined
  if (key) return key
  throw new VerbError(EXIT.usage, 'usage', `"${written.slice(0, 80)}" is no public key, nor a file with one`, {
    hint: 'it is the publicKey in P/info: 44 characters of base64',
  })
}

function anchorIn(file: string): Anchor {
  requireFile(file)
  const anchor = readAnchor(file)
  if (anchor) return anchor
  throw new VerbError(EXIT.data, 'input-invalid', `${file} is no anchor of a journal`, {
    hint: 'the anchor is the file of this name in data.path',
  })
}

function requireFile(file: string): void {
  try {
    if (statSync(file).isFile()) return
  } catch (error) {
    throw unreadable(file, error)
  }
  throw new VerbError(EXIT.data, 'input-invalid', `${file} is no file`)
}

function unreadable(file: string, error: unknown): VerbError {
  return new VerbError(EXIT.data, 'input-invalid', `cannot read ${file}: ${messageOf(error)}`)
}

function* parsed(file: string): Generator<Line> {
  for (const bytes of linesOf(file)) {
    const line = lineOf(bytes)
    if (line) yield line
  }
}

/** A counter on stderr, only for somebody who watches. */
function* counted(lines: Iterable<Line>, { err }: VerbContext): Generator<Line> {
  let count = 0
  for (const line of lines) {
    yield line
    count += 1
    if (err.isTTY && count % 5_000 === 0) err.write(`\r${count} records`)
  }
  if (err.isTTY && count >= 5_000) err.write('\r\u001b[K')
}
