/** `punchd enroll`: takes a finger at a reader, step by step; lists and removes what a reader holds. */
import type { Config } from '../config/config.js'
import { EXIT, VerbError } from '../errors.js'
import type { RequestFacts, RequestKind } from '../requests.js'
import { ask, type Patience } from './ask.js'
import { common, print, requireConfig, type CommonOptions, type Verb, type VerbContext } from './verb.js'

interface EnrollOptions extends CommonOptions {
  readonly person?: string
  readonly slot?: string
  readonly list?: boolean
  readonly remove?: string
}

export const enroll: Verb = (program, context) => {
  const about = 'take a finger at a reader, step by step; Ctrl-C cancels'
  common(program.command('enroll').description(about).argument('<reader>', 'id of the reader'))
    .option('--person <ref>', 'for whom; stands in the record of the enrolment')
    .option('--slot <n>', 'where to store it (default: the next free slot)')
    .option('--list', 'list what the reader holds instead')
    .option('--remove <slot>', 'remove what is stored in this slot instead')
    .action((reader: string, options: EnrollOptions) => perform(reader, options, context))
}

async function perform(reader: string, options: EnrollOptions, context: VerbContext): Promise<void> {
  const config = await requireConfig(options, context)
  if (options.list === true)
    return show(await asked(config, reader, 'list', {}, options, context), listText, options, context)
  if (options.remove !== undefined) {
    const slot = slotOf(options.remove)
    const result = await asked(config, reader, 'remove', { slot }, options, context)
    return show({ slot, ...result }, () => `Slot ${slot} of ${reader} is empty.`, options, context)
  }
  const { person, slot } = options
  const args = { ...(person !== undefined && { person }), ...(slot !== undefined && { slot: slotOf(slot) }) }
  const result = await asked(config, reader, 'enroll', args, options, context)
  show(result, (facts) => storedText(reader, facts), options, context)
}

/** Asks a reader of the running daemon, telling each step as it comes. */
export async function asked(
  config: Config,
  reader: string,
  kind: RequestKind,
  args: RequestFacts,
  { json }: CommonOptions,
  { out, err, stop }: VerbContext,
): Promise<RequestFacts> {
  const patience: Patience = {
    cancel: stop,
    onProgress: ({ step, text, facts }) => {
      if (json) print(out, JSON.stringify({ step, text, ...facts }))
      else print(err, text)
    },
  }
  return ask(config, 'request', { reader, kind, args }, patience)
}

function show(
  result: RequestFacts,
  textOf: (result: RequestFacts) => string,
  { json }: CommonOptions,
  { out }: VerbContext,
): void {
  print(out, json ? JSON.stringify({ step: 'done', ...result }) : textOf(result))
}

function slotOf(written: string): number {
  const slot = Number(written)
  if (Number.isInteger(slot) && slot >= 0 && slot <= 65_535) return slot
  throw new VerbError(EXIT.usage, 'usage', `"${written}" is no slot: write a whole number from 0`)
}

function listText({ slots, count, capacity }: RequestFacts): string {
  const used = count === undefined ? '' : `${String(count)} of `
  return `Slots in use: ${slots === '' ? 'none' : String(slots)} (${used}${String(capacity)}).`
}

function storedText(reader: string, { slot }: RequestFacts): string {
  return `Stored in slot ${String(slot)} of ${reader}: its punches carry the credential fingerprint:${String(slot)}@${reader}.`
}
