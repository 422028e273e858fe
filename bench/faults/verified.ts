/** Does `punchd verify` find every record of a journal as it was stored? */
import { createPublicKey } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { anchorFile, readAnchor } from '../../src/journal/anchor.js'
import { openKeys } from '../../src/journal/keys.js'
import { JournalReader } from '../../src/journal/query.js'
import { linesOfJournal } from '../../src/verify/journal.js'
import { verifyLines } from '../../src/verify/verify.js'
import { SITE } from '../fixture.js'

/** Undefined when it is clean; else the first bad number, and what is wrong with it. */
export function whatIsWrong(file: string): string | undefined {
  if (!existsSync(file)) return undefined
  const anchor = readAnchor(anchorFile(file))
  const reader = new JournalReader(file, SITE.offsets)
  try {
    const last = reader.lastSeq()
    const source = { lines: () => linesOfJournal(reader, last), ends: 'anyhow' } as const
    const key = createPublicKey(openKeys(dirname(file), false).signing)
    const result = verifyLines(source, { key, anchor, mustReachAnchor: true })
    if (result.ok === undefined) return 'no records'
    return result.ok ? undefined : `record ${result.seq}: ${result.kind}`
  } finally {
    reader.close()
  }
}
