/** `punchd keys rotate`: a new key for everything that is kept sealed. */
import type { Config } from '../config/config.js'
import { journalFile } from '../config/paths.js'
import { EXIT, VerbError } from '../errors.js'
import { requireJournal } from '../journal/database.js'
import { Journal } from '../journal/journal.js'
import { lockDirectory } from '../journal/lock.js'
import { rotateSome } from '../journal/rotation.js'
import { ask } from './ask.js'
import { putOnRecord, whoAsks } from './on-record.js'
import { common, print, requireConfig, type CommonOptions, type Verb, type VerbContext } from './verb.js'

export const keys: Verb = (program, context) => {
  const command = program.command('keys').description('the keys that the journal is sealed and signed with')
  common(command.command('rotate').description('seal everything anew with a new key; may be interrupted')).action(
    async (_options: CommonOptions, self: Parameters<Verb>[0]) => {
      const options = self.optsWithGlobals<CommonOptions>()
      const config = await requireConfig(options, context)
      await rotate(config, context)
      if (context.stop.aborted) return print(context.err, 'Interrupted: the next start goes on.')
      await putOnRecord(config, { type: 'keys-rotated', subject: 'vault', detail: { by: whoAsks() } }, context)
      const text = 'Everything is sealed with a new key; the old one is gone. Backups still need theirs.'
      print(context.out, options.json ? JSON.stringify({ rotated: true }) : text)
    },
  )
}

/** By the running daemon, or here when none runs. Interrupted, the next start goes on. */
async function rotate(config: Config, context: VerbContext): Promise<void> {
  try {
    for (let more = true; more && !context.stop.aborted;) {
      more = (await ask(config, 'rotate', undefined)).more
      if (context.err.isTTY) context.err.write('.')
    }
  } catch (error) {
    if (!(error instanceof VerbError) || error.exitCode !== EXIT.unavailable) throw error
    await rotateHere(config, context)
  }
}

async function rotateHere(config: Config, { stop }: VerbContext): Promise<void> {
  const file = journalFile(config)
  requireJournal(file)
  const unlock = lockDirectory(config.data.path)
  const { site, gateway } = config
  const journal = new Journal(file, { site: site.id, gateway: gateway.id, offsets: site.offsets })
  try {
    const step = (): boolean => {
      journal.rotation.begin()
      return journal.rotation.step() !== undefined
    }
    for (let more = true; more && !stop.aborted;) more = await rotateSome(step)
  } finally {
    journal.close()
    unlock()
  }
}
