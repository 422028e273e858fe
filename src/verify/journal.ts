/** The records of a journal's database as lines. */
import type { JournalReader } from '../journal/query.js'
import { lineOfText, type Line } from './line.js'

/** What does not open with the keys stands there with nothing in it: its content is not what was stored. */
export function* linesOfJournal(journal: JournalReader, throughSeq: number): Generator<Line> {
  for (const { seq, json } of journal.records({ erased: true, sealed: true, throughSeq })) {
    const line = json === '' ? undefined : lineOfText(json)
    const broken = { type: 'record', seq, schema: '', hash: '', prevHash: '', proof: {}, content: {} } as const
    yield line?.type === 'record' && line.seq === seq ? line : broken
  }
}
