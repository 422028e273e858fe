/** Asks a terminal for the records that did not come by themselves. [FACE A4] */
import { randomUUID } from 'node:crypto'
import type { SiteZone } from '../../src/driver.js'
import type { Client } from './client.js'
import type { AcsRecord } from './event.js'
import { acsPage, knowsSerials, type Search } from './isapi.js'
import { RESET_MS, type Cursor, type Ledger } from './ledger.js'
import type { Taken, Taking } from './taking.js'

/** A window begins that much before the last record: clocks are set, and records are written late. [FACE A4] */
const OVERLAP_MS = 300_000
/** And ends that much after now. */
const AHEAD_MS = 86_400_000
/** So many numbers are read again: a record may be in the log only after the one behind it was pushed. */
const OVERLAP = 20
/** Of a terminal that goes on for ever. 300,000 records are more than any of them keeps. */
const MOST_PAGES = 10_000
/** All there is, where records are asked for by number. */
const EVER = [Date.UTC(2000, 0, 1), Date.UTC(2037, 0, 1)] as const

export interface Reconciled {
  /** Records that were missing. */
  readonly found: number
  /** False when the journal could not store one: the rest is asked for later. */
  readonly isWhole: boolean
}

/** What reading gave, and the newest of the records. */
type Read = Reconciled & { readonly newest: Cursor | undefined }

export interface HistoryParts {
  readonly client: Client
  readonly ledger: Ledger
  readonly taking: Taking
  readonly zone: SiteZone
  /** Ends it between two records. */
  readonly over: AbortSignal
}

export class History {
  readonly #parts: HistoryParts
  #bySerial: boolean | undefined

  constructor(parts: HistoryParts) {
    this.#parts = parts
  }

  /** `now`: what the terminal's clock shows. Throws what the client does; then the same is asked for again. */
  async reconcile(now: number): Promise<Reconciled> {
    const { client, ledger } = this.#parts
    this.#bySerial ??= await knowsSerials(client)
    const cursor = ledger.cursor ?? { wall: now }
    // What comes by itself from here on is not part of this.
    const { highest } = ledger
    const byTime = this.#byTime(cursor, now)
    const { serialNo } = cursor
    if (!this.#bySerial || serialNo === undefined) return this.#complete(cursor, highest, await this.#read(byTime))
    const read = await this.#read(this.#bySerials(serialNo, now))
    // Nothing above that number: it may count from the beginning again.
    const isOver = read.isWhole && read.found === 0 && (read.newest?.serialNo ?? 0) <= serialNo && highest <= serialNo
    return this.#complete(cursor, highest, isOver ? await this.#read(byTime) : read)
  }

  #complete(cursor: Cursor, highest: number, { found, isWhole, newest }: Read): Reconciled {
    const { ledger } = this.#parts
    if (isWhole) ledger.complete(completed(cursor, newest, highest))
    return { found, isWhole }
  }

  async #read(search: Omit<Search, 'position'>): Promise<Read> {
    const { client, taking, over } = this.#parts
    let found = 0
    let newest: Cursor | undefined
    for (let position = 0, page = 0; page < MOST_PAGES; page++) {
      const { status, matches, records, arrived } = await acsPage(client, { ...search, position })
      for (const record of records) {
        const taken: Taken = arrived ? await taking.take(record, arrived, 'history') : 'refused'
        if (taken === 'refused' || over.aborted) return { found, isWhole: false, newest }
        if (taken === 'new') found += 1
        newest = later(newest, record, taking.wallOf(record))
      }
      position += matches
      // The total grows while we read: only the terminal knows whether there is more.
      if (status !== 'MORE' || matches === 0) break
    }
    return { found, isWhole: true, newest }
  }

  #bySerials(last: number, now: number): Omit<Search, 'position'> {
    const offsetMinutes = this.#parts.zone.offsetMinutes(now)
    const beginSerialNo = Math.max(1, last + 1 - OVERLAP)
    return { id: randomUUID(), from: EVER[0], to: EVER[1], beginSerialNo, offsetMinutes }
  }

  #byTime({ wall }: Cursor, now: number): Omit<Search, 'position'> {
    const offsetMinutes = this.#parts.zone.offsetMinutes(now)
    return { id: randomUUID(), from: Math.min(wall, now) - OVERLAP_MS, to: now + AHEAD_MS, offsetMinutes }
  }
}

/** The newest by time: after a reset of the terminal, high numbers are old ones. */
function later(newest: Cursor | undefined, { serialNo }: AcsRecord, wall: number | undefined): Cursor | undefined {
  if (serialNo === undefined || wall === undefined) return newest
  const isLater = !newest || wall > newest.wall || (wall === newest.wall && serialNo > (newest.serialNo ?? 0))
  return isLater ? { serialNo, wall } : newest
}

function completed(before: Cursor, newest: Cursor | undefined, highest: number): Cursor {
  const { serialNo: last = 0 } = before
  // A lower number and clearly later: it counts from the beginning again.
  if (newest && (newest.serialNo ?? 0) < last && newest.wall > before.wall + RESET_MS && highest <= last) return newest
  const serialNo = Math.max(newest?.serialNo ?? last, highest)
  const wall = Math.max(newest?.wall ?? 0, before.wall)
  return serialNo > 0 ? { serialNo, wall } : { wall }
}
