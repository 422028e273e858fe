/** How far the clock of a terminal is ahead of ours, and whether a record was made just now. Pure. [ZKPUSH §6] */

/** More rows than one person makes in a moment are a backlog. */
const MOST_LIVE = 3
/** A terminal that was away sends what it kept first. */
const SETTLED_MS = 30_000
/** Between two signs of a terminal that is there. */
const LONGEST_PAUSE_MS = 90_000
const KEPT = 5
/** Older than that is not of now, whatever the upload looks like. */
const LATE_MS = 60_000
/** Two rows that come at once differ by less. */
const AGREEING_MS = 10_000

export interface Upload {
  /** When it arrived. */
  readonly wall: number
  readonly uptime: number
  /** Our own clock is right: else it says nothing about another. */
  readonly isSynced: boolean
  /** When its rows were made, by the terminal's clock. */
  readonly rows: readonly number[]
}

export class Lag {
  #aheadMs: number | undefined
  #recent: number[] = []
  #connectedAt: number | undefined
  #heardAt = Number.NEGATIVE_INFINITY
  /** A comparison that lagged far behind. */
  #doubt: number | undefined

  constructor(aheadMs?: number) {
    this.#aheadMs = aheadMs
  }

  /** Milliseconds; negative when it is behind; undefined when they were never compared. */
  get aheadMs(): number | undefined {
    return this.#aheadMs
  }

  /** The terminal said something. */
  heard(uptime: number): void {
    if (uptime - this.#heardAt > LONGEST_PAUSE_MS) this.#connectedAt = uptime
    this.#heardAt = uptime
  }

  /** Takes an upload, before `heard`; says for each row whether it was kept for a while. */
  late({ wall, uptime, isSynced, rows }: Upload): boolean[] {
    const settled = this.#connectedAt !== undefined && uptime - this.#connectedAt >= SETTLED_MS
    const isLive = rows.length <= MOST_LIVE && settled && uptime - this.#heardAt <= LONGEST_PAUSE_MS
    const newest = Math.max(...rows)
    if (!isSynced) return rows.map(() => !isLive)
    if (isLive) this.#compare(newest - wall)
    return rows.map((row) => wall - (row - (this.#aheadMs ?? 0)) > LATE_MS)
  }

  /** A row that comes at once shows the clock. One that lags far behind the others was kept, or the clock was set back: a second one tells. */
  #compare(aheadMs: number): void {
    const isFar = this.#aheadMs !== undefined && aheadMs - this.#aheadMs < -LATE_MS
    if (!isFar) return this.#note(aheadMs)
    const wasSet = this.#doubt !== undefined && Math.abs(aheadMs - this.#doubt) < AGREEING_MS
    this.#doubt = wasSet ? undefined : aheadMs
    if (!wasSet) return
    this.#recent = []
    this.#note(aheadMs)
  }

  #note(aheadMs: number): void {
    this.#recent = [...this.#recent, aheadMs].slice(-KEPT)
    // The least delayed row is the truest.
    this.#aheadMs = Math.max(...this.#recent)
  }
}
