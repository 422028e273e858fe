/** What the daemon and the journal's thread say to each other. */
import type { AttendanceRules, Report } from '../attendance.js'
import type { ErrorCode } from '../errors.js'
import type { Credential, Moment, Verdict } from '../model.js'
import type { Damage } from './check.js'
import type { Erased, Erasing } from './erasure.js'
import type { Columns } from './columns.js'
import type { Draft, Identity, JournalState, Memory, OutboundRecord, ParkedRecord } from './journal.js'

/** Given to the thread when it starts. */
export interface ThreadOptions {
  readonly file: string
  readonly identity: Identity
  readonly repeatWindowMs: number
  readonly keepSettledMs: number
  /** Default: no rules. */
  readonly policy?: Partial<Omit<AttendanceRules, 'people' | 'states' | 'offset'>>
  /** What the daemon's clock says at the start; else the thread asks its own. */
  readonly now?: Moment
  /** What the daemon knows of time sources: see `Clock.shared`. */
  readonly sync?: SharedArrayBuffer | undefined
}

/** Every request with its arguments and its answer. */
export interface Requests {
  readonly report: { readonly args: Report; readonly answer: Reported }
  readonly append: { readonly args: Draft; readonly answer: number }
  readonly tail: { readonly args: { readonly after: number; readonly limit: number }; readonly answer: PackedTail }
  readonly get: { readonly args: number; readonly answer: Columns }
  readonly settle: { readonly args: number; readonly answer: undefined }
  readonly park: { readonly args: ParkOrder; readonly answer: undefined }
  readonly unpark: { readonly args: number; readonly answer: undefined }
  readonly parked: { readonly args: number; readonly answer: ParkedRecord[] }
  readonly recall: { readonly args: Omit<Memory, 'value'>; readonly answer: string | undefined }
  readonly remember: { readonly args: Memory; readonly answer: undefined }
  /** Whose it is now; undefined for strangers and those who are turned away. */
  readonly personOf: { readonly args: Credential; readonly answer: string | undefined }
  /** Lets time pass for rules that wait for something. */
  readonly tick: { readonly args: undefined; readonly answer: number }
  /** Writes some of the corrections that are due. */
  readonly correct: { readonly args: Moment; readonly answer: { readonly lastSeq: number; readonly more: boolean } }
  /** What the clocks said at the newest record. */
  readonly newest: { readonly args: undefined; readonly answer: Moment | undefined }
  readonly erase: { readonly args: Erasing; readonly answer: Erased }
  /** Begins a change of keys, or goes on with it; true while there is more to do. */
  readonly rotate: { readonly args: undefined; readonly answer: boolean }
  readonly state: { readonly args: undefined; readonly answer: JournalState }
  readonly close: { readonly args: undefined; readonly answer: undefined }
}
export type Verb = keyof Requests

/** Pending records in order; every number up to `through` that is not among them is parked. */
export interface Tail {
  readonly records: OutboundRecord[]
  readonly through: number
}

/** A tail on its way between the threads. */
export interface PackedTail {
  readonly columns: Columns
  readonly through: number
}

/** `lastSeq` is the newest record after the commit that holds this report. */
export interface Reported {
  readonly verdict: Verdict
  readonly lastSeq: number
  readonly failure?: Failure
}

export interface ParkOrder {
  readonly seq: number
  readonly code: string
  readonly reason: string
  readonly wall: number
}

/** A JournalError as data; other errors have no code and are bugs. */
export interface Failure {
  readonly code: ErrorCode | undefined
  readonly message: string
  readonly hint: string | undefined
}

export interface Request {
  readonly id: number
  readonly verb: Verb
  readonly args: unknown
}
/** What the thread answers to its start. */
export interface Started extends JournalState {
  /** Among the newest records. */
  readonly damages: readonly Damage[]
}
/** The `id` of what nobody asked for: records that were found damaged later. */
export const UNASKED = -1
/** `id` 0 is the answer to the start itself. */
export type Answer =
  { readonly id: number; readonly value: unknown } | { readonly id: number; readonly failure: Failure }
