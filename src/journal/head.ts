/** Where a journal stands: its name, its newest record, how far it is settled, and whether it is still the one it was. */
import { randomBytes } from 'node:crypto'
import { RECORD_KINDS, type RecordKind } from '../model.js'
import { anchorFile, contradiction, readAnchor, writeAnchor, type Anchor } from './anchor.js'
import { translating } from './database.js'
import { NO_HASH } from './proof.js'
import type { Beginning } from './records.js'
import type { Statements } from './statements.js'

/** What a commit moves. */
export interface Moved {
  readonly lastSeq: number
  readonly hash: Buffer
  readonly lastOfKind: ReadonlyMap<RecordKind, number>
}

type Prepared = Pick<Statements, 'meta' | 'last' | 'lastOfKind' | 'hashOf' | 'begin'>

export class Head implements Moved {
  readonly #file: string
  readonly #statements: Prepared
  /** Names the journal; changes only at a start. */
  id: string
  begun: Beginning | undefined
  lastSeq: number
  /** Of the newest record. */
  hash: Buffer
  settled: number
  lastOfKind: ReadonlyMap<RecordKind, number>
  #anchored: number

  constructor(file: string, statements: Prepared) {
    this.#file = file
    this.#statements = statements
    const meta = translating(file, () => statements.meta.get())
    if (!meta) throw new TypeError('the journal has no meta row')
    this.id = meta.journal
    this.settled = meta.settled
    const last = translating(file, () => statements.last.get())
    this.lastSeq = last?.seq ?? 0
    this.hash = last?.hash ?? NO_HASH
    this.#anchored = this.lastSeq
    this.lastOfKind = this.#newestOfKinds()
  }

  /** As the anchor knows them, and what came behind it; without one that belongs here, all are looked for. */
  #newestOfKinds(): Map<RecordKind, number> {
    const anchor = readAnchor(anchorFile(this.#file))
    const stored = anchor && translating(this.#file, () => this.#statements.hashOf.get(anchor.seq))
    const isOurs = anchor?.journal === this.id && stored?.toString('hex') === anchor.hash
    const last: Readonly<Record<string, number>> | undefined = isOurs ? anchor.last : undefined
    const from = last ? (anchor?.seq ?? 0) : 0
    const behind = translating(this.#file, () => this.#statements.lastOfKind.all(from))
    const known = RECORD_KINDS.map((kind) => [kind, last?.[kind]] as const).filter(isKnown)
    return new Map([...known, ...behind.map(({ kind, seq }) => [kind, seq] as const)])
  }

  /** After a commit. */
  move({ lastSeq, hash, lastOfKind }: Moved): void {
    this.lastSeq = lastSeq
    this.hash = hash
    this.lastOfKind = lastOfKind
    // What stands outside, if anything, is of an earlier journal: that must not wait, nor survive a crash.
    if (this.#anchored === 0) this.keepAnchor()
  }

  /** The database alone cannot tell that it lost its tail, or is an older copy of itself. */
  compareAnchor(): void {
    const anchor = readAnchor(anchorFile(this.#file))
    const known = anchor && translating(this.#file, () => this.#statements.hashOf.get(anchor.seq))
    const here = { journal: this.id, seq: this.lastSeq, hash: known?.toString('hex') }
    const reason = anchor && contradiction(anchor, here)
    if (anchor && reason) this.#begin(reason, anchor)
    else this.anchor()
  }

  /** Goes on in the same file under a new name, with numbers that nobody used. */
  #begin(reason: Beginning['reason'], anchor: Anchor): void {
    this.begun = { reason, before: this.id, lastSeq: this.lastSeq, anchorSeq: anchor.seq }
    const settled = Math.min(this.settled, this.lastSeq)
    this.id = randomBytes(8).toString('hex')
    translating(this.#file, () => this.#statements.begin.run(this.id, settled))
    this.lastSeq = Math.max(this.lastSeq, anchor.seq, this.settled)
    this.settled = settled
    this.hash = NO_HASH
    this.lastOfKind = new Map()
    this.#anchored = 0
  }

  /** Writes the head of the chain outside the database. */
  anchor(): void {
    if (this.hash.equals(NO_HASH)) return
    const last = Object.fromEntries(this.lastOfKind)
    writeAnchor(anchorFile(this.#file), { journal: this.id, seq: this.lastSeq, hash: this.hash.toString('hex'), last })
    this.#anchored = this.lastSeq
  }

  /** Writes it when records came since. What fails here fails at the next commit, where somebody is told. */
  keepAnchor(): void {
    if (this.lastSeq === this.#anchored) return
    try {
      this.anchor()
    } catch {
      // A full disk: the next one, when there is room.
    }
  }
}

function isKnown(pair: readonly [RecordKind, number | undefined]): pair is readonly [RecordKind, number] {
  return pair[1] !== undefined
}
