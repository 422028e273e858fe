/** Verbs that are killed at their points beside a running daemon: a new people list, a backup. */
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../src/config/config.js'
import { journalFile } from '../../src/config/paths.js'
import { checkCopy } from '../../src/journal/copy.js'
import { openKeys } from '../../src/journal/keys.js'
import { PeopleTable } from '../../src/journal/people.js'
import { start } from '../child.js'
import { GATEWAY, SITE } from '../fixture.js'
import { people } from './points-site.js'

export const VERBS = ['import', 'backup'] as const
export type VerbName = (typeof VERBS)[number]

export interface VerbRun {
  readonly name: VerbName
  /** `main.js` of the copy. */
  readonly program: string
  readonly folder: string
  readonly config: Config
  readonly round: number
  readonly env: NodeJS.ProcessEnv
}

/** Runs the verb; returns what descriptor 4 was told, whether it was killed, and what is wrong with what it left. */
export async function runVerb(run: VerbRun): Promise<{ killed: boolean; told: string[]; wrong: string | undefined }> {
  const to = join(run.folder, `backup-${run.round}`)
  const list = join(run.folder, 'people.csv')
  if (run.name === 'import') writeFileSync(list, csvOf(run.round))
  const args = run.name === 'import' ? ['people', 'import', list, '--replace'] : ['backup', to]
  const child = start(process.execPath, [run.program, ...args, '--config', configFile(run)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ignore', 'pipe'],
    env: { ...process.env, ...run.env },
  })
  let [told, stderr] = ['', '']
  child.stdio[4]?.on('data', (piece: Buffer) => (told += piece.toString()))
  child.stderr?.on('data', (piece: Buffer) => (stderr += piece.toString()))
  await once(child, 'close')
  const killed = child.signalCode === 'SIGKILL'
  const failed = killed || child.exitCode === 0 ? undefined : `${run.name} failed: ${stderr}`
  const wrong = failed ?? (run.name === 'import' ? wrongList(run.config) : wrongBackup(to))
  return { killed, told: told.split('\n').slice(0, -1), wrong }
}

/** Everybody but the first, who has a code too long for a cell; and one more, whom the next import takes off. */
function csvOf(round: number): string {
  const extra = { ...people(round)[0]!, ref: `X-${round}`, credentials: [] }
  const rows = [...people(round).slice(1), extra].map(({ ref, name, department, language, credentials }) => {
    const cell = credentials.map(({ type, value }) => `${type}:${value}`).join(';')
    return [ref, name, department, language, '', '', cell].join(',')
  })
  return `ref,name,department,language,validFrom,validTo,credentials\n${rows.join('\n')}\n`
}

function configFile({ folder, config }: VerbRun): string {
  const file = join(folder, 'config.yaml')
  const lines = [
    'version: 1',
    `site: { id: ${SITE.id}, timezone: ${SITE.timezone} }`,
    `gateway: { id: ${GATEWAY} }`,
    `data: { path: ${config.data.path} }`,
    `mqtt: { url: ${config.mqtt.urls[0] ?? ''} }`,
    'readers: []',
    '',
  ]
  writeFileSync(file, lines.join('\n'))
  return file
}

/** All of one import, or all of the one before it. */
function wrongList(config: Config): string | undefined {
  const table = PeopleTable.open(journalFile(config), 'read')
  const imports = new Set([...table.all()].map(({ department }) => department))
  table.close()
  return imports.size === 1 ? undefined : `half a people list: ${[...imports].join(' and ')}`
}

/** What has the name of a backup must be one. */
function wrongBackup(folder: string): string | undefined {
  const file = join(folder, 'journal.db')
  // Without its keys it is not complete, and restore says so.
  if (!existsSync(file) || !existsSync(join(folder, 'keys', 'signing.pem'))) return undefined
  try {
    const { records } = checkCopy(file, openKeys(folder, false), () => undefined)
    return records > 0 ? undefined : 'a backup without records'
  } catch (error) {
    const keys = readFileSync(join(folder, 'keys', 'vault.keys'), 'utf8').split('\n').length
    return `a backup that is none (${keys} lines of keys): ${String(error)}`
  }
}
