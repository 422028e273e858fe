/**
 * Stores one record after the other in the journal of `--data`, and writes the number of each on standard output when
 * it is stored. `--careless` lets SQLite run as better-sqlite3 would by itself: NORMAL, which does not sync a commit.
 */
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Database from 'better-sqlite3'
import { Journal } from '../../src/journal/journal.js'
import { IDENTITY, punchDraftOf } from './torn-records.js'

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '' },
    commits: { type: 'string', default: '0' },
    careless: { type: 'boolean', default: false },
  },
})
/** The daemon writes its anchor each second; here every so many commits. */
const ANCHOR_EVERY = 7
const SETTLE_EVERY = 50

if (values.careless) {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with its object
  const real = Database.prototype.pragma
  // What it is told and what it answers: the journal would refuse to open otherwise.
  Database.prototype.pragma = function (this: Database.Database, source: string, options?: Database.PragmaOptions) {
    if (source === 'synchronous') return 2
    return real.call(this, source.startsWith('synchronous =') ? 'synchronous = NORMAL' : source, options)
  }
}

const journal = new Journal(join(values.data, 'journal.db'), IDENTITY)
for (let commit = 1; commit <= Number(values.commits); commit++) {
  journal.append(Array.from({ length: 1 + (commit % 3) }, (_, index) => punchDraftOf(commit, index)))
  writeSync(1, `${journal.lastSeq}\n`)
  if (commit % ANCHOR_EVERY === 0) journal.head.keepAnchor()
  if (commit % SETTLE_EVERY === 0) journal.settle(journal.lastSeq - 10)
}
// As a cut would end it: nothing is folded, nothing is closed.
process.kill(process.pid, 'SIGKILL')
