/** `punchd people erase REF`: what is known of a person goes, as far as it may; with a receipt for those who asked. */
import { sign } from 'node:crypto'
import type { Config } from '../config/config.js'
import { durationMs } from '../config/options.js'
import { journalFile } from '../config/paths.js'
import { EXIT, VerbError } from '../errors.js'
import { canonical } from '../journal/canonical.js'
import type { Erased, Erasing } from '../journal/erasure.js'
import { Journal } from '../journal/journal.js'
import { openKeys, publicKeyOf } from '../journal/keys.js'
import { lockDirectory } from '../journal/lock.js'
import { PeopleTable } from '../journal/people.js'
import { zoneFormatter } from '../journal/time.js'
import { ask } from './ask.js'
import { putOnRecord, whoAsks } from './on-record.js'
import { common, plural, print, requireConfig, type CommonOptions, type Verb, type VerbContext } from './verb.js'

interface EraseOptions extends CommonOptions {
  readonly olderThan?: string
}

/** What was done, to be kept by whoever asked for it. */
interface Receipt {
  readonly schema: 'erasure/1'
  readonly ref: string
  readonly time: string
  readonly listed: boolean
  /** Records whose content was destroyed, and the first and last of their numbers. */
  readonly erased: number
  readonly first: number | null
  readonly last: number | null
  /** Records about the person that are younger, or not delivered yet. */
  readonly kept: number
  /** Those older than this were erased. */
  readonly before: string
  readonly journal: string
  readonly publicKey: string
}

const RECEIPT_WORDS = 'punchd/erasure/1\n'

export function erasure(command: Parameters<Verb>[0], context: VerbContext): void {
  common(command.command('erase').description('take a person off the list and destroy what old records say about them'))
    .argument('<ref>', 'reference of the person')
    .option('--older-than <time>', 'records older than this, such as 30d; default: data.keepSettled')
    .action((ref: string, options: EraseOptions) => erase(ref, options, context))
}

async function erase(ref: string, options: EraseOptions, context: VerbContext): Promise<void> {
  const config = await requireConfig(options, context)
  const before = Date.now() - keptMs(options, config)
  const table = PeopleTable.open(journalFile(config), 'write')
  const credentials = table.get(ref)?.credentials ?? []
  const order = { person: ref, before, credentials: credentials.map(({ type, scope, value }) => `${type}:${scope}:${value}`) } // prettier-ignore
  try {
    const { seqs, kept, journal } = await eraseAll(config, order, context)
    // The list last: with it goes the knowledge of whose the credentials were.
    const listed = table.remove(ref)
    // Without the reference: the record of an erasure must not bring it back.
    await putOnRecord(config, { type: 'person-erased', subject: 'people', detail: { by: whoAsks(), erased: seqs.length, kept } }, context) // prettier-ignore
    const receipt = receiptOf({ ref, listed, seqs, kept, before, journal }, config, context.env)
    print(context.out, options.json ? JSON.stringify(receipt) : textOf(receipt))
  } finally {
    table.close()
  }
}

function keptMs({ olderThan }: EraseOptions, config: Config): number {
  if (olderThan === undefined) return config.data.keepSettledMs
  const ms = durationMs(olderThan)
  if (ms !== undefined) return ms
  throw new VerbError(EXIT.usage, 'usage', `"${olderThan}" is no length of time`, { hint: 'write 30d, 12h or 0s' })
}

interface Done {
  readonly seqs: readonly number[]
  readonly kept: number
  readonly journal: string
}

/** By the running daemon, which alone may write while it runs; else here. */
async function eraseAll(config: Config, order: Omit<Erasing, 'after'>, context: VerbContext): Promise<Done> {
  try {
    const { journal } = await ask(config, 'status', undefined)
    return { ...(await steps((after) => ask(config, 'erase', { ...order, after }), context)), journal }
  } catch (error) {
    if (!(error instanceof VerbError) || error.exitCode !== EXIT.unavailable) throw error
  }
  const unlock = lockDirectory(config.data.path)
  const { site, gateway } = config
  const journal = new Journal(journalFile(config), { site: site.id, gateway: gateway.id, offsets: site.offsets })
  try {
    const { settled } = journal.state
    return {
      ...(await steps((after) => journal.erasure.step({ ...order, after }, settled), context)),
      journal: journal.id,
    }
  } finally {
    journal.close()
    unlock()
  }
}

async function steps(
  step: (after: number) => Erased | Promise<Erased>,
  { err }: VerbContext,
): Promise<Omit<Done, 'journal'>> {
  const seqs: number[] = []
  let kept = 0
  for (let after: number | undefined = 0; after !== undefined;) {
    const { through, erased, kept: young }: Erased = await step(after)
    seqs.push(...erased)
    kept += young
    after = through
    if (err.isTTY && through !== undefined) err.write(`\r${through} records looked at`)
  }
  if (err.isTTY) err.write('\r\u001b[K')
  return { seqs, kept }
}

function receiptOf(
  { ref, listed, seqs, kept, before, journal }: Done & { readonly ref: string; readonly listed: boolean; readonly before: number }, // prettier-ignore
  config: Config,
  env: NodeJS.ProcessEnv,
): Receipt & { readonly sig: string } {
  const timeOf = zoneFormatter(config.site.offsets)
  const { signing } = openKeys(config.data.path, false, env)
  const receipt: Receipt = {
    schema: 'erasure/1',
    ref,
    time: timeOf(Date.now()),
    listed,
    erased: seqs.length,
    first: seqs[0] ?? null,
    last: seqs.at(-1) ?? null,
    kept,
    before: timeOf(before),
    journal,
    publicKey: publicKeyOf(signing).toString('base64'),
  }
  const sig = sign(null, Buffer.from(RECEIPT_WORDS + canonical({ ...receipt })), signing).toString('base64')
  return { ...receipt, sig }
}

function textOf({ ref, listed, erased, kept, before, time, journal, sig }: Receipt & { readonly sig: string }): string {
  return [
    listed ? `${ref} is off the people list.` : `${ref} was not on the people list.`,
    `${plural(erased, 'record')} from before ${before} can no longer be read; the chain of proofs still holds.`,
    kept === 0 ? 'No other records are about this person.' : `${plural(kept, 'record')} are younger or not delivered yet: erase again later, or name a shorter time with --older-than.`, // prettier-ignore
    `Receipt: ${time}, journal ${journal}, ${sig}`,
  ].join('\n')
}
