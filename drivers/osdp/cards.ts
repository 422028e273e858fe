/** What a device saw: cards and keys, brought into the forms of all readers. */
import { cardOfBits, Hold, PinEntry, type Moment, type Sighting } from '../../src/driver.js'
import { charactersIn, keysIn, rawBits, REPLY } from './codec.js'
import type { PointOptions } from './config.js'

const CHECKED = [26, 34, 35, 37]

/** A sighting without its point; `bad`: not well formed, or a parity is wrong; `none`: nothing to report. */
export type Seen = Omit<Sighting, 'point'> | 'bad' | 'none'

export class Cards {
  readonly #options: PointOptions
  readonly #hold: Hold
  readonly #pin: PinEntry

  constructor(options: PointOptions) {
    this.#options = options
    this.#hold = new Hold(options.hold)
    this.#pin = new PinEntry(options.pinTimeout)
  }

  /** What a reply to a poll brings. */
  seen(id: number, data: Uint8Array, arrived: Moment): Seen {
    if (id === REPLY.raw) return this.#raw(data, arrived)
    if (id === REPLY.formatted) return this.#formatted(data, arrived)
    return this.#keys(data, arrived)
  }

  #raw(data: Uint8Array, arrived: Moment): Seen {
    const bits = rawBits(data)
    if (bits === undefined) return 'bad'
    const { formats, format37, order } = this.#options
    // Of other lengths nothing is known: they are taken as they are, under the check of the packet.
    const lengths = formats === 'checked' ? CHECKED : []
    const card = cardOfBits(bits, {
      lengths,
      format37,
      unknown: CHECKED.includes(bits.length) && formats === 'checked' ? 'ignore' : 'raw',
    })
    if (typeof card === 'string') return 'bad'
    const value = order === 'reversed' ? (card.value.match(/../g) ?? []).reverse().join('') : card.value
    const { format, facility, number } = card
    const raw = {
      format,
      ...(facility !== undefined && { facility }),
      ...(number !== undefined && { card: number }),
      bits,
    }
    return this.#card(value, arrived, raw)
  }

  /** Characters instead of bits: a number in hex. Deprecated by the standard, and still sent. */
  #formatted(data: Uint8Array, arrived: Moment): Seen {
    const characters = charactersIn(data)?.trim() ?? ''
    if (!/^[0-9A-Fa-f]{5,32}$/.test(characters)) return 'bad'
    const value = characters.toUpperCase().padStart(Math.ceil(characters.length / 2) * 2, '0')
    return this.#card(value, arrived, { format: 'FMT' })
  }

  #card(value: string, arrived: Moment, raw: Readonly<Record<string, string | number>>): Seen {
    if (!this.#hold.begins(value, arrived.uptime)) return 'none'
    return { credential: { type: 'card', value, scope: 'global' }, method: 'card', arrived, raw }
  }

  #keys(data: Uint8Array, arrived: Moment): Seen {
    const keys = keysIn(data)
    if (keys === undefined) return 'bad'
    let entered = ''
    for (const key of keys) entered = this.#pin.type(key, arrived.uptime) ?? entered
    if (entered === '') return 'none'
    return { credential: { type: 'pin', value: entered, scope: 'global' }, method: 'pin', arrived }
  }
}
