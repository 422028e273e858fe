/** `punchd backup` and `punchd restore`: a checked copy of the journal with its keys, and putting it back. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { journalFile } from '../config/paths.js'
import type { Config } from '../config/config.js'
import { EXIT, messageOf, VerbError } from '../errors.js'
import { anchorFile, RESTORED, writeAnchor } from '../journal/anchor.js'
import { checkCopy, copyJournal, type Copied } from '../journal/copy.js'
import { requireJournal } from '../journal/database.js'
import { keyFile, keysIn, keyText, KEY_KINDS, writeKey } from '../journal/keys.js'
import { lockDirectory } from '../journal/lock.js'
import { common, print, requireConfig, type CommonOptions, type Verb, type VerbContext } from './verb.js'

export const backup: Verb = (program, context) => {
  const about = 'copy the journal and its keys, also while the daemon runs; the copy is checked before it counts'
  common(program.command('backup').description(about).argument('<folder>', 'a folder that does not exist yet')).action(
    async (folder: string, options: CommonOptions) => {
      const config = await requireConfig(options, context)
      const to = resolve(folder)
      requireJournal(journalFile(config))
      makeFolder(to)
      const copied = copyInto(to, config, context)
      told(options, context, copied, `${copied.records} records copied to ${to} and checked. Its keys lie beside them: keep it as you keep cash.`) // prettier-ignore
    },
  )
}

export const restore: Verb = (program, context) => {
  const about =
    'put a backup back in place of the journal; the daemon must be stopped, and what was there stays beside it'
  common(program.command('restore').description(about).argument('<folder>', 'what punchd backup made')).action(
    async (folder: string, options: CommonOptions) => {
      const config = await requireConfig(options, context)
      const from = resolve(folder)
      requireBackup(from)
      const copied = checkCopy(`${from}/journal.db`, keysIn(from), progress(context, 'checked'))
      mkdirSync(config.data.path, { recursive: true, mode: 0o750 })
      const unlock = lockDirectory(config.data.path)
      try {
        const aside = putBack(config, from, copied)
        const before = aside === undefined ? '' : ` What was there is now ${aside}.`
        told(
          options,
          context,
          copied,
          `${copied.records} records are back.${before} The next start begins a new journal.`,
        )
      } finally {
        unlock()
      }
    },
  )
}

/** All of it, or the folder goes again: the next try shall find its name free. */
function copyInto(to: string, config: Config, context: VerbContext): Copied {
  try {
    const copied = copyJournal(journalFile(config), `${to}/journal.db`, progress(context, 'checked'))
    for (const kind of KEY_KINDS) writeKey(keyFile(to, kind), keyText(config.data.path, kind, context.env))
    return copied
  } catch (error) {
    rmSync(to, { recursive: true, force: true })
    throw error
  }
}

function requireBackup(folder: string): void {
  const parts = [`${folder}/journal.db`, ...KEY_KINDS.map((kind) => keyFile(folder, kind))]
  const missing = parts.find((part) => !existsSync(part))
  if (missing === undefined) return
  const hint = 'name a folder that punchd backup made'
  throw new VerbError(EXIT.data, 'input-invalid', `${folder} is no backup: there is no ${missing}`, { hint })
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    const hint = 'name a folder that does not exist yet: an older backup is not overwritten'
    throw new VerbError(EXIT.cannotCreate, 'output-failed', `${folder} cannot be made: ${messageOf(error)}`, { hint })
  }
}

/** Moves aside what is there, whole; returns where. The anchor goes last: with it the next start knows what happened. */
function putBack(config: Config, from: string, copied: Copied): string | undefined {
  const file = journalFile(config)
  const aside = existsSync(file) ? `${config.data.path}/before-restore-${Date.now()}` : undefined
  if (aside !== undefined) {
    mkdirSync(aside, { mode: 0o700 })
    for (const name of ['journal.db', 'journal.db-wal', 'journal.db-shm', 'anchor', 'keys']) {
      if (existsSync(`${config.data.path}/${name}`)) renameSync(`${config.data.path}/${name}`, `${aside}/${name}`)
    }
  }
  for (const kind of KEY_KINDS) writeKey(keyFile(config.data.path, kind), readFileSync(keyFile(from, kind), 'utf8'))
  copyFileSync(`${from}/journal.db`, `${file}.half`)
  renameSync(`${file}.half`, file)
  writeAnchor(anchorFile(file), { journal: RESTORED, seq: copied.lastSeq, hash: copied.head })
  return aside
}

function progress({ err }: VerbContext, word: string): (count: number) => void {
  return (count) => {
    if (err.isTTY && count % 10_000 === 0) err.write(`\r${count} records ${word}`)
  }
}

function told({ json }: CommonOptions, { out, err }: VerbContext, copied: Copied, text: string): void {
  if (err.isTTY) err.write('\r\u001b[K')
  print(out, json ? JSON.stringify(copied) : text)
}
