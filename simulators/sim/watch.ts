/** Looks into the journal beside the daemon, as `punchd tail` does: what stands there is on disk. */
import { existsSync } from 'node:fs'
import { zoneOffsets } from '../../src/config/zone.js'
import { JournalReader } from '../../src/journal/query.js'
import type { PunchFacts } from './ledger.js'
import { punchFacts } from './punch.js'

const LOOK_EVERY_MS = 10

export class JournalWatch {
  readonly #file: string
  readonly #onPunch: (punch: PunchFacts) => void
  readonly #timer: NodeJS.Timeout
  #journal: JournalReader | undefined
  #seen = 0

  constructor(file: string, onPunch: (punch: PunchFacts) => void) {
    this.#file = file
    this.#onPunch = onPunch
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS)
  }

  /** Reports what is new since the last look. */
  look(): void {
    const journal = this.#open()
    if (!journal) return
    for (const record of journal.records({ kind: 'punch', afterSeq: this.#seen })) {
      this.#seen = record.seq
      this.#onPunch(punchFacts(record.json))
    }
  }

  /** Records that wait for the broker, and parked ones. Exact once the daemon has stopped. */
  get backlog(): number {
    const journal = this.#open()
    if (!journal) return 0
    return journal.waiting(journal.settled(), 100_000).length + journal.parked().length
  }

  close(): void {
    clearInterval(this.#timer)
    this.#journal?.close()
    this.#journal = undefined
  }

  #open(): JournalReader | undefined {
    if (this.#journal) return this.#journal
    if (!existsSync(this.#file)) return undefined
    try {
      this.#journal = new JournalReader(this.#file, zoneOffsets('UTC'))
    } catch {
      // The file is there before its tables are.
      return undefined
    }
    return this.#journal
  }
}
