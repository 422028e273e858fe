/** What of a terminal's log was taken, and up to where nothing is missing. */
import type { Session } from './config.js'

/** A page of the log is 30; a terminal that resends does so within minutes. */
const MOST_TAKEN = 2_048
/** Written at most so often: what is lost with it is only asked for again. */
const SAVE_MS = 10_000
/** A number that is not higher, of a record that is clearly newer: the terminal counts from the beginning again. */
export const RESET_MS = 60_000

export interface Cursor {
  /** Everything up to this record was taken; absent while nothing is known about numbers. */
  readonly serialNo?: number
  /** Its time, by the terminal's clock. */
  readonly wall: number
}

/** Where a record stands: it leaves no gap, or records before it did not come. */
export type Standing = 'whole' | 'gap'

export class Ledger {
  readonly #session: Session
  readonly #key: string
  readonly #taken = new Set<string>()
  #cursor: Cursor | undefined
  #highest = 0
  #saved = ''
  #savedAt = Number.NEGATIVE_INFINITY

  constructor(session: Session, serial: string) {
    this.#session = session
    this.#key = `cursor ${serial}`
  }

  get cursor(): Cursor | undefined {
    return this.#cursor
  }

  /** The highest number that came since the start or the last reset. */
  get highest(): number {
    return this.#highest
  }

  async load(): Promise<void> {
    const text = (await this.#session.recall(this.#key)) ?? ''
    const [wall, serialNo] = text.split(' ').map(Number)
    if (text === '' || wall === undefined || !Number.isSafeInteger(wall)) return
    this.#saved = text
    this.#cursor = serialNo !== undefined && Number.isSafeInteger(serialNo) ? { wall, serialNo } : { wall }
    this.#highest = Math.max(this.#highest, this.#cursor.serialNo ?? 0)
  }

  has(key: string): boolean {
    return this.#taken.has(key)
  }

  /** It is on disk, or nothing that is stored. */
  took(key: string): void {
    this.#taken.add(key)
    if (this.#taken.size <= MOST_TAKEN) return
    const [oldest] = this.#taken
    if (oldest !== undefined) this.#taken.delete(oldest)
  }

  /** A record came by itself and was taken. */
  note(serialNo: number, wall: number): Standing {
    const { cursor } = this
    const last = cursor?.serialNo
    if (last !== undefined && cursor && serialNo <= last) {
      if (wall <= cursor.wall + RESET_MS) return 'whole'
      this.#cursor = { wall: cursor.wall }
      this.#highest = serialNo
      return 'gap'
    }
    this.#highest = Math.max(this.#highest, serialNo)
    if (last === undefined || serialNo > last + 1) return 'gap'
    this.#cursor = { serialNo, wall }
    return 'whole'
  }

  /** Nothing before this is missing any more. */
  complete(cursor: Cursor): void {
    const last = this.#cursor?.serialNo ?? 0
    // After a reset the numbers of before mean nothing any more.
    this.#highest =
      (cursor.serialNo ?? 0) < last ? (cursor.serialNo ?? 0) : Math.max(this.#highest, cursor.serialNo ?? 0)
    this.#cursor = cursor
  }

  /** Keeps the cursor, now and then. */
  async save(when: 'sometimes' | 'now'): Promise<void> {
    if (!this.#cursor) return
    const { wall, serialNo } = this.#cursor
    const text = serialNo === undefined ? `${wall}` : `${wall} ${serialNo}`
    const uptime = this.#session.clock.uptime()
    if (text === this.#saved || (when === 'sometimes' && uptime - this.#savedAt < SAVE_MS)) return
    this.#saved = text
    this.#savedAt = uptime
    try {
      await this.#session.remember(this.#key, text)
    } catch {
      // The journal says so itself. The old place is asked for again.
      this.#saved = ''
    }
  }
}
