/**
 * Checks records in the order in which they stand and names the first that is not what was stored, and what was done to it.
 * test/verify/README.md has the table of what is called what; test/verify/verify.py is a second opinion and must agree.
 */
import type { KeyObject } from 'node:crypto'
import type { Anchor } from '../journal/anchor.js'
import { isObject, type Line, type RecordLine, type SummaryLine } from './line.js'
import { isContentOf, isSignedRecord } from './record.js'
import { isSignedSummary } from './summary.js'
import { Times } from './times.js'

export type Kind = 'edited' | 'deleted' | 'inserted' | 'reordered' | 'tail-missing' | 're-signed' | 're-timed'

export interface Source {
  /** From the beginning, each time it is called: when something is wrong, a second look is taken at what comes behind. */
  readonly lines: () => Iterable<Line>
  /** Exports end with a line that says so; a database does not. */
  readonly ends: 'with a summary' | 'anyhow'
}

export interface Evidence {
  readonly key: KeyObject
  readonly anchor?: Anchor | undefined
  /** The records must reach the anchor. Not so for an export of earlier days. */
  readonly mustReachAnchor: boolean
}

export interface Sound {
  readonly ok: true
  readonly count: number
  readonly erased: number
  readonly from: number | null
  readonly to: number | null
  readonly head: string | null
}

export interface Bad {
  readonly ok: false
  readonly seq: number
  readonly kind: Kind
}

/** Nothing that could be checked. `line` counts lines with something in them. */
export interface NoExport {
  readonly ok: undefined
  readonly line: number
}

export type Result = Sound | Bad | NoExport

const ZEROS = '0'.repeat(64)

export function verifyLines(source: Source, evidence: Evidence): Result {
  return new Verifier(source, evidence).run()
}

class Verifier {
  readonly #source: Source
  readonly #evidence: Evidence
  readonly #times = new Times()
  #first: RecordLine | undefined
  #before: RecordLine | undefined
  #count = 0
  #erased = 0
  /** The first number left out where a journal began, if any was. */
  #gap: number | undefined
  #summary: SummaryLine | undefined

  constructor(source: Source, evidence: Evidence) {
    this.#source = source
    this.#evidence = evidence
  }

  run(): Result {
    let line: Line | undefined
    for (const next of this.#source.lines()) {
      const bad = line && this.#take(line, next)
      if (bad) return this.#worst(bad)
      line = next
    }
    const bad = line && this.#take(line, undefined)
    if (bad) return this.#worst(bad)
    return this.#worst(this.#end())
  }

  /** A time that was found wrong earlier comes first. */
  #worst(result: Result): Result {
    const seq = result.ok === undefined ? undefined : this.#times.firstWrong
    return seq === undefined ? result : bad(seq, 're-timed')
  }

  get #lastSeq(): number {
    return this.#before?.seq ?? 0
  }

  #take(line: Line, next: Line | undefined): Bad | NoExport | undefined {
    if (line.type === 'unreadable' && this.#count === 0 && !this.#summary) return { ok: undefined, line: 1 }
    if (this.#summary) return bad(line.type === 'record' ? line.seq : this.#lastSeq + 1, 'inserted')
    if (line.type === 'unreadable') return bad(this.#lastSeq + 1, next ? 'edited' : 'tail-missing')
    if (line.type === 'summary') {
      this.#summary = line
      return this.#summarised(line)
    }
    return this.#placed(line, next) ?? this.#genuine(line, next) ?? this.#accept(line)
  }

  #accept(line: RecordLine): Bad | undefined {
    const { anchor } = this.#evidence
    const before = this.#before
    this.#first ??= line
    this.#before = line
    this.#count += 1
    if (line.schema === 'erased/1') this.#erased += 1
    const wrong = this.#times.take(line)
    if (wrong !== undefined) return bad(wrong, 're-timed')
    if (anchor?.seq === line.seq && anchor.hash !== line.hash) return bad(line.seq, 're-signed')
    if (anchor && before && before.seq < anchor.seq && anchor.seq < line.seq) return bad(anchor.seq, 'tail-missing')
    return undefined
  }

  /** Does it stand where its number says? */
  #placed(line: RecordLine, next: Line | undefined): Bad | undefined {
    const before = this.#before
    const isExtra = next?.type === 'summary' && before !== undefined && next.head === before.hash
    if (isExtra || (next?.type === 'record' && isRival(line, next))) return bad(line.seq, 'inserted')
    if (!before || line.seq === before.seq + 1) return undefined
    const isOnlyNumber = follows(line, before) && (line.schema === 'erased/1' || !isContentOf(line))
    if (isOnlyNumber) return bad(before.seq + 1, 'edited')
    if (line.seq > before.seq) return this.#leap(line, before)
    const isEarlier = this.#first !== undefined && line.seq < this.#first.seq
    const isMoved = isEarlier && this.#isOurs(line) && !this.#find((other) => this.#beginsAfter(other, line))
    return bad(line.seq, isMoved ? 'reordered' : 'inserted')
  }

  /** Numbers are left out: they stand elsewhere, or are gone, or a journal began here. */
  #leap(line: RecordLine, before: RecordLine): Bad | undefined {
    const expected = before.seq + 1
    if (this.#find((other) => this.#isNextAfter(other, before, line))) {
      const isMoved = this.#isOurs(line) && this.#copiesOf(line) === 1
      return isMoved ? bad(expected, 'reordered') : bad(line.seq, 'inserted')
    }
    if (line.prevHash !== ZEROS) return bad(expected, 'deleted')
    if (!this.#isOurs(line)) return undefined
    const { detail } = line.content
    const last = isObject(detail) ? detail['lastSeq'] : undefined
    if (typeof last === 'number' && last > before.seq) return bad(expected, 'deleted')
    this.#gap ??= expected
    return undefined
  }

  /** The record that belongs between `before` and `line`, or one with which a journal begins between them. */
  #isNextAfter(other: Line, before: RecordLine, { seq }: RecordLine): boolean {
    if (other.type !== 'record') return false
    if (other.seq === before.seq + 1 && follows(other, before)) return true
    return other.prevHash === ZEROS && other.seq > before.seq && other.seq < seq && this.#isOurs(other)
  }

  #copiesOf({ hash }: RecordLine): number {
    let count = 0
    for (const line of this.#source.lines()) if (line.type === 'record' && line.hash === hash) count += 1
    return count
  }

  #genuine(line: RecordLine, next: Line | undefined): Bad | undefined {
    const before = this.#before
    const isForeign = (): boolean => !before && this.#find((other) => this.#beginsAfter(other, line))
    if (!isContentOf(line)) return bad(line.seq, isForeign() ? 'inserted' : 'edited')
    if (before && !follows(line, before) && line.prevHash !== ZEROS) return bad(line.seq, 'inserted')
    if (isSignedRecord(line, this.#evidence.key)) return undefined
    if (isForeign()) return bad(line.seq, 'inserted')
    return bad(line.seq, leadsTo(line, next) ? 're-signed' : 'edited')
  }

  #isOurs(line: RecordLine): boolean {
    return isContentOf(line) && isSignedRecord(line, this.#evidence.key)
  }

  #beginsAfter(other: Line, line: RecordLine): boolean {
    if (other.type !== 'summary' || typeof other.from !== 'number') return false
    return other.from > line.seq && isSignedSummary(other, this.#evidence.key)
  }

  #find(wanted: (line: Line) => boolean): boolean {
    for (const line of this.#source.lines()) if (wanted(line)) return true
    return false
  }

  #summarised(summary: SummaryLine): Bad | undefined {
    const contradiction = this.#contradiction(summary)
    if (isSignedSummary(summary, this.#evidence.key)) return contradiction
    return bad(this.#lastSeq, contradiction ? 'edited' : 're-signed')
  }

  /** Where the last line and the records before it differ. */
  #contradiction({ from, to, count, head }: SummaryLine): Bad | undefined {
    const first = this.#first?.seq ?? null
    const last = this.#before?.seq ?? null
    if (typeof to === 'number' && to > (last ?? 0)) return bad((last ?? 0) + 1, 'tail-missing')
    if (typeof from === 'number' && first !== null && from < first) return bad(from, 'deleted')
    if (last !== null && typeof to === 'number' && to < last) return bad(to + 1, 'inserted')
    if (first !== null && typeof from === 'number' && from > first) return bad(first, 'inserted')
    if (typeof count === 'number' && count > this.#count) return bad(this.#gap ?? first ?? 0, 'deleted')
    const isSame = from === first && to === last && count === this.#count && head === (this.#before?.hash ?? null)
    return isSame ? undefined : bad(last ?? 0, 'edited')
  }

  #end(): Result {
    const { anchor, mustReachAnchor } = this.#evidence
    if (this.#source.ends === 'with a summary' && !this.#summary) {
      return this.#count === 0 ? { ok: undefined, line: 1 } : bad(this.#lastSeq + 1, 'tail-missing')
    }
    if (anchor && mustReachAnchor && anchor.seq > this.#lastSeq) return bad(this.#lastSeq + 1, 'tail-missing')
    const from = this.#first?.seq ?? null
    const { seq: to = null, hash: head = null } = this.#before ?? {}
    return { ok: true, count: this.#count, erased: this.#erased, from, to, head }
  }
}

function bad(seq: number, kind: Kind): Bad {
  return { ok: false, seq, kind }
}

function follows({ prevHash }: RecordLine, { hash }: RecordLine): boolean {
  return hash !== '' && prevHash === hash
}

/** Two records for one number, or behind one record. Journals that begin one after the other are no rivals. */
function isRival(line: RecordLine, next: RecordLine): boolean {
  if (next.seq === line.seq) return !follows(next, line)
  return next.prevHash === line.prevHash && line.prevHash !== ZEROS && line.prevHash !== ''
}

/** True when what comes next builds on it, as it does when all of the rest was rewritten. */
function leadsTo(line: RecordLine, next: Line | undefined): boolean {
  if (!next || next.type === 'unreadable') return true
  const onto = next.type === 'summary' ? next.head : next.prevHash
  return onto === line.hash || onto === ZEROS
}
