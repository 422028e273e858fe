/** Held punches whose credential the people list knows by now are sent, as they were stored. */
import type { Config } from '../config/config.js'
import { journalFile } from '../config/paths.js'
import { VerbError } from '../errors.js'
import type { PeopleTable } from '../journal/people.js'
import { JournalReader } from '../journal/query.js'
import type { Credential } from '../model.js'
import { HELD } from '../people.js'
import { ask } from './ask.js'

/** How many are no longer held: the daemon sends them now, or with its next connection to the broker. */
export async function releaseKnown(config: Config, table: PeopleTable): Promise<number> {
  const journal = new JournalReader(journalFile(config), config.site.offsets)
  const known = journal
    .parked()
    .filter(({ code, seq }) => code === HELD && table.ownerOf(credentialOf(journal, seq)) !== undefined)
  journal.close()
  table.release(known.map(({ seq }) => seq))
  for (const { id } of known) {
    const sent = await ask(config, 'retry', { id }).catch((error: unknown) => {
      if (error instanceof VerbError) return undefined
      throw error
    })
    // No daemon, or no broker: the others would fare no better.
    if (!sent) break
  }
  return known.length
}

function credentialOf(journal: JournalReader, seq: number): Credential {
  const [record] = journal.records({ afterSeq: seq - 1 })
  // Parse boundary: our own record.
  return (JSON.parse(record?.json ?? '{}') as { readonly credential: Credential }).credential
}
