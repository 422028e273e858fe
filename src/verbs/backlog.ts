/** `punchd backlog`: what waits for the broker, and what was set aside with its reason. */
import { journalFile } from '../config/paths.js'
import type { Config } from '../config/config.js'
import { EXIT, VerbError } from '../errors.js'
import { JournalReader } from '../journal/query.js'
import { zoneFormatter, type ZoneOffsets } from '../journal/time.js'
import type { StatusLine } from '../control.js'
import { ask } from './ask.js'
import {
  common,
  plural,
  print,
  printAll,
  requireConfig,
  type CommonOptions,
  type Verb,
  type VerbContext,
} from './verb.js'

interface BacklogOptions extends CommonOptions {
  readonly limit?: string
}

interface BacklogLine {
  readonly seq: number
  readonly id: string
  readonly state: 'waiting' | 'parked'
  readonly reason?: string
  readonly code?: string
  readonly since?: string
}

export const backlog: Verb = (program, context) => {
  const about = 'list what waits for the broker, oldest first, and parked records'
  const command = common(program.command('backlog').description(about))
  command
    .option('--limit <n>', 'list at most so many waiting records', '1000')
    .action((options: BacklogOptions) => list(options, context))
  const retry = command.command('retry').description('send one parked record again')
  common(retry.argument('<id>', 'id of the record')).action(
    async (id: string, _options: CommonOptions, self: Parameters<Verb>[0]) => {
      const options = self.optsWithGlobals<CommonOptions>()
      const config = await requireConfig(options, context)
      await ask(config, 'retry', { id })
      print(context.out, options.json ? JSON.stringify({ id, delivered: true }) : `${id} was delivered.`)
    },
  )
}

async function list(options: BacklogOptions, context: VerbContext): Promise<void> {
  const config = await requireConfig(options, context)
  const journal = new JournalReader(journalFile(config), config.site.offsets)
  const now = await statusNow(config)
  const settled = Math.max(journal.settled(), now?.settled ?? 0)
  const lines = backlogLines(journal, settled, limitOf(options), config.site.offsets)
  if (options.json) print(context.out, JSON.stringify(lines))
  else {
    await printAll(context.out, lines.map(lineText))
    const parked = lines.filter(({ state }) => state === 'parked').length
    const waiting = journal.count({ afterSeq: settled })
    print(context.out, `${plural(waiting, 'record')} behind the watermark, ${parked} parked.${withoutReceipt(now)}`)
  }
  journal.close()
}

/** What the daemon knows is fresher than the watermark on disk; without a daemon that one is all there is. */
async function statusNow(config: Config): Promise<StatusLine | undefined> {
  try {
    return await ask(config, 'status', undefined)
  } catch (error) {
    if (error instanceof VerbError) return undefined
    throw error
  }
}

/** Where receipts settle, the broker may have everything and the consumer say nothing. */
function withoutReceipt(now: StatusLine | undefined): string {
  return now?.unreceipted === undefined ? '' : ` The broker took ${now.unreceipted} of them: their receipt is not here.`
}

function limitOf({ limit }: BacklogOptions): number {
  const number = Number(limit)
  if (Number.isInteger(number) && number > 0) return number
  throw new VerbError(EXIT.usage, 'usage', `--limit "${limit}" is no whole number above 0`)
}

function backlogLines(journal: JournalReader, settled: number, limit: number, offsets: ZoneOffsets): BacklogLine[] {
  const timeOf = zoneFormatter(offsets)
  const parked = journal.parked().map(({ seq, id, code, reason, wall }): BacklogLine => ({
    seq,
    id,
    state: 'parked',
    reason,
    code,
    since: timeOf(wall),
  }))
  const waiting = journal.waiting(settled, limit).map(({ seq, id }): BacklogLine => ({ seq, id, state: 'waiting' }))
  return [...parked, ...waiting].sort((a, b) => a.seq - b.seq)
}

function lineText({ seq, id, state, reason, since }: BacklogLine): string {
  const facts = [String(seq).padStart(6), id, state]
  if (reason !== undefined) facts.push(`since ${since}: ${reason}`)
  return facts.join(' ')
}
