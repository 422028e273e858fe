/** From bits and lines to cards and PINs. */
import { cardOfBits, Hold, PinEntry, type BitCard, type Moment, type ReaderSession } from '../../src/driver.js'
import { keyOf, reversed } from './codec.js'
import { cardOfNumber } from './number.js'
import type { Config } from './config.js'

export type Session = ReaderSession<Config, 'bytes'>

export class Door {
  readonly #session: Session
  readonly #lengths: readonly number[]
  readonly #hold: Hold
  readonly #pin: PinEntry

  constructor(session: Session) {
    this.#session = session
    this.#lengths = session.config.formats.split(',').map(Number)
    this.#hold = new Hold(session.config.hold)
    this.#pin = new PinEntry(session.config.pinTimeout)
  }

  /** A burst of bits as the reader sent it. */
  async bits(sent: string, arrived: Moment): Promise<void> {
    const { config } = this.#session
    const bits = config.swapped ? sent.replace(/[01]/g, (bit) => (bit === '0' ? '1' : '0')) : sent
    const key = keyOf(bits, config.keypad)
    if (key !== undefined) return this.#key(key, arrived)
    const { format37, unknown } = config
    const card = cardOfBits(bits, { lengths: this.#lengths, format37, unknown })
    if (typeof card === 'string') return this.#bad(card, bits.length)
    await this.#card(card, arrived, bits)
  }

  /** A line of a converter. */
  async line(text: string, arrived: Moment): Promise<void> {
    const { config } = this.#session
    const written = text.trim()
    if (config.lines === 'bits') return /^[01]+$/.test(written) ? this.bits(written, arrived) : this.#bad('unknown', 0)
    // Converters pass a key on as its character.
    if (config.keypad !== 'none' && /^[0-9*#]$/.test(written)) return this.#key(written, arrived)
    const card = cardOfNumber(written, config.lines, config.dataBits)
    return card ? this.#card(card, arrived) : this.#bad('unknown', 0)
  }

  async #card(card: BitCard, arrived: Moment, bits?: string): Promise<void> {
    const { config } = this.#session
    this.#session.count('goodFrames')
    const value = config.order === 'reversed' ? reversed(card.value) : card.value
    if (!this.#hold.begins(value, arrived.uptime)) return
    const { format, facility, number } = card
    const raw = {
      format,
      ...(facility !== undefined && { facility }),
      ...(number !== undefined && { card: number }),
      ...(bits !== undefined && { bits }),
    }
    await this.#session.report({ credential: { type: 'card', value, scope: 'global' }, method: 'card', arrived, raw })
  }

  async #key(key: string, arrived: Moment): Promise<void> {
    this.#session.count('goodFrames')
    const value = this.#pin.type(key, arrived.uptime)
    if (value === undefined) return
    await this.#session.report({ credential: { type: 'pin', value, scope: 'global' }, method: 'pin', arrived })
  }

  #bad(why: 'parity' | 'unknown', bits: number): void {
    this.#session.count('badFrames')
    this.#session.log.debug('Wiegand burst not taken', { event: 'wiegand-bad', why, bits })
  }
}
