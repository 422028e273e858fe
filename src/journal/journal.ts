/** The append-only record of everything that happened, its unsettled tail, and what was set aside. Synchronous. */
import { randomBytes, randomUUID } from 'node:crypto'
import { canonical } from './canonical.js'
import { keysFor, makeKeys, publicKeyOf } from './keys.js'
import { isUnmade, openDatabase, translating, type SqliteDatabase } from './database.js'
import { Erasure } from './erasure.js'
import { Head, type Moved } from './head.js'
import { Memories } from './memories.js'
import { uuidBytes } from './outgoing.js'
import type { Draft, Identity, JournalState, Memory, OutboundRecord } from './records.js'
import { SCHEMA_OF } from './schemas.js'
import { Sealing } from './sealing.js'
import { prepare, type ParkedRecord, type Statements } from './statements.js'
import { policyTables, type PolicyTables } from './policy-table.js'
import { Rotation } from './rotation.js'
import { Stored } from './stored.js'
import { zoneFormatter } from './time.js'
import { TIMELINE, Times } from './times.js'

export type { Beginning, Draft, Identity, JournalState, Memory, OutboundRecord } from './records.js'
export type { ParkedRecord } from './statements.js'

/** With an id, when others refer to it already. */
type NamedDraft = Draft & { readonly id?: string }

/** What a commit stored, and where it leads. */
interface Committed {
  readonly at: Moved
  readonly ids: string[]
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
  /** Made once: to make a transaction costs as much as half of its work. */
  readonly #commit: (drafts: readonly NamedDraft[], timeline: Memory | undefined) => Committed
  readonly head: Head
  /** The people list, and what rules remember. */
  readonly tables: PolicyTables

  constructor(file: string, identity: Identity) {
    this.#file = file
    this.#identity = identity
    this.#timeOf = zoneFormatter(identity.offsets)
    // Before the tables: a start that is cut short must not leave a journal whose keys nobody ever had.
    if (isUnmade(file)) translating(file, () => makeKeys(file))
    this.#db = openDatabase(file, randomBytes(8).toString('hex'))
    const keys = keysFor(file, this.#db)
    // point: start.keys-made
    this.#sealing = new Sealing(keys)
    this.#publicKey = publicKeyOf(keys.signing).toString('base64')
    this.#statements = prepare(this.#db)
    this.#commit = this.#db.transaction((drafts: readonly NamedDraft[], timeline: Memory | undefined) =>
      this.#insertAll(drafts, timeline),
    )
    this.#memories = new Memories(this.#statements, this.#sealing.vault)
    this.tables = policyTables(file, this.#db, this.#sealing.vault)
    this.rotation = new Rotation(this.#db, this.#statements, this.#sealing.vault, file, this.tables.reseal)
    this.erasure = new Erasure(this.#db, this.#statements, this.#sealing)
    this.head = new Head(file, this.#statements)
    const parts = { file, statements: this.#statements, sealing: this.#sealing, timeOf: this.#timeOf }
    this.#stored = new Stored({ ...parts, times: Times.from(undefined) })
    this.#stored.times = this.#knownTimes()
    this.head.compareAnchor()
  }

  /** As they were when the newest record was written. */
  #knownTimes(): Times {
    const { lastOfKind } = this.head
    const dated = Math.max(lastOfKind.get('punch') ?? 0, lastOfKind.get('audit') ?? 0)
    return Times.from(this.recall(TIMELINE.reader, TIMELINE.key), this.#stored.evidence(dated))
  }

  /** Names this journal; changes only at a start. */
  get id(): string {
    return this.head.id
  }

  /** Newest record; 0 in an empty journal. */
  get lastSeq(): number {
    return this.head.lastSeq
  }

  get state(): JournalState {
    const parked = translating(this.#file, () => this.#statements.parkedCount.get()?.count ?? 0)
    const { id: journal, lastSeq, settled, begun } = this.head
    return { journal, lastSeq, settled, parked, publicKey: this.#publicKey, ...(begun && { begun }) }
  }

  /**
   * Appends all drafts in one durable commit and returns their ids, or throws JournalError and keeps none.
   * `correctedThrough`: among the drafts are the corrections of all punches up to there.
   * Numbers never return: a failed commit has not used them, and the newest row is never deleted.
   */
  append(drafts: readonly NamedDraft[], correctedThrough?: number): string[] {
    const times = this.times.after(drafts, this.lastSeq, correctedThrough)
    const timeline = times.memory(this.times)
    const { at, ids } = translating(this.#file, () => this.#commit(drafts, timeline))
    // point: journal.committed
    this.head.move(at)
    this.#stored.times = times
    return ids
  }

  /** Within a transaction. */
  #insertAll(drafts: readonly NamedDraft[], timeline: Memory | undefined): Committed {
    const ids: string[] = []
    let at: Moved = this.head
    // point: journal.begun
    if (timeline) this.#memories.remember(timeline)
    for (const draft of drafts) {
      const id = draft.id ?? randomUUID()
      at = this.#insert(draft, id, at)
      ids.push(id)
    }
    // point: journal.before-commit
    return { at, ids }
  }

  /** Within a transaction; returns where it leads. */
  #insert(draft: Draft, id: string, { lastSeq, hash: before, lastOfKind }: Moved): Moved {
    const { kind, channel, moment, once, memory } = draft
    const seq = lastSeq + 1
    const evidence = this.#evidence(draft, id, seq, lastOfKind.get(kind) ?? null)
    const { body, prevHash, hash, sig } = this.#sealing.seal(seq, evidence, before)
    // point: journal.sealed
    this.#statements.insert.run(seq, kind, channel, moment.wall, uuidBytes(id), body, prevHash, hash, sig)
    // point: journal.inserted
    if (once !== undefined) this.#memories.addOnce(once)
    if (memory) this.#memories.remember(memory)
    draft.inCommit?.(seq)
    return { lastSeq: seq, hash, lastOfKind: new Map(lastOfKind).set(kind, seq) }
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

  /** What the records say about time. */
  get times(): Times {
    return this.#stored.times
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
    return this.#stored.tail(seq, limit, this.head.lastSeq)
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
    if (seq <= this.head.settled) return
    // point: journal.before-settle
    translating(this.#file, () => this.#statements.settle.run(seq))
    // point: journal.settled
    this.head.settled = seq
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
  forget(wall: number, limit: number, now = Number.MAX_SAFE_INTEGER): number {
    const { settled, lastSeq: last } = this.head
    const order = { settled, last, cut: wall, now, limit }
    return translating(this.#file, () => this.#statements.forget.run(order).changes)
  }

  close(): void {
    // point: journal.before-close
    this.#db.close()
    // point: journal.closed
  }
}
