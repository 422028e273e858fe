/**
 * Twin of a phone that shows rotating signed codes: an issuer of its own, written from the table in
 * drivers/qr/README.md ("Signed codes"), sharing no code with the driver or with `punchd qr issue`.
 */
import { createHash, createHmac, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import type { Clock } from '../src/driver.js'
import { randomBytes, seeded, type Random } from './random.js'

/** 32 bytes: the seed of an Ed25519 key, or a secret shared with the reader. */
export type PhoneKey = { readonly ed25519: Uint8Array } | { readonly hmac: Uint8Array }

export interface PhoneOptions {
  readonly clock: Clock
  readonly key: PhoneKey
  readonly person: string
  /** A new code this often; default 15 s. */
  readonly everyMs?: number
  /** How long a code is valid; default 30 s. */
  readonly lifeSeconds?: number
  /** The phone's clock is ahead by this, or behind when negative. */
  readonly aheadMs?: number
  readonly seed?: number
}

export class Phone {
  readonly #options: PhoneOptions
  readonly #random: Random
  #shown: { readonly text: string; readonly since: number } | undefined

  constructor(options: PhoneOptions) {
    this.#options = options
    this.#random = seeded(options.seed ?? 1)
  }

  /** The code on the display now. */
  get code(): string {
    const { clock, everyMs = 15_000 } = this.#options
    const now = clock.uptime()
    if (!this.#shown || now - this.#shown.since >= everyMs) this.#shown = { text: this.#issue(), since: now }
    return this.#shown.text
  }

  /** Puts the phone away: next time it shows a new code. */
  hide(): void {
    this.#shown = undefined
  }

  #issue(): string {
    const { clock, key, person, lifeSeconds = 30, aheadMs = 0 } = this.#options
    const issued = Math.floor((clock.now().wall + aheadMs) / 1_000)
    return signedCode({ key, person, issued, expires: issued + lifeSeconds, id: randomBytes(this.#random, 8) })
  }
}

export interface CodeFacts {
  readonly key: PhoneKey
  readonly person: string
  readonly issued: number
  readonly expires: number
  readonly id: Uint8Array
}

/** The text of one signed code. */
export function signedCode({ key, person, issued, expires, id }: CodeFacts): string {
  const isHmac = 'hmac' in key
  const times = new DataView(new ArrayBuffer(8))
  times.setUint32(0, issued)
  times.setUint32(4, expires)
  const name = new TextEncoder().encode(person)
  const parts = [[isHmac ? 1 : 2], keyIdOf(key), new Uint8Array(times.buffer), id, name]
  const head = `PQ1.${base64Url(Uint8Array.from(parts.flatMap((part) => [...part])))}`
  return `${head}.${base64Url(isHmac ? tag(key.hmac, head).subarray(0, 16) : sign(null, Buffer.from(head), privateKey(key.ed25519)))}`
}

/** The raw public key of a seed, for the reader's configuration. */
export function publicKeyOf(seed: Uint8Array): Uint8Array {
  const { x = '' } = createPublicKey(privateKey(seed)).export({ format: 'jwk' })
  return Uint8Array.from(Buffer.from(x, 'base64url'))
}

function keyIdOf(key: PhoneKey): Uint8Array {
  if ('hmac' in key) return tag(key.hmac, 'punchd/qr/1 key id').subarray(0, 4)
  return createHash('sha256').update(publicKeyOf(key.ed25519)).digest().subarray(0, 4)
}

function tag(secret: Uint8Array, text: string): Buffer {
  return createHmac('sha256', secret).update(text, 'ascii').digest()
}

function privateKey(seed: Uint8Array) {
  const head = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20]
  return createPrivateKey({ key: Buffer.from([...head, ...seed]), format: 'der', type: 'pkcs8' })
}

function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
