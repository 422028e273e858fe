/** `punchd tail`: punches as they are stored, whether or not a broker can be reached. */
import { existsSync } from 'node:fs'
import { journalFile } from '../config/paths.js'
import { SystemClock, type Clock } from '../clock.js'
import { JournalReader } from '../journal/query.js'
import { punchText } from './format.js'
import { parseInstant } from './instant.js'
import { common, print, printAll, requireConfig, type CommonOptions, type Verb } from './verb.js'

interface TailOptions extends CommonOptions {
  readonly since?: string
}

/** A look at the newest number costs microseconds; a person does not see a tenth of a second. */
const LOOK_EVERY_MS = 100

export const tail: Verb = (program, context) => {
  common(program.command('tail').description('print punches as they are stored, until interrupted'))
    .option('--since <time>', 'begin with those since then: 10m, 2026-11-22T08:00')
    .action(async (options: TailOptions) => {
      const config = await requireConfig(options, context)
      const file = journalFile(config)
      const clock = new SystemClock()
      const since = options.since === undefined ? undefined : parseInstant(options.since, config.site.offsets)
      const begun = existsSync(file)
      if (!begun) print(context.err, `waiting for the daemon to begin a journal at ${file}`)
      while (!existsSync(file) && !context.stop.aborted) await clock.sleep(LOOK_EVERY_MS, context.stop)
      if (context.stop.aborted) return
      const journal = new JournalReader(file, config.site.offsets)
      // What came while nobody had a journal yet is new to whoever waited for it.
      const afterSeq = since === undefined && begun ? journal.lastSeq() : 0
      const records = follow(journal, afterSeq, since, clock, context.stop)
      await printAll(context.out, lines(records, options.json === true))
      journal.close()
    })
}

async function* follow(
  journal: JournalReader,
  afterSeq: number,
  from: number | undefined,
  clock: Clock,
  stop: AbortSignal,
) {
  let seen = afterSeq
  let earliest = from
  while (!stop.aborted) {
    // Before looking: what is stored while the lines are printed must not be passed over.
    const through = earliest === undefined ? 0 : journal.lastSeq()
    for (const record of journal.records({ kind: 'punch', afterSeq: seen, from: earliest })) {
      seen = record.seq
      yield record.json
    }
    // From here on new is what has a new number, whatever the clock says.
    seen = Math.max(seen, through)
    earliest = undefined
    await clock.sleep(LOOK_EVERY_MS, stop)
  }
}

async function* lines(records: AsyncIterable<string>, json: boolean): AsyncGenerator<string> {
  for await (const record of records) yield json ? record : punchText(record)
}
