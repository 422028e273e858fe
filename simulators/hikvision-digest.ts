/** The digest login of a simulated face terminal: nonces that age, counts that must rise, and a lock after wrong passwords. */
import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../src/driver.js'

const MOST_WRONG = 5
const LOCK_MS = 1_800_000

export interface GateOptions {
  readonly clock: Clock
  readonly username: string
  readonly password: string
  /** After so many uses a nonce is stale. */
  readonly nonceUses?: number
}

export interface Refusal {
  readonly challenge: string
  readonly body: string
}

export class DigestGate {
  /** Logins with a wrong password so far, those while locked included. */
  wrong = 0
  /** Answers without any login: what a client that keeps its nonce causes once. */
  challenges = 0
  password: string
  readonly #options: GateOptions
  readonly #nonces = new Map<string, number>()
  #inRow = 0
  #lockedUntil = 0

  constructor(options: GateOptions) {
    this.#options = options
    this.password = options.password
  }

  /** All nonces are forgotten, as after a reboot. */
  forget(): void {
    this.#nonces.clear()
  }

  /** Undefined for a right login. */
  check(method: string, uri: string, header: string | undefined): Refusal | undefined {
    const now = this.#options.clock.uptime()
    if (now < this.#lockedUntil) {
      if (header !== undefined) this.wrong += 1
      return this.#refuse(false, Math.ceil((this.#lockedUntil - now) / 1_000))
    }
    if (header === undefined) {
      this.challenges += 1
      return this.#refuse(false)
    }
    const field = (name: string): string => new RegExp(`\\b${name}="?([^",]*)"?`).exec(header)?.[1] ?? ''
    const count = Number.parseInt(field('nc'), 16)
    const used = this.#nonces.get(field('nonce'))
    if (
      !header.startsWith('Digest ') ||
      field('username') !== this.#options.username ||
      !this.#isRight(field, method, uri)
    )
      return this.#isWrong(now)
    if (used === undefined || !(count > used) || count > (this.#options.nonceUses ?? Infinity))
      return this.#refuse(true)
    this.#nonces.set(field('nonce'), count)
    this.#inRow = 0
    return undefined
  }

  #isRight(field: (name: string) => string, method: string, uri: string): boolean {
    const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
    const user = md5(`${this.#options.username}:${field('realm')}:${this.password}`)
    const rest = `${field('nonce')}:${field('nc')}:${field('cnonce')}:${field('qop')}:${md5(`${method}:${uri}`)}`
    return field('uri') === uri && field('response') === md5(`${user}:${rest}`)
  }

  #isWrong(now: number): Refusal {
    this.wrong += 1
    this.#inRow += 1
    if (this.#inRow >= MOST_WRONG) this.#lockedUntil = now + LOCK_MS
    return this.#refuse(false)
  }

  #refuse(stale: boolean, unlockTime = 0): Refusal {
    const nonce = randomBytes(16).toString('hex')
    this.#nonces.set(nonce, 0)
    const oldest = this.#nonces.size > 16 ? [...this.#nonces.keys()][0] : undefined
    if (oldest !== undefined) this.#nonces.delete(oldest)
    const lock = unlockTime > 0 ? 'lock' : 'unlock'
    const body =
      '<userCheck version="1.0" xmlns="http://www.hikvision.com/ver20/XMLSchema"><statusValue>401</statusValue>' +
      `<lockStatus>${lock}</lockStatus><unlockTime>${unlockTime}</unlockTime>` +
      `<retryLoginTime>${MOST_WRONG - Math.min(this.#inRow, MOST_WRONG)}</retryLoginTime></userCheck>`
    return {
      challenge: `Digest qop="auth", realm="DS-TWIN", nonce="${nonce}", stale="${stale ? 'TRUE' : 'FALSE'}", algorithm=MD5`,
      body,
    }
  }
}
