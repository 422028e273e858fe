/**
 * What an advertisement says about who sends it: iBeacon, Eddystone UID, AltBeacon, badges with a service of their own.
 * Pure: no clock, no I/O, no import. Clauses like [BLE §1] are sections of the fact sheet, told in this folder's README.
 */

/** The part of an advertisement that is looked at. */
export interface Heard {
  /** Begins with the company id, low byte first. */
  readonly manufacturerData: Uint8Array | undefined
  /** `uuid`: lower-case hex without dashes, 4, 8 or 32 digits. */
  readonly serviceData: readonly { readonly uuid: string; readonly bytes: Uint8Array }[]
  readonly serviceUuids: readonly string[]
}

export interface Read {
  /** Canonical values of credentials of type beacon. */
  readonly beacons: readonly string[]
  /** Parts that began like a beacon of a known format and were not one. */
  readonly bad: number
}

/** Company, type and length of an iBeacon; then UUID, major, minor and one byte of strength. [BLE §1] */
const IBEACON = '4C000215'
const IBEACON_BYTES = 25
/** Behind the company, which may be any. Then the id, a reference strength and one reserved byte. [BLE §1] */
const ALT_BEACON = 'BEAC'
const ALT_BEACON_BYTES = 26
/** Google's service, and the first byte of its frames. [BLE §1] */
const EDDYSTONE = 'feaa'
const UID = 0x00
/** Frame type, strength, namespace, instance; two reserved bytes that old beacons leave out. [BLE §1] */
const UID_BYTES = [18, 20]
/** The service data of one advertisement are never longer: 254 of an extended one would be no badge number. */
const MAX_BADGE_BYTES = 62
/** The 128-bit form of every 16-bit and 32-bit UUID. */
const BASE = '00001000800000805f9b34fb'

/** Reads one advertisement; `badges` are the services of badges, as `badgeServices` gives them. */
export function beaconsOf({ manufacturerData, serviceData, serviceUuids }: Heard, badges: ReadonlySet<string>): Read {
  const found = [manufacturerData === undefined ? undefined : ofManufacturer(manufacturerData)]
  for (const { uuid, bytes } of serviceData) {
    if (uuid === EDDYSTONE) found.push(ofEddystone(bytes))
    if (badges.has(shortest(uuid))) found.push(ofBadge(uuid, bytes))
  }
  // A badge that has nothing but its service: the service is its number.
  const told = new Set(serviceData.map(({ uuid }) => shortest(uuid)))
  for (const uuid of serviceUuids) {
    const short = shortest(uuid)
    if (badges.has(short) && !told.has(short)) found.push(short.toUpperCase())
  }
  const beacons = found.filter((one) => typeof one === 'string')
  return { beacons: [...new Set(beacons)], bad: found.filter((one) => one === false).length }
}

/** Reads `fce7 6e400001-b5a3-f393-e0a9-e50e24dcca9e`; `wrong` is the first word that is no service. */
export function badgeServices(written: string): { readonly services: ReadonlySet<string>; readonly wrong?: string } {
  const words = written.split(/[\s,]+/).filter((word) => word !== '')
  const plain = words.map((word) => word.replaceAll('-', '').toLowerCase())
  const at = plain.findIndex((word) => !/^(?:[0-9a-f]{4}|[0-9a-f]{8}|[0-9a-f]{32})$/.test(word))
  const services = new Set(plain.map(shortest))
  const wrong = words[at]
  return wrong === undefined ? { services } : { services, wrong }
}

/** False is what began like a beacon and is none. */
function ofManufacturer(bytes: Uint8Array): string | false | undefined {
  const text = hex(bytes)
  if (text.startsWith(IBEACON)) return bytes.length === IBEACON_BYTES ? text.slice(8, 48) : false
  if (text.slice(4, 8) === ALT_BEACON) return bytes.length === ALT_BEACON_BYTES ? text.slice(8, 48) : false
  return undefined
}

/** URL, TLM and EID frames name nobody whom we could know. [BLE §1] */
function ofEddystone(bytes: Uint8Array): string | false | undefined {
  if (bytes.length === 0) return false
  if (bytes[0] !== UID) return undefined
  return UID_BYTES.includes(bytes.length) ? hex(bytes).slice(4, 36) : false
}

function ofBadge(uuid: string, bytes: Uint8Array): string | false {
  if (bytes.length > MAX_BADGE_BYTES) return false
  return bytes.length === 0 ? shortest(uuid).toUpperCase() : hex(bytes)
}

/** One UUID has up to three lengths. */
function shortest(uuid: string): string {
  const full = uuid.length === 32 && uuid.endsWith(BASE) ? uuid.slice(0, 8) : uuid
  return full.length === 8 && full.startsWith('0000') ? full.slice(4) : full
}

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).toUpperCase().padStart(2, '0'))

function hex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += DIGITS[byte] ?? ''
  return text
}
