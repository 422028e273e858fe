/** The device's side of OSDP's secure channel, read from the standard's tables; shares no code with the driver. */
import { createCipheriv, createDecipheriv } from 'node:crypto'

export class DeviceSession {
  readonly cryptogram: Buffer
  readonly initialMac: Buffer
  readonly expected: Buffer
  readonly #enc: Buffer
  readonly #mac1: Buffer
  readonly #mac2: Buffer
  #cMac: Buffer = Buffer.alloc(16)
  #rMac: Buffer

  constructor(scbk: Buffer, randomA: Buffer, randomB: Buffer) {
    const derive = (a: number, b: number): Buffer => {
      const block = Buffer.alloc(16)
      block[0] = a
      block[1] = b
      randomA.copy(block, 2, 0, 6)
      return ecb(scbk, block)
    }
    this.#enc = derive(1, 0x82)
    this.#mac1 = derive(1, 1)
    this.#mac2 = derive(1, 2)
    this.cryptogram = ecb(this.#enc, Buffer.concat([randomA, randomB]))
    this.expected = ecb(this.#enc, Buffer.concat([randomB, randomA]))
    this.initialMac = ecb(this.#mac2, ecb(this.#mac1, this.expected))
    this.#rMac = this.initialMac
  }

  /** True when this command follows on what was said before. */
  takes(signed: Buffer, mac: Buffer): boolean {
    const whole = this.#macOf(signed, this.#rMac)
    if (!whole.subarray(0, 4).equals(mac)) return false
    this.#cMac = whole
    return true
  }

  decrypt(data: Buffer): Buffer {
    const cipher = createDecipheriv('aes-128-cbc', this.#enc, not(this.#rMac)).setAutoPadding(false)
    const plain = Buffer.concat([cipher.update(data), cipher.final()])
    return plain.subarray(0, plain.lastIndexOf(0x80))
  }

  encrypt(data: Buffer): Buffer {
    const filled = Buffer.alloc(16 * (Math.floor(data.length / 16) + 1))
    data.copy(filled)
    filled[data.length] = 0x80
    const cipher = createCipheriv('aes-128-cbc', this.#enc, not(this.#cMac)).setAutoPadding(false)
    return Buffer.concat([cipher.update(filled), cipher.final()])
  }

  sign(bytes: Buffer): Buffer {
    this.#rMac = this.#macOf(bytes, this.#cMac)
    return this.#rMac.subarray(0, 4)
  }

  #macOf(bytes: Buffer, iv: Buffer): Buffer {
    const rest = bytes.length % 16
    const filled = rest === 0 ? bytes : Buffer.concat([bytes, Buffer.from([0x80]), Buffer.alloc(15 - rest)])
    const body = filled.subarray(0, -16)
    let mac: Buffer = iv
    if (body.length > 0) {
      const cipher = createCipheriv('aes-128-cbc', this.#mac1, iv).setAutoPadding(false)
      mac = Buffer.concat([cipher.update(body), cipher.final()]).subarray(-16)
    }
    const cipher = createCipheriv('aes-128-cbc', this.#mac2, mac).setAutoPadding(false)
    return Buffer.concat([cipher.update(filled.subarray(-16)), cipher.final()])
  }
}

function ecb(key: Buffer, block: Buffer): Buffer {
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false)
  return Buffer.concat([cipher.update(block), cipher.final()])
}

function not(bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte) => 255 - byte))
}
