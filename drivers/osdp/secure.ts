/** The secure channel: AES-128, keys of a session, MACs that hang together. [OSDP §5] */
import { createCipheriv, createDecipheriv, randomBytes, timingSafeEqual } from 'node:crypto'

/** Printed in the standard: whoever has read it can open a channel with it. */
export const INSTALL_KEY = Uint8Array.from({ length: 16 }, (_, index) => 0x30 + index)

export function isInstallKey(key: Uint8Array): boolean {
  return key.length === INSTALL_KEY.length && timingSafeEqual(key, INSTALL_KEY)
}

const BLOCK = 16
const ZERO = new Uint8Array(BLOCK)

export class Handshake {
  readonly #key: Uint8Array
  /** What the panel invents. */
  readonly random: Uint8Array

  /** `random`: eight bytes, for the vectors of the standard. */
  constructor(key: Uint8Array, random: Uint8Array = randomBytes(8)) {
    this.#key = key
    this.random = random
  }

  /** Checks the device's answer to the challenge; undefined when it does not know the key. */
  answered(data: Uint8Array): Opening | undefined {
    if (data.length !== 32) return undefined
    const theirs = data.slice(8, 16)
    const encryption = this.#sessionKey(0x01, 0x82)
    const expected = encrypt(encryption, joined(this.random, theirs))
    if (!timingSafeEqual(expected, data.slice(16))) return undefined
    const cryptogram = encrypt(encryption, joined(theirs, this.random))
    const keys = { encryption, mac1: this.#sessionKey(0x01, 0x01), mac2: this.#sessionKey(0x01, 0x02) }
    return { cryptogram, session: (initialMac) => opened(keys, cryptogram, initialMac) }
  }

  #sessionKey(first: number, second: number): Uint8Array {
    return encrypt(this.#key, joined(Uint8Array.of(first, second), this.random.slice(0, 6), new Uint8Array(8)))
  }
}

export interface Opening {
  /** Proves to the device that we know the key. */
  readonly cryptogram: Uint8Array
  /** The session, when the device's first MAC is right. */
  session(initialMac: Uint8Array): SecureSession | undefined
}

interface Keys {
  readonly encryption: Uint8Array
  readonly mac1: Uint8Array
  readonly mac2: Uint8Array
}

function opened(keys: Keys, cryptogram: Uint8Array, initialMac: Uint8Array): SecureSession | undefined {
  const expected = encrypt(keys.mac2, encrypt(keys.mac1, cryptogram))
  if (initialMac.length !== BLOCK || !timingSafeEqual(expected, initialMac)) return undefined
  return new SecureSession(keys, initialMac)
}

/** One session. Each MAC builds on the last of the other direction, so nothing can be replayed, left out or exchanged. */
export class SecureSession {
  readonly #keys: Keys
  #commandMac: Uint8Array = ZERO
  #replyMac: Uint8Array

  constructor(keys: Keys, initialMac: Uint8Array) {
    this.#keys = keys
    this.#replyMac = initialMac
  }

  /** Data of a command, padded and encrypted. */
  encrypted(data: Iterable<number>): Uint8Array {
    const cipher = createCipheriv('aes-128-cbc', this.#keys.encryption, inverted(this.#replyMac)).setAutoPadding(false)
    return Uint8Array.from([...cipher.update(padded(Uint8Array.from(data), true)), ...cipher.final()])
  }

  /** Data of a reply whose MAC was right; undefined when its padding is none. */
  decrypted(data: Uint8Array): Uint8Array | undefined {
    if (data.length === 0 || data.length % BLOCK !== 0) return undefined
    // Its MAC has been taken over by now: the one it was encrypted under is that of our command.
    const cipher = createDecipheriv('aes-128-cbc', this.#keys.encryption, inverted(this.#commandMac)).setAutoPadding(
      false,
    )
    const plain = [...cipher.update(data), ...cipher.final()]
    const end = plain.lastIndexOf(0x80)
    return end === -1 || plain.slice(end + 1).some((byte) => byte !== 0)
      ? undefined
      : Uint8Array.from(plain.slice(0, end))
  }

  /** The four bytes that sign a command. */
  sign(bytes: Iterable<number>): Uint8Array {
    this.#commandMac = this.#mac(Uint8Array.from(bytes), this.#replyMac)
    return this.#commandMac.slice(0, 4)
  }

  /** True when the reply is the device's answer to the last command; nothing changes when it is not. */
  accepts(signed: Uint8Array, mac: Uint8Array): boolean {
    const expected = this.#mac(signed, this.#commandMac)
    if (mac.length !== 4 || !timingSafeEqual(expected.slice(0, 4), mac)) return false
    this.#replyMac = expected
    return true
  }

  /** All blocks but the last under one key, the last under another. */
  #mac(bytes: Uint8Array, start: Uint8Array): Uint8Array {
    const blocks = padded(bytes, false)
    let mac = start
    for (let at = 0; at < blocks.length; at += BLOCK) {
      const key = at + BLOCK < blocks.length ? this.#keys.mac1 : this.#keys.mac2
      mac = encrypt(key, xored(blocks.slice(at, at + BLOCK), mac))
    }
    return mac
  }
}

function encrypt(key: Uint8Array, plain: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false)
  return Uint8Array.from([...cipher.update(plain), ...cipher.final()])
}

/** 80 and zeros up to a whole block; `always`: also when it is whole. */
function padded(bytes: Uint8Array, always: boolean): Uint8Array {
  if (!always && bytes.length % BLOCK === 0) return bytes
  const length = Math.ceil((bytes.length + 1) / BLOCK) * BLOCK
  const whole = new Uint8Array(length)
  whole.set(bytes)
  whole[bytes.length] = 0x80
  return whole
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

function inverted(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => byte ^ 0xff)
}

function xored(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, index) => byte ^ (b[index] ?? 0))
}
