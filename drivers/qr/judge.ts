/** Is this signed code good here and now, and for the first time? Offline: keys, clock, memory. */
import type { Moment } from '../../src/driver.js'
import type { Config } from './config.js'
import type { Keys } from './keys.js'
import { parseToken, type Token } from './token.js'

/** Why a code is refused; stands in the event `code-refused`. README, "Signed codes", explains each. */
export type Refusal =
  | 'unsigned'
  | 'malformed'
  | 'unknown-key'
  | 'bad-signature'
  | 'clock-unsynced'
  | 'lifetime-too-long'
  | 'not-yet-valid'
  | 'expired'
  | 'before-start'
  | 'replayed'
  | 'superseded'

interface Used {
  readonly person: string
  readonly issued: number
  /** Uptime after which the code is expired anyway. */
  readonly until: number
}

/** Codes that are remembered until they expire; about 200 kB. */
const MOST_USED = 1_024

export class Judge {
  readonly #keys: Keys
  readonly #config: Pick<Config, 'clockSkew' | 'maxLifetime'>
  readonly #startUptime: number
  /** By token id, oldest first. */
  readonly #used = new Map<string, Used>()
  /** The latest `issued` that had to be forgotten for want of room: nothing as old is taken any more. */
  #forgotten = Number.NEGATIVE_INFINITY

  /** `startUptime`: when this run began. What was used before is not known to it. */
  constructor(keys: Keys, config: Pick<Config, 'clockSkew' | 'maxLifetime'>, startUptime: number) {
    this.#keys = keys
    this.#config = config
    this.#startUptime = startUptime
  }

  /** Codes remembered. */
  get size(): number {
    return this.#used.size
  }

  /** The token, which counts as used from now on, or why it is refused. */
  judge(text: string, arrived: Moment): Token | Refusal {
    const token = parseToken(text)
    if (!token) return 'malformed'
    const right = this.#keys.check(token)
    if (right !== true) return right === undefined ? 'unknown-key' : 'bad-signature'
    const refusal = this.#whyNotNow(token, arrived) ?? this.#whyNotAgain(token, arrived)
    if (refusal !== undefined) return refusal
    this.#note(token, arrived)
    return token
  }

  /** Nothing was stored: the person may show the same code again. */
  forgive(token: Token): void {
    this.#used.delete(token.id)
  }

  #whyNotNow({ issued, expires }: Token, { wall, state }: Moment): Refusal | undefined {
    const { clockSkew, maxLifetime } = this.#config
    if (state !== 'synced') return 'clock-unsynced'
    if (expires <= issued || (expires - issued) * 1_000 > maxLifetime) return 'lifetime-too-long'
    if (issued * 1_000 - clockSkew > wall) return 'not-yet-valid'
    if (expires * 1_000 + clockSkew <= wall) return 'expired'
    return undefined
  }

  #whyNotAgain({ id, issued, person }: Token, { wall, uptime }: Moment): Refusal | undefined {
    if (this.#used.has(id)) return 'replayed'
    // By today's clock, also when that was set right meanwhile. A phone may be ahead by the skew: its code of
    // before the start may claim to be of after it.
    const startWall = wall - (uptime - this.#startUptime)
    if (issued * 1_000 <= startWall + this.#config.clockSkew) return 'before-start'
    if (issued <= this.#forgotten) return 'superseded'
    // Once a newer one was taken, an older one of the same person is a picture. [QR §4.2]
    for (const used of this.#used.values()) if (used.person === person && issued < used.issued) return 'superseded'
    return undefined
  }

  #note({ id, issued, expires, person }: Token, { wall, uptime }: Moment): void {
    for (const [old, used] of this.#used) if (used.until < uptime) this.#used.delete(old)
    for (const [old, used] of this.#used) {
      if (this.#used.size < MOST_USED) break
      this.#used.delete(old)
      this.#forgotten = Math.max(this.#forgotten, used.issued)
    }
    const until = uptime + expires * 1_000 - wall + 2 * this.#config.clockSkew
    this.#used.set(id, { person, issued, until })
  }
}
