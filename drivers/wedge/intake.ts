/** From events to sightings: what was typed is judged, counted and reported. */
import { Hold, type Moment, type OptionValues, type ReaderSession } from '../../src/driver.js'
import type { Decoded } from './codec.js'
import type { fields } from './config.js'
import { cardNumber } from './number.js'
import { Typing, type Loss, type Outcome } from './typing.js'

export type Config = OptionValues<typeof fields>

/** A card number or PIN, and the longest text of a QR code. */
export const MOST_CHARACTERS = { card: 64, pin: 64, qr: 4_296 } as const

/** Takes codes as they are typed, and reports them. */
export class Intake {
  readonly #session: ReaderSession<Config, 'bytes'>
  readonly #typing: Typing
  readonly #hold: Hold
  /** What was said already since the last good code. */
  readonly #said = new Set<string>()

  constructor(session: ReaderSession<Config, 'bytes'>) {
    const { end, timeout, type, hold } = session.config
    this.#session = session
    this.#typing = new Typing({ end, timeoutMs: timeout, most: MOST_CHARACTERS[type] })
    this.#hold = new Hold(hold)
  }

  /** Is a code half typed? */
  get waits(): boolean {
    return this.#typing.begun
  }

  async take(events: Decoded['events'], arrived: Moment): Promise<void> {
    for (const event of events) await this.#settle(this.#typing.take(event), arrived)
  }

  async silent(arrived: Moment): Promise<void> {
    await this.#settle(this.#typing.silent(), arrived)
  }

  async #settle(outcome: Outcome | undefined, arrived: Moment): Promise<void> {
    if (outcome === undefined) return
    if ('lost' in outcome) return this.#reject(LOSSES[outcome.lost], { why: outcome.lost })
    const { text } = outcome
    const { type } = this.#session.config
    const value = valueOf(text, this.#session.config)
    if (value === undefined) return this.#reject(UNFIT, { type, characters: text.length, last: lastOf(text) })
    this.#said.clear()
    this.#session.count('goodFrames')
    if (!this.#hold.begins(value, arrived.uptime)) return
    await this.#session.report({ credential: { type, value, scope: 'global' }, method: type, arrived })
  }

  #reject(message: string, fields: Readonly<Record<string, string | number>>): void {
    this.#session.count('badFrames')
    if (this.#said.has(message)) return
    this.#said.add(message)
    this.#session.log.warn(message, fields)
  }
}

const UNFIT = 'What was typed does not fit the options of this reader: compare it with format, digits, bytes and strip'
const LOSSES: Readonly<Record<Loss, string>> = {
  overrun: 'A code was lost because the system was too busy to take its keys; present it again',
  late: 'A code was lost because it stopped half-way; see the options end and timeout',
  broken: 'A code was lost because keys of it are missing; present it again',
  unreadable: 'A code was lost because it has keys that mean no character; set the reader to a US keyboard',
  long: 'A code was lost because it is too long; see the options end and type',
}

function valueOf(text: string, config: Config): string | undefined {
  switch (config.type) {
    case 'card':
      return cardNumber(text, config)
    case 'pin':
      return /^\d{1,32}$/.test(text) ? text : undefined
    case 'qr':
      return text
  }
}

/** Enough to recognise it by, and never all of it. */
function lastOf(text: string): string {
  return text.length > 8 ? text.slice(-4) : ''
}
