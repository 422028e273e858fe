/** `punchd people`: who is known by which credential. */
import { readFileSync } from 'node:fs'
import { journalFile } from '../config/paths.js'
import type { Config } from '../config/config.js'
import { didYouMean } from '../config/words.js'
import { EXIT, messageOf, VerbError } from '../errors.js'
import { claimText, readPeople, type RowProblem } from '../import/people.js'
import { PeopleTable, type Imported } from '../journal/people.js'
import type { Person } from '../people.js'
import { putOnRecord, viewed, whoAsks } from './on-record.js'
import { erasure } from './erase.js'
import { releaseKnown } from './release.js'
import { common, plural, print, printAll, requireConfig, type CommonOptions, type Verb, type VerbContext } from './verb.js' // prettier-ignore

interface ImportOptions extends CommonOptions {
  readonly replace?: boolean
}

export const people: Verb = (program, context) => {
  const command = program.command('people').description('the people list: whose a credential is')
  common(command.command('import').description('take a list over from a CSV file; all of it, or nothing'))
    .argument('<file>', 'columns ref,name,department,language,validFrom,validTo,credentials; - for stdin')
    .option('--replace', 'take people off the list who are not in the file')
    .action((file: string, options: ImportOptions) => take(file, options, context))
  common(command.command('list').description('everybody on the list')).action((options: CommonOptions) => list(options, context)) // prettier-ignore
  common(command.command('show').description('one person, with credentials'))
    .argument('<ref>', 'reference of the person')
    .action((ref: string, options: CommonOptions) => show(ref, options, context))
  erasure(command, context)
}

async function take(file: string, options: ImportOptions, context: VerbContext): Promise<void> {
  const config = await requireConfig(options, context)
  const { people: found, problems } = readPeople(bytesOf(file))
  if (problems.length > 0) return refuse(file, problems, options, context)
  const table = PeopleTable.open(journalFile(config), 'write')
  try {
    const claims = options.replace ? [] : claimsOnList(found, table)
    if (claims.length > 0) return refuse(file, claims, options, context)
    const persons = found.map(({ line: _line, ...person }) => person)
    const done = table.import(persons, options.replace === true, progressOn(context, persons.length))
    const released = await releaseKnown(config, table)
    const detail = { by: whoAsks(), people: persons.length, ...done }
    await putOnRecord(config, { type: 'people-imported', subject: 'people', detail }, context)
    const nowhere = readersMissing(found, config)
    for (const { line, message } of nowhere) print(context.err, `warning: ${file}:${line}  ${message}`)
    const result = { people: persons.length, ...done, released, ...(nowhere.length > 0 && { warnings: nowhere }) }
    print(context.out, options.json ? JSON.stringify(result) : importedText(result))
  } finally {
    table.close()
  }
}

function bytesOf(file: string): Uint8Array {
  try {
    return readFileSync(file === '-' ? 0 : file)
  } catch (error) {
    throw new VerbError(EXIT.data, 'input-invalid', `cannot read ${file}: ${messageOf(error)}`)
  }
}

/** Every bad row with its line; nothing was imported. */
function refuse(
  file: string,
  problems: readonly RowProblem[],
  { json }: CommonOptions,
  { out, err }: VerbContext,
): void {
  if (json) print(out, JSON.stringify({ ok: false, problems }))
  for (const { line, message } of problems) print(err, `${file}:${line}  ${message}`)
  print(err, `${plural(problems.length, 'problem')}; nothing was imported.`)
  process.exitCode = EXIT.data
}

/** Credentials of people who stay on the list without being in the file. */
function claimsOnList(people: readonly (Person & { readonly line: number })[], table: PeopleTable): RowProblem[] {
  const named = new Set(people.map(({ ref }) => ref))
  return people.flatMap(({ line, credentials }) =>
    credentials.flatMap((credential) => {
      const owner = table.ownerOf(credential)
      if (owner === undefined || named.has(owner)) return []
      const way = ' of the list, who is not in the file (--replace takes them off)'
      return [{ line, message: claimText(credential, owner, way) }]
    }),
  )
}

/** Credentials that count at a reader only that is not in the configuration: mistyped, or not there yet. */
function readersMissing(people: readonly (Person & { readonly line: number })[], { readers }: Config): RowProblem[] {
  const known = new Set(['global', ...readers.map(({ id }) => id)])
  return people.flatMap(({ line, credentials }) =>
    credentials
      .filter(({ scope }) => !known.has(scope))
      .map(({ type, scope }) => {
        const hint = didYouMean(scope, [...known]) ?? 'nobody passes with it until there is one'
        return { line, message: `a ${type} counts at the reader "${scope}", which is not configured: ${hint}` }
      }),
  )
}

const WORTH_PROGRESS = 2_000

function progressOn({ err }: VerbContext, total: number): (done: number) => void {
  if (!err.isTTY || total < WORTH_PROGRESS) return () => undefined
  return (done) => void err.write(`\r${done} of ${total} people${done + 500 >= total ? '\n' : ''}`)
}

function importedText({
  people: count,
  added,
  updated,
  removed,
  kept,
  credentials,
  released,
}: Imported & { readonly people: number; readonly released: number }): string {
  // prettier-ignore
  return [
    `${count === 1 ? '1 person' : `${count} people`} with ${plural(credentials, 'credential')}: ${added} added, ${updated} updated, ${removed} removed.`,
    ...(kept === 0 ? [] : [`${kept} on the list are not in the file and stay: --replace takes them off.`]),
    ...(released === 0 ? [] : [`${plural(released, 'held punch').replace('punchs', 'punches')} can be sent now.`]),
  ].join('\n')
}

async function list(options: CommonOptions, context: VerbContext): Promise<void> {
  const config = await requireConfig(options, context)
  const table = open(config)
  await printAll(context.out, linesOf(table, options.json === true))
  table.close()
}

function* linesOf(table: PeopleTable, json: boolean): Generator<string> {
  for (const { credentials, ...person } of table.all()) {
    if (json) yield JSON.stringify({ ...person, credentials: credentials.length })
    else yield [person.ref.padEnd(10), person.name.padEnd(24), person.department.padEnd(16), validText(person), plural(credentials.length, 'credential')].join(' ') // prettier-ignore
  }
}

function validText({ validFrom, validTo, state }: Person | Omit<Person, 'credentials'>): string {
  if (state === 'blocked') return 'blocked'.padEnd(24)
  const from = validFrom === '' ? '' : `from ${validFrom}`
  const to = validTo === '' ? '' : `to ${validTo}`
  return ([from, to].filter((bound) => bound !== '').join(' ') || 'valid').padEnd(24)
}

async function show(ref: string, options: CommonOptions, context: VerbContext): Promise<void> {
  const config = await requireConfig(options, context)
  const table = open(config)
  const person = table.get(ref)
  table.close()
  if (!person) throw new VerbError(EXIT.data, 'input-invalid', `the people list has no ref "${ref}"`, { hint: 'punchd people list shows all' }) // prettier-ignore
  await viewed(config, ref, 'people show', context)
  if (options.json) return print(context.out, JSON.stringify(person))
  const { credentials, name, department, language } = person
  print(context.out, `${ref}  ${name}`)
  print(context.out, `  department   ${department}\n  language     ${language}\n  ${validText(person).trim()}`)
  for (const { type, value, scope } of credentials)
    print(context.out, `  ${type}:${value}${scope === 'global' ? '' : `@${scope}`}`)
}

function open(config: Config): PeopleTable {
  return PeopleTable.open(journalFile(config), 'read')
}
