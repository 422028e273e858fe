/** The append-only record of everything that happened, its unsettled tail, and what was set aside. Synchronous. */
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { JournalError } from '../errors.js'
import { RECORD_KINDS, type Moment, type RecordKind } from '../model.js'
import { anchorFile, readAnchor, writeAnchor, type Anchor } from './anchor.js'
import { damagesIn, type Damage } from './check.js'
import { canonical, type Json } from './canonical.js'
import { openKeys, publicKeyOf } from './keys.js'
import { openDatabase, translating, type SqliteDatabase } from './database.js'
import { NO_HASH } from './proof.js'
import { proofOf, Sealing, type Opened } from './sealing.js'
import { prepare, type ParkedRecord, type Row, type RowValues, type Statements } from './statements.js'
import { zoneFormatter, type ZoneOffsets } from './time.js'

/** What every record of this journal says about its maker. */
export interface Identity {
  readonly site: string
  readonly gateway: string
  readonly offsets: ZoneOffsets
}

/** The part of a record that its writer knows; the journal adds id, journal, seq and prev. */
export interface Draft {
  readonly kind: RecordKind
  /** Last level of the topic: the reader, or the type of an audit record. */
  readonly channel: string
  readonly moment: Moment
  readonly fields: { readonly [key: string]: Json | undefined }
  /** Names what may be stored once only: see `hasOnce`. */
  readonly once?: string | undefined
  /** Kept in the same commit: see `recall`. */
  readonly memory?: Memory
}

export type { ParkedRecord } from './statements.js'

/** Something that is found again after a restart. */
export interface Memory {
  readonly reader: string
  readonly key: string
  readonly value: string
}

/** A record on its way out. `body` lacks only the closing brace of its JSON, so that `delivery` can be added. */
export interface OutboundRecord {
  readonly seq: number
  readonly kind: RecordKind
  readonly channel: string
  readonly wall: number
  readonly body: string
}

export interface JournalState {
  readonly journal: string
  readonly lastSeq: number
  readonly settled: number
  readonly parked: number
  /** Base64 of the 32 bytes that signatures are checked with. */
  readonly publicKey: string
  /** Why this start began a new journal; absent when it went on with the one there was. */
  readonly begun?: Beginning
}

/** A journal that began because the one before could not be gone on with. */
export interface Beginning {
  readonly reason: 'tail-lost' | 'rewritten' | 'replaced'
  readonly before: string
  /** The last record that is here, and the last that once was, as the anchor tells. */
  readonly lastSeq: number
  readonly anchorSeq: number
}

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
    const keys = openKeys(dirname(file), !existsSync(file) || statSync(file).size === 0)
    this.#sealing = new Sealing(keys)
    this.#publicKey = publicKeyOf(keys.signing).toString('base64')
    this.#db = openDatabase(file, randomBytes(8).toString('hex'))
    this.#statements = prepare(this.#db)
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
    const reason = anchor && this.#contradiction(anchor)
    if (anchor && reason) this.#begin(reason, anchor)
    else if (this.#lastSeq > 0) this.anchor()
  }

  #contradiction({ journal, seq, hash }: Anchor): Beginning['reason'] | undefined {
    if (journal !== this.#id) return 'replaced'
    if (seq > this.#lastSeq) return 'tail-lost'
    const known = translating(this.#file, () => this.#statements.hashOf.get(seq))
    return known !== undefined && known.toString('hex') !== hash ? 'rewritten' : undefined
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

  /** Checks the records behind `after`; `through` is the last one looked at, undefined when there are no more. */
  check(after: number, limit: number): { readonly damages: readonly Damage[]; readonly through: number | undefined } {
    const rows = translating(this.#file, () => this.#statements.stored.all(after, limit))
    const before = translating(this.#file, () => this.#statements.before.get(after))
    return { damages: damagesIn(rows, before, this.#sealing), through: rows.at(-1)?.seq }
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
    const { journal, lastSeq, settled, publicKey } = {
      journal: this.#id,
      lastSeq: this.#lastSeq,
      settled: this.#settled,
      publicKey: this.#publicKey,
    }
    return { journal, lastSeq, settled, parked, publicKey, ...(this.#begun && { begun: this.#begun }) }
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
          if (draft.once !== undefined) this.#statements.addOnce.run(this.#onceKey(draft.once))
          if (draft.memory) this.#remember(draft.memory)
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
    return translating(this.#file, () => this.#statements.hasOnce.get(this.#onceKey(once))) !== undefined
  }

  /** What a reader's driver wished to find again after a restart. */
  recall(reader: string, key: string): string | undefined {
    const sealed = translating(this.#file, () => this.#statements.recall.get(reader, key))
    return sealed && this.#sealing.vault.open(sealed, `memory ${reader} ${key}`)
  }

  remember(memory: Memory): void {
    translating(this.#file, () => this.#remember(memory))
  }

  #remember({ reader, key, value }: Memory): void {
    this.#statements.remember.run(reader, key, this.#sealing.vault.seal(value, `memory ${reader} ${key}`))
  }

  /** 16 bytes that tell nothing without the key: what is kept for ever is small, and two texts never share it. */
  #onceKey(once: string): Buffer {
    return this.#sealing.vault.lookup(once).subarray(0, 16)
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
    const { tail, parkedAfter } = this.#statements
    const rows = translating(this.#file, () => tail.all(seq, limit))
    const through = rows.length < limit ? this.#lastSeq : (rows.at(-1)?.[0] ?? seq)
    const parked = new Set(translating(this.#file, () => parkedAfter.all(seq, through)))
    const pending = parked.size === 0 ? rows : rows.filter(([number]) => !parked.has(number))
    return { records: pending.flatMap((values) => this.#outbound(rowOf(values)) ?? []), through }
  }

  /** One record, parked or not. */
  get(seq: number): OutboundRecord | undefined {
    const row = translating(this.#file, () => this.#statements.get.get(seq))
    return row && this.#outbound(row)
  }

  /** Undefined for what cannot be sent: it was erased, or damaged, which sets it aside. */
  #outbound(row: Row): OutboundRecord | undefined {
    const { seq, kind, channel, wall, body } = row
    if (!body) return undefined
    try {
      return { seq, kind, channel, wall, body: openBody(row, this.#sealing.open(seq, body), this.#timeOf) }
    } catch (error) {
      if (!(error instanceof JournalError)) throw error
      this.park(seq, error.code, error.message, wall)
      return undefined
    }
  }

  /** Moves the watermark: every record up to `seq` is delivered or parked. Never moves back. */
  settle(seq: number): void {
    if (seq <= this.#settled) return
    translating(this.#file, () => this.#statements.settle.run(seq))
    this.#settled = seq
  }

  /** Sets a record aside with its reason; parking it again replaces the reason. */
  park(seq: number, code: string, reason: string, wall: number): void {
    translating(this.#file, () => this.#statements.park.run(seq, code, reason, wall))
  }

  /** A parked record was delivered after all. */
  unpark(seq: number): void {
    translating(this.#file, () => this.#statements.unpark.run(seq))
  }

  /** Parked records, oldest first. */
  parked(limit: number): ParkedRecord[] {
    const rows = translating(this.#file, () => this.#statements.parked.all(limit))
    return rows.map((row) => ({ ...row, id: uuidText(row.id) }))
  }

  /** Bodies of the newest punches, newest first, until `enough` says stop. For rebuilding windows after a start. */
  newestPunches(visit: (body: string) => 'more' | 'enough'): void {
    translating(this.#file, () => {
      for (const { seq, body } of this.#statements.newestPunches.iterate()) {
        if (body && visit(this.#sealing.open(seq, body).evidence) === 'enough') return
      }
    })
  }

  /** Deletes at most `limit` delivered records older than `wall`; never the newest, never a parked or unsettled one. */
  forget(wall: number, limit: number): number {
    return translating(this.#file, () => this.#statements.forget.run(this.#settled, this.#lastSeq, wall, limit).changes)
  }

  close(): void {
    this.#db.close()
  }
}

/** A stored record as it is sent: proof and best known time are added, the closing brace left open for `delivery`. */
export function openBody(
  row: Pick<Row, 'kind' | 'wall' | 'prevHash' | 'hash' | 'sig'>,
  { salt, evidence }: Opened,
  timeOf: (wall: number) => string,
): string {
  const { hash, prevHash, sig } = proofOf(row, salt)
  // By hand: it is done for each of a million records.
  const proof = `"proof":{"hash":"${hash}","prevHash":"${prevHash}","salt":"${salt}","sig":"${sig}"}`
  const time = row.kind === 'punch' ? `,"time":"${timeOf(row.wall)}"` : ''
  return `${evidence.slice(0, -1)},${proof}${time}`
}

/** 36 characters as the 16 bytes that they stand for. */
export function uuidBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex')
}

export function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

function rowOf([seq, kind, channel, wall, body, prevHash, hash, sig]: RowValues): Row {
  return { seq, kind: RECORD_KINDS[kind] ?? 'audit', channel, wall, body, prevHash, hash, sig }
}
