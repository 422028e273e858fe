/** A people list as a CSV file: everybody in it, or everything that is wrong with it. */
import { didYouMean } from '../config/words.js'
import type { Credential } from '../model.js'
import type { Person } from '../people.js'
import { readCredentials } from './credentials.js'
import { parseCsv, type CsvRow } from './csv.js'

export interface RowProblem {
  readonly line: number
  readonly message: string
}

export interface PeopleFile {
  readonly people: readonly (Person & { readonly line: number })[]
  /** In order of their lines. */
  readonly problems: readonly RowProblem[]
}

const COLUMNS = ['ref', 'name', 'department', 'language', 'validFrom', 'validTo', 'state', 'credentials'] as const
type Column = (typeof COLUMNS)[number]
type Cells = Readonly<Record<Column, string>>

export function readPeople(bytes: Uint8Array): PeopleFile {
  const text = textOf(bytes)
  if (text === undefined) return { people: [], problems: [{ line: 1, message: NOT_UTF8 }] }
  const { rows, problems: broken } = parseCsv(text, 'ref')
  const [header, ...others] = rows
  if (!header) return { people: [], problems: [{ line: 1, message: `the file is empty: begin with ${HEADER}` }] }
  const names = header.cells.map((cell) => cell.trim())
  const wrongHeader = headerProblems(names, header.line)
  if (wrongHeader.length > 0) return { people: [], problems: [...wrongHeader, ...broken] }
  const read = others.map((row) => readRow(row, names))
  const people = read.map(({ person, line }) => ({ ...person, line }))
  const problems = [
    ...broken,
    ...read.flatMap((row) => row.problems),
    ...refClaims(people),
    ...credentialClaims(people),
  ]
  return { people, problems: problems.sort((a, b) => a.line - b.line) }
}

const HEADER = 'ref,name,department,language,validFrom,validTo,credentials'
const NOT_UTF8 = 'the file is not UTF-8: in Excel save it as "CSV UTF-8"'

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function headerProblems(names: readonly string[], line: number): RowProblem[] {
  const unknown = names.filter((name) => !COLUMNS.some((column) => column === name))
  const twice = names.filter((name, index) => names.indexOf(name) !== index)
  return [
    ...(names.includes('ref') ? [] : [{ line, message: `there is no column ref: the first line is ${HEADER}` }]),
    ...unknown.map((name) => {
      const hint = didYouMean(name, COLUMNS) ?? `columns are ${COLUMNS.join(', ')}`
      return { line, message: `there is no column "${name}": ${hint}` }
    }),
    ...twice.map((name) => ({ line, message: `the column ${name} stands there twice` })),
  ]
}

function readRow({ line, cells }: CsvRow, names: readonly string[]) {
  const problems: RowProblem[] = []
  const wrong = (message: string): void => void problems.push({ line, message })
  const surplus = cells.slice(names.length).some((cell) => cell !== '')
  if (surplus || cells.length < names.length)
    wrong(
      `has ${cells.length} values, the header has ${names.length}: put quotes around values with commas or semicolons`,
    )
  const cell = (column: Column): string => cells[names.indexOf(column)]?.trim() ?? ''
  const values: Cells = {
    ref: cell('ref'),
    name: cell('name'),
    department: cell('department'),
    language: cell('language'),
    validFrom: cell('validFrom'),
    validTo: cell('validTo'),
    state: cell('state'),
    credentials: cell('credentials'),
  }
  for (const message of fieldProblems(values)) wrong(message)
  const credentials = readCredentials(values.credentials).flatMap((read) => {
    if ('credential' in read) return [read.credential]
    wrong(read.problem)
    return []
  })
  const state = values.state === 'blocked' ? 'blocked' : 'active'
  return { line, problems, person: { ...values, state, credentials } satisfies Person }
}

function fieldProblems({ ref, language, validFrom, validTo, state }: Cells): string[] {
  const problems: string[] = []
  if (ref === '') problems.push('ref is empty')
  else if (ref.length > 64 || /[\u0000-\u001f\u007f]/.test(ref))
    problems.push('ref is no number or name of up to 64 characters')
  if (language !== '' && !/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(language))
    problems.push(`language "${language}" is none: write it like de or pt-BR`)
  for (const [column, day] of [
    ['validFrom', validFrom],
    ['validTo', validTo],
  ] as const)
    // prettier-ignore
    if (day !== '' && !isDay(day)) problems.push(`${column} "${day}" is no day: ${dayOffer(day)}`)
  if (isDay(validFrom) && isDay(validTo) && validFrom > validTo) problems.push('validTo lies before validFrom')
  if (!['', 'active', 'blocked'].includes(state)) problems.push(`state "${state}" is neither active nor blocked`)
  return problems
}

/** A day that the calendar has, `2026-11-23`. */
function isDay(text: string): boolean {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00Z`) : Number.NaN
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

function dayOffer(written: string): string {
  const [, day = '', month = '', year = ''] = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(written) ?? []
  const meant = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
  return isDay(meant) ? `write ${meant}` : 'write it like 2026-11-23'
}

function refClaims(people: PeopleFile['people']): RowProblem[] {
  const lines = new Map<string, number>()
  return people.flatMap(({ ref, line }) => {
    const first = lines.get(ref)
    if (first !== undefined && ref !== '') return [{ line, message: `ref ${ref} stands on line ${first} already` }]
    lines.set(ref, line)
    return []
  })
}

function credentialClaims(people: PeopleFile['people']): RowProblem[] {
  const owners = new Map<string, { readonly ref: string; readonly line: number }>()
  return people.flatMap(({ ref, line, credentials }) =>
    credentials.flatMap((credential) => {
      const key = JSON.stringify([credential.type, credential.scope, credential.value])
      const first = owners.get(key)
      if (first) return [{ line, message: claimText(credential, first.ref, ` on line ${first.line}`) }]
      owners.set(key, { ref, line })
      return []
    }),
  )
}

/** Says whose a credential is already. */
export function claimText({ type, value }: Credential, ref: string, where: string): string {
  return `the ${type} …${value.slice(-4)} belongs to ${ref}${where} already`
}
