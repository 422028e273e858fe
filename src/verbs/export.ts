/** `punchd export`: records as CSV or NDJSON, to a file or to stdout. */
import type { KeyObject } from 'node:crypto'
import { createWriteStream, renameSync, rmSync } from 'node:fs'
import { finished } from 'node:stream/promises'
import { journalFile } from '../config/paths.js'
import { EXIT, messageOf, VerbError } from '../errors.js'
import { openKeys } from '../journal/keys.js'
import { JournalReader, type Filter, type StoredRecord } from '../journal/query.js'
import { summaryText } from '../verify/summary.js'
import { ranged, rangeFilter, type RangeOptions } from './punches.js'
import { plural, print, printAll, requireConfig, type Verb, type VerbContext } from './verb.js'

interface ExportOptions extends RangeOptions {
  readonly output?: string
}

/** What was met on the way. */
interface Told {
  damaged: number
}

export const exportRecords: Verb = (program, context) => {
  ranged(
    program
      .command('export')
      .description('export records')
      .argument('<format>', 'csv (punches) or ndjson (every record)'),
  )
    .option('--reader <id>', 'only this reader')
    .option('-o, --output <file>', 'write to a file instead of stdout')
    .action(async (format: string, options: ExportOptions) => {
      if (format !== 'csv' && format !== 'ndjson') {
        throw new VerbError(EXIT.usage, 'usage', `there is no export format "${format}"`, {
          hint: 'formats: csv, ndjson',
        })
      }
      if (format === 'ndjson') refuseReader(options)
      const config = await requireConfig(options, context)
      const journal = new JournalReader(journalFile(config), config.site.offsets)
      const filter = rangeFilter(options, config.site.offsets)
      const told: Told = { damaged: 0 }
      const { lines, total } =
        format === 'csv'
          ? { lines: csvLines(journal, filter, told), total: journal.count({ ...filter, kind: 'punch' }) }
          : proved(journal, filter, openKeys(config.data.path, false).signing, told)
      await write(lines, total, options, context)
      journal.close()
      tellDamage(told, context)
    })
}

/** The others are worth having: one bad sector must not hold them back. */
function tellDamage({ damaged }: Told, { err }: VerbContext): void {
  if (damaged > 0)
    print(err, `punchd: ${plural(damaged, 'record')} cannot be read, changed since stored: see punchd verify`)
}

function refuseReader({ reader }: ExportOptions): void {
  if (reader === undefined) return
  throw new VerbError(EXIT.usage, 'usage', 'ndjson is for proof: the records of one reader alone prove nothing', {
    hint: 'leave --reader out, or export csv',
  })
}

async function write(
  lines: AsyncIterable<string>,
  total: number,
  options: ExportOptions,
  context: VerbContext,
): Promise<void> {
  const shown = progress(lines, total, context.err)
  if (options.output === undefined) {
    await printAll(context.out, shown)
    return
  }
  // Either format has one line that is no record: the header, or the summary at the end.
  const records = (await writeFile(options.output, shown)) - 1
  const result = { file: options.output, records }
  print(
    context.out,
    options.json ? JSON.stringify(result) : `${plural(records, 'record')} written to ${options.output}`,
  )
}

/** Beside the target, then renamed: nobody picks up half an export. Returns the lines written. */
async function writeFile(file: string, lines: AsyncIterable<string>): Promise<number> {
  const temporary = `${file}.${process.pid}.tmp`
  try {
    const stream = createWriteStream(temporary, { mode: 0o600 })
    const failed = new Promise<never>((_, reject) => stream.once('error', reject))
    const written = await Promise.race([printAll(stream, lines), failed])
    stream.end()
    await finished(stream)
    renameSync(temporary, file)
    return written
  } catch (error) {
    rmSync(temporary, { force: true })
    throw new VerbError(EXIT.cannotCreate, 'output-failed', `cannot write ${file}: ${messageOf(error)}`)
  }
}

/** A counter on stderr, only for somebody who watches. */
async function* progress(lines: AsyncIterable<string>, total: number, err: NodeJS.WriteStream): AsyncGenerator<string> {
  let count = 0
  for await (const line of lines) {
    yield line
    count += 1
    if (err.isTTY && count % 5_000 === 0) err.write(`\r${count} of ${total} records`)
  }
  if (err.isTTY && count >= 5_000) err.write('\r\u001b[K')
}

/** All records from the first to the last of the time asked for: with one left out, the chain would prove nothing. */
function proved(journal: JournalReader, range: Filter, signing: KeyObject, told: Told) {
  const span = journal.span(range)
  const filter = { afterSeq: (span?.first ?? 1) - 1, throughSeq: span?.last ?? 0, erased: true, damaged: true }
  return { lines: ndjsonLines(journal, filter, signing, told), total: span ? span.last - span.first + 1 : 0 }
}

async function* ndjsonLines(
  journal: JournalReader,
  filter: Filter,
  signing: KeyObject,
  told: Told,
): AsyncGenerator<string> {
  let count = 0
  let from: number | null = null
  let last: StoredRecord | undefined
  for (const record of journal.records(filter)) {
    from ??= record.seq
    last = record
    count += 1
    if (record.isDamaged === true) told.damaged += 1
    yield record.json
  }
  // Parse boundary: our own record.
  const head = last ? (JSON.parse(last.json) as { proof: { hash: string } }).proof.hash : null
  yield summaryText({ journal: journal.id, from, to: last?.seq ?? null, count, head }, signing)
}

/** CSV columns: where each stands in the record. */
const COLUMNS = [
  { key: 'seq', header: 'seq' },
  { key: 'time', header: 'time' },
  { key: 'reader', header: 'reader' },
  { key: 'place', header: 'place' },
  { key: 'direction', header: 'direction' },
  { key: 'method', header: 'method' },
  { key: 'credential.type', header: 'credential_type' },
  { key: 'credential.value', header: 'credential' },
  { key: 'person.ref', header: 'person' },
  { key: 'verdict', header: 'verdict' },
  { key: 'repeatOf', header: 'repeat_of' },
  { key: 'id', header: 'id' },
  { key: 'claim.time', header: 'claim_time' },
  { key: 'claim.aheadMs', header: 'claim_ahead_ms' },
  { key: 'claim.late', header: 'claim_late' },
]

async function* csvLines(journal: JournalReader, filter: Filter, told: Told): AsyncGenerator<string> {
  const { stringify } = await import('csv-stringify/sync')
  yield COLUMNS.map(({ header }) => header).join(',')
  for (const { json, isDamaged } of journal.records({ ...filter, kind: 'punch', damaged: true })) {
    if (isDamaged === true) {
      told.damaged += 1
      continue
    }
    // A name or a code that begins with = would be a formula to a spreadsheet.
    yield stringify([JSON.parse(json)], { columns: COLUMNS, escape_formulas: true, eof: false })
  }
}
