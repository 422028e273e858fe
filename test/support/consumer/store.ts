/** What a consumer keeps, and the one transaction in which it does. */
import type { Database, Transaction } from 'better-sqlite3'

export interface Arrived {
  /** `P` of CONTRACT §4: where its receipt goes. */
  readonly base: string
  readonly record: Readonly<Record<string, unknown>>
}

export interface JournalProgress {
  readonly base: string
  readonly id: string
  /** Everything up to here is here. */
  readonly upTo: number
  /** From the gateway's watermark: what it knows to be here. */
  readonly settledThrough: number
}

const TABLES = `
  -- What came, once: the id is the identity.
  CREATE TABLE IF NOT EXISTS record(id TEXT PRIMARY KEY, journal TEXT, seq INTEGER, body TEXT) WITHOUT ROWID;
  -- What follows from it: here, punches per reader. In your case hours, doors, wages.
  CREATE TABLE IF NOT EXISTS tally(reader TEXT PRIMARY KEY, punches INTEGER) WITHOUT ROWID;
  -- How far each journal is here without a gap, and what of it the gateway has published and settled.
  CREATE TABLE IF NOT EXISTS progress(journal TEXT PRIMARY KEY, base TEXT, up_to INTEGER DEFAULT 0,
    published INTEGER DEFAULT 0, settled INTEGER DEFAULT 0) WITHOUT ROWID;
  -- Numbers that are here beyond a gap, and those that nobody can send any more (event replay-gap).
  CREATE TABLE IF NOT EXISTS ahead(journal TEXT, seq INTEGER, PRIMARY KEY(journal, seq)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS hole(journal TEXT, first INTEGER, last INTEGER, reason TEXT, PRIMARY KEY(journal, first)) WITHOUT ROWID;
`

export class Store {
  readonly #db: Database
  readonly #commit: Transaction<(arrived: readonly Arrived[]) => Map<string, string>>

  constructor(db: Database) {
    this.#db = db
    db.pragma('journal_mode = WAL')
    // A receipt is a promise: what it says must survive a power cut.
    db.pragma('synchronous = FULL')
    db.exec(TABLES)
    this.#commit = db.transaction((arrived) => this.#take(arrived))
  }

  #run(sql: string, ...values: unknown[]): number {
    return this.#db.prepare(sql).run(...values).changes
  }

  /** Puts them on disk. Returns how far their journals are now: the receipts to send. */
  commit(arrived: readonly Arrived[]): { base: string; id: string; upTo: number }[] {
    return [...this.#commit(arrived)].map(([id, base]) => ({ base, id, upTo: this.#upTo(id) }))
  }

  #take(arrived: readonly Arrived[]): Map<string, string> {
    const journals = new Map<string, string>()
    for (const { base, record } of arrived) {
      const journal = String(record['journal'])
      journals.set(journal, base)
      this.#run('INSERT OR IGNORE INTO progress(journal, base) VALUES (?, ?)', journal, base)
      this.#one(record, journal)
    }
    for (const journal of journals.keys()) this.#advance(journal)
    return journals
  }

  #one(record: Readonly<Record<string, unknown>>, journal: string): void {
    const { id, seq, schema, reader, type, detail } = record
    const sql = 'INSERT OR IGNORE INTO record VALUES (?, ?, ?, ?)'
    // It was here: a second delivery has no effect.
    if (this.#run(sql, id, journal, seq, JSON.stringify(record)) === 0) return
    this.#run('INSERT OR IGNORE INTO ahead VALUES (?, ?)', journal, seq)
    if (schema === 'punch/1')
      this.#run('INSERT INTO tally VALUES (?, 1) ON CONFLICT DO UPDATE SET punches = punches + 1', reader)
    if (schema === 'audit/1' && type === 'replay-gap') {
      const { from, to, reason } = detail as Record<string, unknown>
      this.#run('INSERT OR REPLACE INTO hole VALUES (?, ?, ?, ?)', journal, from, to, reason)
    }
  }

  /** Moves over what is here, and over what nobody has any more. */
  #advance(journal: string): void {
    let upTo = this.#upTo(journal)
    const next = this.#db.prepare('SELECT 1 FROM ahead WHERE journal = ? AND seq = ?')
    const hole = this.#db.prepare('SELECT max(last) FROM hole WHERE journal = ? AND first <= ? AND last >= ?').pluck()
    for (;;) {
      if (next.get(journal, upTo + 1)) upTo += 1
      else {
        const last = hole.get(journal, upTo + 1, upTo + 1) as number | null
        if (last === null) break
        upTo = last
      }
    }
    this.#run('UPDATE progress SET up_to = ? WHERE journal = ?', upTo, journal)
    this.#run('DELETE FROM ahead WHERE journal = ? AND seq <= ?', journal, upTo)
  }

  #upTo(journal: string): number {
    return Number(this.#db.prepare('SELECT up_to FROM progress WHERE journal = ?').pluck().get(journal) ?? 0)
  }

  /** The gateway's watermark: what should be here by now. */
  published(base: string, watermark: Readonly<Record<string, unknown>>): void {
    const { journal, publishedThrough = 0, settledThrough = 0 } = watermark
    const sql = `INSERT INTO progress(journal, base, published, settled) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET published = excluded.published, settled = excluded.settled`
    this.#run(sql, journal, base, publishedThrough, settledThrough)
  }

  journals(): JournalProgress[] {
    const sql = 'SELECT base, journal AS id, up_to AS upTo, settled AS settledThrough FROM progress'
    return this.#db.prepare(sql).all() as JournalProgress[]
  }

  /** Ranges that are not here, oldest first, though something later is, or the gateway says that it sent them. */
  missing(journal: string, limit: number): [from: number, to: number][] {
    const progress = this.#db.prepare('SELECT up_to, published FROM progress WHERE journal = ?')
    const { up_to, published } = progress.get(journal) as { up_to: number; published: number }
    const gaps: [number, number][] = []
    let next = up_to + 1
    const ahead = this.#db.prepare('SELECT seq FROM ahead WHERE journal = ? ORDER BY seq').pluck()
    for (const seq of ahead.iterate(journal) as IterableIterator<number>) {
      if (seq > next) gaps.push([next, seq - 1])
      next = seq + 1
      if (gaps.length === limit) return gaps
    }
    if (next <= published) gaps.push([next, published])
    return gaps
  }

  close(): void {
    this.#db.close()
  }
}
