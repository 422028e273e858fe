/** What beacons, badges and phones put on the air, written from the fact sheet. [BLE §1, §2] */
import { createCipheriv } from 'node:crypto'

/** One advertisement on its way to an antenna. */
export interface OnAir {
  /** 12 hex digits, most significant byte first. */
  readonly address: string
  /** Default: random. */
  readonly isPublic?: boolean
  readonly rssiDbm: number
  /** AD structures. */
  readonly data: Uint8Array
  /** Type of the legacy PDU: 0 connectable, 3 not, 4 scan response. Default 3. */
  readonly type?: number
}

/** Length, type, data. [BLE §1] */
export function ad(type: number, data: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(data.length + 1, type), data])
}

const FLAGS = ad(0x01, Buffer.of(0x06))

/** `id`: UUID, major and minor as 40 hex digits. */
export function iBeacon(id: string, measuredDbm = -59): Uint8Array {
  const body = Buffer.concat([Buffer.from('4c000215', 'hex'), Buffer.from(id, 'hex'), signed(measuredDbm)])
  return Buffer.concat([FLAGS, ad(0xff, body)])
}

/** `id`: namespace and instance as 32 hex digits. Old ones leave the two reserved bytes out. */
export function eddystoneUid(id: string, { old = false } = {}): Uint8Array {
  const frame = Buffer.concat([Buffer.of(0x00), signed(-18), Buffer.from(id, 'hex'), Buffer.alloc(old ? 0 : 2)])
  return Buffer.concat([FLAGS, ad(0x03, Buffer.from('aafe', 'hex')), ad(0x16, Buffer.concat([Buffer.from('aafe', 'hex'), frame]))]) // prettier-ignore
}

/** `id`: 40 hex digits. */
export function altBeacon(id: string, company = 0x0118): Uint8Array {
  const head = Buffer.of(company & 0xff, company >> 8, 0xbe, 0xac)
  return ad(0xff, Buffer.concat([head, Buffer.from(id, 'hex'), signed(-59), Buffer.of(0)]))
}

/** A badge with a service of its own; without `id` it has nothing else. `service`: 4 or 32 hex digits. */
export function badge(service: string, id?: string): Uint8Array {
  const uuid = Buffer.from(service, 'hex').reverse()
  const short = uuid.length === 2
  if (id === undefined) return Buffer.concat([FLAGS, ad(short ? 0x03 : 0x07, uuid)])
  return Buffer.concat([FLAGS, ad(short ? 0x16 : 0x21, Buffer.concat([uuid, Buffer.from(id, 'hex')]))])
}

/** What a phone says: nothing of its own. */
export function phone(): Uint8Array {
  return Buffer.concat([FLAGS, ad(0xff, Buffer.from('4c0010055b1c9f2a41', 'hex'))])
}

/** The resolvable private address that a phone with this key makes of a random number. [BLE §2] */
export function resolvableAddress(irk: string, random: number): string {
  const prand = Buffer.alloc(3)
  prand.writeUIntBE((random & 0x3f_ffff) | 0x40_0000, 0, 3)
  const block = Buffer.concat([Buffer.alloc(13), prand])
  const hash = createCipheriv('aes-128-ecb', Buffer.from(irk, 'hex'), null).update(block).subarray(13, 16)
  return Buffer.concat([prand, hash]).toString('hex').toUpperCase()
}

function signed(value: number): Buffer {
  return Buffer.of(value & 0xff)
}
