/** The words of the journal: what goes in, what comes out. */
import type { Moment, RecordKind } from '../model.js'
import type { Dated } from '../policy/effective.js'
import type { Json } from './canonical.js'
import type { ZoneOffsets } from './time.js'

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
  /** Runs within the commit, with the number of the record. */
  readonly inCommit?: ((seq: number) => void) | undefined
  /** Kept in the same commit: see `recall`. */
  readonly memory?: Memory
  /** The record says that the wall clock was right at that moment, and what its state is from now on. */
  readonly sync?: Dated['news']
}

/** Something that is found again after a restart. */
export interface Memory {
  readonly reader: string
  readonly key: string
  readonly value: string
}

/** A record on its way out. `body`, UTF-8, lacks only the closing brace of its JSON, so that `delivery` can be added. */
export interface OutboundRecord {
  readonly seq: number
  readonly kind: RecordKind
  readonly channel: string
  readonly wall: number
  readonly body: Buffer
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
  readonly reason: 'tail-lost' | 'rewritten' | 'replaced' | 'restored'
  readonly before: string
  /** The last record that is here, and the last that once was, as the anchor tells. */
  readonly lastSeq: number
  readonly anchorSeq: number
}
