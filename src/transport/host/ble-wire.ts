/** What the ble child and its parent tell each other besides requests. Checked on arrival. */
import type { Advert } from '../../driver.js'
import { fromHex, isRecord } from './wire.js'

/** What the child is told when it starts: JSON in its only argument. */
export interface BleOrders {
  readonly adapter: number
  readonly stack: string
  /** How long the radio may take until it listens. */
  readonly startMs: number
  /** Silence after which scanning is begun anew: it can stop without a word. [BLE §4] */
  readonly restartMs: number
  /** Silence after which a new process is asked for. */
  readonly renewMs: number
  /** Heap from which on a new process is asked for. */
  readonly heapMb: number
}

/** An advertisement on its way between the processes. Short names: there are thousands a second. */
export interface SentAdvert {
  /** Address, 12 hex digits. */
  readonly a: string
  /** True for a random address. */
  readonly r: boolean
  /** Strength. */
  readonly s: number
  /** Manufacturer data, hex. */
  readonly m?: string
  /** Service data: UUID and hex. */
  readonly d: readonly (readonly [uuid: string, hex: string])[]
  /** Service UUIDs. */
  readonly u: readonly string[]
}

export type BleNews =
  | { readonly kind: 'adverts'; readonly adverts: readonly unknown[]; readonly malformed: number }
  /** The process would like to be replaced: `silence`, `memory`. */
  | { readonly kind: 'stale'; readonly why: string }

export function parseOrders(text: string | undefined): BleOrders | undefined {
  const value: unknown = JSON.parse(text ?? 'null')
  if (!isRecord(value)) return undefined
  const { adapter, stack, startMs, restartMs, renewMs, heapMb } = value
  const numbers = [adapter, startMs, restartMs, renewMs, heapMb]
  if (typeof stack !== 'string' || !numbers.every((number) => typeof number === 'number')) return undefined
  return value as unknown as BleOrders // Parse boundary: every field was looked at.
}

/** Reads an event of the child; undefined when it is none. */
export function parseNews(event: unknown): BleNews | undefined {
  if (!isRecord(event)) return undefined
  const { kind, adverts, malformed, why } = event
  if (kind === 'stale' && typeof why === 'string') return { kind, why }
  if (kind !== 'adverts' || !Array.isArray(adverts) || typeof malformed !== 'number') return undefined
  return { kind, adverts, malformed }
}

/** Reads one advertisement; undefined when it is none. */
export function parseAdvert(sent: unknown): Omit<Advert, 'arrived'> | undefined {
  if (!isRecord(sent)) return undefined
  const { a, r, s, m, d, u } = sent
  if (typeof a !== 'string' || !/^[0-9A-F]{12}$/.test(a) || typeof s !== 'number') return undefined
  if (!Array.isArray(d) || !Array.isArray(u)) return undefined
  const serviceData = d.flatMap((entry: unknown) => {
    const [uuid, hex] = Array.isArray(entry) ? (entry as unknown[]) : []
    const bytes = fromHex(hex)
    return isUuid(uuid) && bytes ? [{ uuid, bytes }] : []
  })
  const addressType = r === true ? 'random' : 'public'
  return {
    address: a,
    addressType,
    rssiDbm: s,
    manufacturerData: fromHex(m),
    serviceData,
    serviceUuids: u.filter(isUuid),
  }
}

function isUuid(value: unknown): value is string {
  return typeof value === 'string' && /^(?:[0-9a-f]{4}|[0-9a-f]{8}|[0-9a-f]{32})$/.test(value)
}
