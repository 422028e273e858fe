/** What happened, line by line, as a hash: two runs of one seed must have the same. No random id may stand in it. */
import { createHash } from 'node:crypto'
import type { FaultKind } from './kinds.js'
import type { Scheduler } from './scheduler.js'

/** Lines kept for whoever looks into a seed that failed. */
const KEPT = 60

export class Trace {
  readonly #scheduler: Scheduler
  readonly #hash = createHash('sha256')
  readonly #print: ((line: string) => void) | undefined
  #lines: string[] = []
  /** How often each fault happened. */
  readonly faults = new Map<FaultKind, number>()

  constructor(scheduler: Scheduler, print?: (line: string) => void) {
    this.#scheduler = scheduler
    this.#print = print
  }

  note(what: string): void {
    const line = `${this.#scheduler.now} ${what}`
    this.#hash.update(`${line}\n`)
    this.#print?.(line)
    this.#lines.push(line)
    if (this.#lines.length > 2 * KEPT) this.#lines = this.#lines.slice(-KEPT)
  }

  /** A fault that really happened: one that was only planned counts for nothing. */
  fault(kind: FaultKind, detail = ''): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1)
    this.note(`FAULT ${kind}${detail === '' ? '' : ` ${detail}`}`)
  }

  get last(): readonly string[] {
    return this.#lines.slice(-KEPT)
  }

  /** Ends the trace. */
  digest(): string {
    return this.#hash.digest('hex')
  }
}
