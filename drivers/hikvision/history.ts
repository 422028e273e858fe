/** Asks a terminal for the records that did not come by themselves. [FACE A4] */
import { randomUUID } from 'node:crypto'
import type { SiteZone } from '../../src/driver.js'
import type { Client } from './client.js'
import type { AcsRecord } from './event.js'
import { acsPage, knowsSerials, type Search } from './isapi.js'
import type { Cursor, Ledger } from './ledger.js'
import type { Taken, Taking } from './taking.js'

/** A window begins that much before the last record: clocks are set, and records are written late. [FACE A4] */
export const OVERLAP_MS = 300_000
/** And ends that much after now. */
const AHEAD_MS = 86_400_000
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

  /** The terminal may be another one, or have other firmware. */
  forget(): void {
    this.#bySerial = undefined
  }

  /** `now`: what the terminal's clock shows. Throws what the client does; then the same is asked for again. */
  async reconcile(now: number): Promise<Reconciled> {
    const { client, ledger } = this.#parts
    this.#bySerial ??= await knowsSerials(client)
    const cursor = ledger.cursor ?? { wall: now }
    // What comes by itself from here on is not part of this.
    const { highest } = ledger
    const search = this.#searchFrom(cursor, now)
    let found = 0
    let newest: Cursor | undefined
    for (let position = 0, page = 0; page < MOST_PAGES; page++) {
      const { status, matches, records, arrived } = await acsPage(client, { ...search, position })
      for (const record of records) {
        const taken: Taken = arrived ? await this.#parts.taking.take(record, arrived, 'history') : 'refused'
        if (taken === 'refused' || this.#parts.over.aborted) return { found, isWhole: false }
        if (taken === 'new') found += 1
        newest = later(newest, record, this.#parts.taking.wallOf(record))
      }
      position += matches
      // The total grows while we read: only the terminal knows whether there is more.
      if (status !== 'MORE' || matches === 0) break
    }
    ledger.complete(completed(cursor, newest, highest))
    return { found, isWhole: true }
  }

  #searchFrom({ serialNo, wall }: Cursor, now: number): Omit<Search, 'position'> {
    const offsetMinutes = this.#parts.zone.offsetMinutes(now)
    const id = randomUUID()
    if (this.#bySerial && serialNo !== undefined)
      return { id, from: EVER[0], to: EVER[1], beginSerialNo: serialNo + 1, offsetMinutes }
    return { id, from: Math.min(wall, now) - OVERLAP_MS, to: now + AHEAD_MS, offsetMinutes }
  }
}

/** The newest by time: after a reset of the terminal, high numbers are old ones. */
function later(newest: Cursor | undefined, { serialNo }: AcsRecord, wall: number | undefined): Cursor | undefined {
  if (serialNo === undefined || wall === undefined) return newest
  const isLater = !newest || wall > newest.wall || (wall === newest.wall && serialNo > (newest.serialNo ?? 0))
  return isLater ? { serialNo, wall } : newest
}

function completed(before: Cursor, newest: Cursor | undefined, highest: number): Cursor {
  const serialNo = Math.max(newest?.serialNo ?? before.serialNo ?? 0, highest)
  const wall = Math.max(newest?.wall ?? 0, before.wall)
  return serialNo > 0 ? { serialNo, wall } : { wall }
}
