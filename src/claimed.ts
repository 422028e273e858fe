/**
 * What a driver hands over, read once and copied. Its objects may throw, say something else at the second look, or hold
 * what no other thread can be told: then this sighting is wrong, and nothing else is. Nothing is taken but what the
 * contract names.
 */
import type { DeviceIdentity, EventDetail, PointTrouble } from './driver.js'
import type { Census, Claim, Credential, Method, Moment, Sample, Sighting } from './model.js'

/** Only moments that the transport or the clock gave out may stand in a sighting. */
export type IsStamped = (moment: Moment) => boolean

const UNREADABLE = 'its fields cannot be read'
const NOT_OURS = 'its moment is not one of the transport'
const MAX_VALUE = 4_096
const MAX_KEY = 1_024
const MAX_NAME = 256
const MOST_FACTS = 64
/** A source that counts more at once is not believed. */
const MOST_COUNTED = 10_000
const METHODS: readonly Method[] = ['card', 'fingerprint', 'face', 'qr', 'pin', 'ble', 'wifi']
const KINDS: readonly Sample['kind'][] = ['heard', 'joined', 'parted']
const ANY = /^/
const CANONICAL: Readonly<Record<Credential['type'], RegExp>> = {
  card: /^(?:[0-9A-F]{2}){3,16}$/,
  fingerprint: /^\d{1,10}$/,
  user: ANY,
  qr: ANY,
  pin: /^\d{1,32}$/,
  beacon: ANY,
  phone: ANY,
  mac: /^[0-9A-F]{12}$/,
}
/** The years 1 to 9999: others cannot be written as a time. */
const EARLIEST = Date.parse('0001-01-02')
const LATEST = Date.parse('9999-12-30')
const MOST_AHEAD_MS = 1e14

/** A copy of the sighting; a text says what is wrong with it. */
export function claimedSighting(given: Sighting, isStamped: IsStamped): Sighting | string {
  return reading(() => {
    const { method, arrived, point, raw: givenRaw, claim: givenClaim } = given
    const credential = credentialOf(given.credential)
    if (!isStamped(arrived)) return NOT_OURS
    if (typeof credential === 'string') return credential
    if (!METHODS.includes(method)) return 'its method is none'
    if (point !== undefined && typeof point !== 'string') return 'its point is none'
    const raw = givenRaw && rawOf(givenRaw)
    if (typeof raw === 'string') return raw
    const claim = givenClaim && claimOf(givenClaim)
    if (typeof claim === 'string') return claim
    return { credential, method, arrived, ...(point !== undefined && { point }), ...(raw && { raw }), ...(claim && { claim }) } // prettier-ignore
  })
}

/** The same of what was sensed. */
export function claimedSample(given: Sample | Census, isStamped: IsStamped): Sample | Census | string {
  return reading(() => {
    const { kind, method, arrived } = given
    if (!isStamped(arrived)) return NOT_OURS
    if (method !== 'ble' && method !== 'wifi') return 'its method is none'
    if (kind === 'listed') {
      if (!Array.isArray(given.credentials) || given.credentials.length > MOST_COUNTED) return 'its list is none'
      const credentials = given.credentials.map(credentialOf)
      const wrong = credentials.find((found) => typeof found === 'string')
      return wrong ?? { kind, method, arrived, credentials: credentials.filter((found) => typeof found !== 'string') }
    }
    const credential = credentialOf(given.credential)
    if (typeof credential === 'string') return credential
    const { rssiDbm } = given
    if (!KINDS.includes(kind) || (rssiDbm !== undefined && !Number.isFinite(rssiDbm))) return 'its kind is none'
    return { kind, method, arrived, credential, ...(rssiDbm !== undefined && { rssiDbm }) }
  })
}

function reading<T>(read: () => T | string): T | string {
  try {
    return read()
  } catch {
    // What was thrown is the driver's, too: it is not looked at.
    return UNREADABLE
  }
}

function credentialOf({ type, value, scope }: Credential): Credential | string {
  if (typeof type !== 'string' || !Object.hasOwn(CANONICAL, type)) return 'its credential is of no known type'
  if (typeof value !== 'string' || typeof scope !== 'string') return `its ${type} value is no text`
  if (value === '' || value.length > MAX_VALUE) return `its ${type} value has ${value.length} characters`
  if (!CANONICAL[type].test(value)) return `its ${type} value is not canonical`
  if (scope === '') return 'its scope is empty'
  return scope.length > MAX_NAME ? 'its scope is too long' : { type, value, scope }
}

function rawOf(given: NonNullable<Sighting['raw']>): NonNullable<Sighting['raw']> | string {
  const facts = Object.entries(given).filter(([, value]) => value !== undefined)
  const isPlain = ([name, value]: (typeof facts)[number]): boolean =>
    name.length <= MAX_NAME && (typeof value === 'string' ? value.length <= MAX_VALUE : Number.isFinite(value))
  return facts.length <= MOST_FACTS && facts.every(isPlain) ? Object.fromEntries(facts) : 'its raw data are too much'
}

function claimOf({ wall, key, aheadMs, late }: Claim): Claim | string {
  const isTime = Number.isFinite(wall) && wall >= EARLIEST && wall <= LATEST
  if (!isTime || !(Math.abs(aheadMs ?? 0) <= MOST_AHEAD_MS)) return 'its claim is no time'
  if (typeof key !== 'string' || key === '' || key.length > MAX_KEY || typeof late !== 'boolean')
    return 'its claim has no key'
  return { wall, key, late, ...(aheadMs !== undefined && { aheadMs }) }
}

/** Who the device says that it is. */
export function claimedIdentity({ model, firmware, serial }: DeviceIdentity): DeviceIdentity {
  return {
    model: textOf(model),
    ...(firmware !== undefined && { firmware: textOf(firmware) }),
    ...(serial !== undefined && { serial: textOf(serial) }),
  }
}

export function claimedTrouble({ code, reason, hint }: PointTrouble): PointTrouble {
  return { code: textOf(code), reason: textOf(reason), ...(hint !== undefined && { hint: textOf(hint) }) }
}

/** Of the details of an event only what can stand in a record. */
export function claimedDetail(given: EventDetail): EventDetail {
  const facts = Object.entries(given).slice(0, MOST_FACTS)
  return Object.fromEntries(facts.flatMap(([name, value]) => (isFact(value) ? [[textOf(name), value] as const] : [])))
}

export function claimedFigures(given: Readonly<Record<string, number>>): Record<string, number> {
  const figures = Object.entries(given).slice(0, MOST_FACTS)
  return Object.fromEntries(figures.filter(([, figure]) => Number.isFinite(figure)))
}

function isFact(value: unknown): value is EventDetail[string] {
  if (typeof value === 'string') return value.length <= MAX_VALUE
  return typeof value === 'boolean' || Number.isFinite(value)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_NAME) : ''
}
