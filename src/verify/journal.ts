/** The records of a journal's database as lines. */
import type { JournalReader } from '../journal/query.js'
import { lineOfText, type Line } from './line.js'

export function* linesOfJournal(journal: JournalReader, throughSeq: number): Generator<Line> {
  for (const { seq, json } of journal.records({ erased: true, damaged: true, throughSeq })) {
    const line = lineOfText(json)
    // What is in it speaks of another number: somebody has the keys.
    const broken = { type: 'record', seq, schema: '', hash: '', prevHash: '', proof: {}, content: {} } as const
    yield line?.type === 'record' && line.seq === seq ? line : broken
  }
}
