/** Whose phone an address belongs to: phones change it every quarter of an hour, in a way that their key gives away. [BLE §2] */
import { createCipheriv, type Cipher } from 'node:crypto'

/** Both answers are kept: a phone changes its address after some 15 minutes. [BLE §2] */
const KEPT_MS = 20 * 60_000
/** Addresses kept; the oldest go. A street full of phones must not fill the memory. */
const MOST = 4_096
/** The upper two bits of a resolvable private address are 01. [BLE §2] */
const RESOLVABLE = /^[4-7][0-9A-F]{11}$/
/** Zero bytes before the random part in the block that is encrypted. */
const PADDING = 13

interface Answer {
  readonly phone: string | undefined
  readonly until: number
}

export class Phones {
  readonly #keys: readonly { readonly name: string; readonly cipher: Cipher }[]
  readonly #known = new Map<string, Answer>()

  /** `irk`: 32 hex digits, most significant byte first. */
  constructor(phones: readonly { readonly name: string; readonly irk: string }[]) {
    this.#keys = phones.map(({ name, irk }) => {
      const cipher = createCipheriv('aes-128-ecb', Buffer.from(irk, 'hex'), null)
      return { name, cipher: cipher.setAutoPadding(false) }
    })
  }

  /** Addresses whose answer is kept. */
  get kept(): number {
    return this.#known.size
  }

  /** The name of the phone; undefined when it is none of ours. `address`: 12 hex digits, `uptime`: now. */
  nameOf(address: string, uptime: number): string | undefined {
    if (this.#keys.length === 0 || !RESOLVABLE.test(address)) return undefined
    const known = this.#known.get(address)
    if (known && uptime < known.until) return known.phone
    const phone = this.#resolve(Buffer.from(address, 'hex'))
    // Put at the end: the map is in the order of age.
    this.#known.delete(address)
    this.#known.set(address, { phone, until: uptime + KEPT_MS })
    for (const [oldest, { until }] of this.#known) {
      if (this.#known.size <= MOST && until > uptime) break
      this.#known.delete(oldest)
    }
    return phone
  }

  /** Random part first, then what the key makes of it. [BLE §2] */
  #resolve(address: Buffer): string | undefined {
    const block = Buffer.concat([Buffer.alloc(PADDING), address.subarray(0, 3)])
    const hash = address.subarray(3)
    return this.#keys.find(({ cipher }) => cipher.update(block).subarray(PADDING).equals(hash))?.name
  }
}
