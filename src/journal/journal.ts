/** The append-only record of everything that happened, its unsettled tail, and what was set aside. Synchronous. */
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import type { RecordKind } from '../model.js'
import { anchorFile, contradiction, readAnchor, writeAnchor, type Anchor } from './anchor.js'
import { canonical } from './canonical.js'
import { keysFor, publicKeyOf } from './keys.js'
import { openDatabase, translating, type SqliteDatabase } from './database.js'
import { Erasure } from './erasure.js'
import { Memories } from './memories.js'
import { NO_HASH } from './proof.js'
import { uuidBytes } from './outgoing.js'
import type { Beginning, Draft, Identity, JournalState, Memory, OutboundRecord } from './records.js'
import { Sealing } from './sealing.js'
import { prepare, type ParkedRecord, type Statements } from './statements.js'
import { Rotation } from './rotation.js'
import { Stored } from './stored.js'
import { zoneFormatter } from './time.js'

export type { Beginning, Draft, Identity, JournalState, Memory, OutboundRecord } from './records.js'
export type { ParkedRecord } from './statements.js'

/** Schema names in records. */
const SCHEMA_OF: Readonly<Record<RecordKind, string>> = {
  punch: 'punch/1',
  audit: 'audit/1',
  presence: 'presence/1',
}

export class Journal {
  readonly #file: string
  readonly #db: SqliteDatabase
  readonly #identity: Identity
  readonly #statements: Statements
  readonly #sealing: Sealing
  readonly #memories: Memories
  readonly #stored: Stored
  readonly rotation: Rotation
  readonly erasure: Erasure
  readonly #publicKey: string
  readonly #timeOf: (wall: number) => string
  #id: string
  #begun: Beginning | undefined
  #lastSeq: number
  /** Hash of the newest record. */
  #head: Buffer
  #anchored: number
  #settled: number
  #lastOfKind: Map<RecordKind, number>

  constructor(file: string, identity: Identity) {
    this.#file = file
    this.#identity = identity
    this.#timeOf = zoneFormatter(identity.offsets)
    const isFresh = !existsSync(file) || statSync(file).size === 0
    this.#db = openDatabase(file, randomBytes(8).toString('hex'))
    const keys = keysFor(file, isFresh, this.#db)
    this.#sealing = new Sealing(keys)
    this.#publicKey = publicKeyOf(keys.signing).toString('base64')
    this.#statements = prepare(this.#db)
    this.#memories = new Memories(this.#statements, this.#sealing.vault)
    this.rotation = new Rotation(this.#db, this.#statements, this.#sealing.vault, file)
    this.erasure = new Erasure(this.#db, this.#statements, this.#sealing)
    this.#stored = new Stored(file, this.#statements, this.#sealing, this.#timeOf)
    const meta = translating(file, () => this.#statements.meta.get())
    if (!meta) throw new TypeError('the journal has no meta row')
    this.#id = meta.journal
    this.#settled = meta.settled
    const last = translating(file, () => this.#statements.last.get())
    this.#lastSeq = last?.seq ?? 0
    this.#head = last?.hash ?? NO_HASH
    this.#anchored = this.#lastSeq
    this.#lastOfKind = new Map(
      translating(file, () => this.#statements.lastOfKind.all()).map(({ kind, seq }) => [kind, seq]),
    )
    this.#compareAnchor()
  }

  /** Names this journal; changes only at a start. */
  get id(): string {
    return this.#id
  }

  /** The database alone cannot tell that it lost its tail, or is an older copy of itself. */
  #compareAnchor(): void {
    const anchor = readAnchor(anchorFile(this.#file))
    const known = anchor && translating(this.#file, () => this.#statements.hashOf.get(anchor.seq))
    const reason =
      anchor && contradiction(anchor, { journal: this.#id, seq: this.#lastSeq, hash: known?.toString('hex') })
    if (anchor && reason) this.#begin(reason, anchor)
    else if (this.#lastSeq > 0) this.anchor()
  }

  /** Goes on in the same file under a new name, with numbers that nobody used. */
  #begin(reason: Beginning['reason'], anchor: Anchor): void {
    this.#begun = { reason, before: this.#id, lastSeq: this.#lastSeq, anchorSeq: anchor.seq }
    const settled = Math.min(this.#settled, this.#lastSeq)
    this.#id = randomBytes(8).toString('hex')
    translating(this.#file, () => this.#statements.begin.run(this.#id, settled))
    this.#lastSeq = Math.max(this.#lastSeq, anchor.seq, this.#settled)
    this.#settled = settled
    this.#head = NO_HASH
    this.#lastOfKind = new Map()
    this.#anchored = 0
  }

  /** Writes the head of the chain outside the database, if it moved. */
  anchor(): void {
    if (this.#head.equals(NO_HASH)) return
    writeAnchor(anchorFile(this.#file), { journal: this.#id, seq: this.#lastSeq, hash: this.#head.toString('hex') })
    this.#anchored = this.#lastSeq
  }

  /** True when records came since the head was written outside. */
  get isAheadOfAnchor(): boolean {
    return this.#lastSeq > this.#anchored
  }

  /** Newest record; 0 in an empty journal. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  get state(): JournalState {
    const parked = translating(this.#file, () => this.#statements.parkedCount.get()?.count ?? 0)
    const begun = this.#begun && { begun: this.#begun }
    return {
      journal: this.#id,
      lastSeq: this.#lastSeq,
      settled: this.#settled,
      parked,
      publicKey: this.#publicKey,
      ...begun,
    }
  }

  /**
   * Appends all drafts in one durable commit and returns their ids, or throws JournalError and keeps none.
   * Numbers never return: a failed commit has not used them, and the newest row is never deleted.
   */
  append(drafts: readonly (Draft & { readonly id?: string })[]): string[] {
    const lastOfKind = new Map(this.#lastOfKind)
    const ids: string[] = []
    let seq = this.#lastSeq
    let head = this.#head
    translating(this.#file, () => {
      this.#db.transaction(() => {
        for (const draft of drafts) {
          const id = draft.id ?? randomUUID()
          seq += 1
          const evidence = this.#evidence(draft, id, seq, lastOfKind.get(draft.kind) ?? null)
          const { body, prevHash, hash, sig } = this.#sealing.seal(seq, evidence, head)
          const { kind, channel, moment } = draft
          this.#statements.insert.run(seq, kind, channel, moment.wall, uuidBytes(id), body, prevHash, hash, sig)
          head = hash
          if (draft.once !== undefined) this.#memories.addOnce(draft.once)
          if (draft.memory) this.#memories.remember(draft.memory)
          lastOfKind.set(draft.kind, seq)
          ids.push(id)
        }
      })()
    })
    this.#lastSeq = seq
    this.#head = head
    this.#lastOfKind = lastOfKind
    return ids
  }

  /** True when a record with this `once` was stored, ever: also when the record itself is long deleted. */
  hasOnce(once: string): boolean {
    return translating(this.#file, () => this.#memories.hasOnce(once))
  }

  /** What a reader's driver wished to find again after a restart. */
  recall(reader: string, key: string): string | undefined {
    return translating(this.#file, () => this.#memories.recall(reader, key))
  }

  remember(memory: Memory): void {
    translating(this.#file, () => this.#memories.remember(memory))
  }

  /** An instant in the site's zone. */
  timeOf(wall: number): string {
    return this.#timeOf(wall)
  }

  #evidence(draft: Draft, id: string, seq: number, prev: number | null): string {
    return canonical({
      ...draft.fields,
      schema: SCHEMA_OF[draft.kind],
      id,
      journal: this.id,
      seq,
      prev,
      site: this.#identity.site,
      gateway: this.#identity.gateway,
      clock: { ...draft.moment },
    })
  }

  /** Unparked records after `seq`, oldest first, and how far was looked. */
  tail(seq: number, limit: number): { records: OutboundRecord[]; through: number } {
    return this.#stored.tail(seq, limit, this.#lastSeq)
  }

  /** One record, parked or not; undefined when it is gone, erased or damaged. */
  get(seq: number): OutboundRecord | undefined {
    return this.#stored.get(seq)
  }

  /** For rebuilding windows after a start: see `Stored`. */
  newestPunches(visit: (evidence: string) => 'more' | 'enough'): void {
    this.#stored.newestPunches(visit)
  }

  check(after: number, limit: number): ReturnType<Stored['check']> {
    return this.#stored.check(after, limit)
  }

  /** Moves the watermark: every record up to `seq` is delivered or parked. Never moves back. */
  settle(seq: number): void {
    if (seq <= this.#settled) return
    translating(this.#file, () => this.#statements.settle.run(seq))
    this.#settled = seq
  }

  /** Parking it again replaces the reason. */
  park(seq: number, code: string, reason: string, wall: number): void {
    translating(this.#file, () => this.#statements.park.run(seq, code, reason, wall))
  }

  unpark(seq: number): void {
    translating(this.#file, () => this.#statements.unpark.run(seq))
  }

  /** Parked records, oldest first. */
  parked(limit: number): ParkedRecord[] {
    return this.#stored.parked(limit)
  }

  /** Deletes at most `limit` delivered records older than `wall`; never the newest, never a parked or unsettled one. */
  forget(wall: number, limit: number): number {
    return translating(this.#file, () => this.#statements.forget.run(this.#settled, this.#lastSeq, wall, limit).changes)
  }

  close(): void {
    this.#db.close()
  }
}
