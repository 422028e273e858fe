/** From a record of a terminal's log to a sighting, an event, or nothing. */
import type { Credential, EventDetail, Moment, Point, Sighting } from '../../src/driver.js'
import { alarmOf, type Codes } from './codes.js'
import type { Session } from './config.js'
import type { AcsRecord } from './event.js'
import type { Ledger } from './ledger.js'
import { instantOf } from './time.js'

/** Older than that, it was kept: only the terminal's clock knows when it was. */
const LATE_MS = 60_000
const MOST_TOLD = 256

export type Source = 'live' | 'history'
/** `refused`: nothing was stored, the terminal must send it again. */
export type Taken = 'new' | 'known' | 'refused'

export class Taking {
  readonly #session: Session
  readonly #point: Point
  readonly #codes: Codes
  readonly #ledger: Ledger
  readonly #told = new Set<string>()
  /** Milliseconds by which the terminal's clock is ahead of ours; undefined while it was not compared. */
  aheadMs: number | undefined

  constructor(session: Session, point: Point, codes: Codes, ledger: Ledger) {
    this.#session = session
    this.#point = point
    this.#codes = codes
    this.#ledger = ledger
  }

  /** Resolves when it is on disk, or was judged to be nothing that is kept. */
  async take(record: AcsRecord, arrived: Moment, source: Source): Promise<Taken> {
    const wall = this.wallOf(record)
    const key = keyOf(record, wall)
    // What the log says again after a restart was told before it.
    const isNews = source === 'live' || (record.serialNo ?? Infinity) > (this.#ledger.cursor?.serialNo ?? -1)
    if (this.#ledger.has(key)) {
      // The log does not tell everything that a push does.
      if (isNews) await this.#tell(record, key, wall)
      return 'known'
    }
    const method = this.#codes.punch(record)
    const credential = method && this.#credentialOf(record)
    if (credential) {
      const claim = wall === undefined ? undefined : this.#claimOf(record, { wall, key, arrived, source })
      const sighting: Sighting = { credential, method, arrived, point: this.#point.id, raw: rawOf(record) }
      const verdict = await this.#session.report(claim ? { ...sighting, claim } : sighting)
      if (verdict === 'refused') return 'refused'
    }
    this.#ledger.took(key)
    if (isNews) await this.#tell(record, key, wall)
    return credential ? 'new' : 'known'
  }

  /** When it was, by the terminal's clock. */
  wallOf({ time }: AcsRecord): number | undefined {
    return instantOf(time, this.#session.zone)
  }

  #credentialOf({ employee, card }: AcsRecord): Credential | undefined {
    const scope = this.#session.config.users === 'site' ? 'global' : this.#point.id
    if (employee !== '') return { type: 'user', value: employee, scope }
    if (card === '' || /^0+$/.test(card)) return undefined
    const isHex = /^(?:[0-9a-f]{2}){3,16}$/i.test(card)
    return isHex ? { type: 'card', value: card.toUpperCase(), scope: 'global' } : { type: 'user', value: card, scope }
  }

  #claimOf(
    record: AcsRecord,
    { wall, key, arrived, source }: { wall: number; key: string; arrived: Moment; source: Source },
  ): Sighting['claim'] {
    const { aheadMs } = this
    // As long as the clocks were not compared, and ours is not set, nothing tells how old it is.
    const isComparable = aheadMs !== undefined || arrived.state === 'synced'
    const isOld = isComparable && arrived.wall - (wall - (aheadMs ?? 0)) > LATE_MS
    const late = source === 'history' || !record.isCurrent || isOld
    return aheadMs === undefined ? { wall, key, late } : { wall, key, late, aheadMs }
  }

  /** Alarms, and numbers that nobody has said the meaning of, once each. */
  async #tell(record: AcsRecord, key: string, wall: number | undefined): Promise<void> {
    const when = wall === undefined ? {} : { at: new Date(wall).toISOString() }
    const person = record.employee === '' ? {} : { person: `…${record.employee.slice(-4)}` }
    const [type, detail] = alarmOf(record) ?? []
    if (type !== undefined) await this.#tellOnce(`${type} ${key}`, type, { ...detail, ...when })
    if (record.isDuress && type !== 'duress') await this.#tellOnce(`duress ${key}`, 'duress', { ...when, ...person })
    if (record.employee === '' || !this.#codes.isUnlisted(record)) return
    const minor = `0x${record.minor.toString(16)}`
    await this.#tellOnce(minor, 'code-unlisted', { minor, hint: 'add it to successCodes if it is a punch', ...when })
  }

  async #tellOnce(name: string, type: string, detail: EventDetail): Promise<void> {
    if (this.#told.has(name)) return
    this.#told.add(name)
    const [oldest] = this.#told
    if (this.#told.size > MOST_TOLD && oldest !== undefined) this.#told.delete(oldest)
    await this.#session.event(type, detail, this.#point.id)
  }
}

/** One record, whichever way it came: the zone of its time may be written otherwise. [FACE A2] */
function keyOf({ time, serialNo, minor, employee, card }: AcsRecord, wall: number | undefined): string {
  const when = wall === undefined ? time : new Date(wall).toISOString().replace('.000Z', 'Z')
  return `${when}|${serialNo ?? `${minor}/${employee || card}`}`
}

function rawOf({ minor, serialNo, mode, status }: AcsRecord): NonNullable<Sighting['raw']> {
  return {
    minor,
    ...(serialNo !== undefined && { serialNo }),
    ...(mode !== '' && { mode }),
    ...(status !== '' && { status }),
  }
}
