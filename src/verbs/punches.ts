/** `punchd punches`: punches of the past. */
import { journalFile } from '../config/paths.js'
import { JournalReader, type Filter } from '../journal/query.js'
import type { ZoneOffsets } from '../journal/time.js'
import { punchText } from './format.js'
import { parseInstant } from './instant.js'
import { viewed } from './on-record.js'
import { common, printAll, requireConfig, type CommonOptions, type Verb } from './verb.js'

export interface RangeOptions extends CommonOptions {
  readonly from?: string
  readonly to?: string
  readonly reader?: string
  readonly person?: string
}

export const punches: Verb = (program, context) => {
  const command = program.command('punches').description('query stored punches')
  ranged(command)
    .option('--reader <id>', 'only this reader')
    .option('--person <ref>', 'only this person')
    .action(async (options: RangeOptions) => {
      const config = await requireConfig(options, context)
      const journal = new JournalReader(journalFile(config), config.site.offsets)
      if (options.person !== undefined) await viewed(config, options.person, 'punches', context)
      const filter = { ...rangeFilter(options, config.site.offsets), kind: 'punch' } as const
      await printAll(context.out, lines(journal, filter, options.json === true))
      journal.close()
    })
}

/** Adds --from and --to. */
export function ranged(command: Parameters<Verb>[0]): Parameters<Verb>[0] {
  return common(command)
    .option('--from <time>', 'not before: 10m (ago), 2026-11-22, 2026-11-22T08:00')
    .option('--to <time>', 'before')
}

export function rangeFilter({ from, to, reader, person }: RangeOptions, offsets: ZoneOffsets): Filter {
  const instant = (written: string | undefined) => (written === undefined ? undefined : parseInstant(written, offsets))
  return { from: instant(from), to: instant(to), reader, person }
}

function* lines(journal: JournalReader, filter: Filter, json: boolean): Generator<string> {
  for (const record of journal.records(filter)) yield json ? record.json : punchText(record.json)
}
