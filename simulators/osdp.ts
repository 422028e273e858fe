/**
 * Twins of OSDP devices on one bus: card reader, keypad, light and buzzer, tamper switch, secure channel. Written from the
 * standard's tables; shares no code with the driver. Clauses: drivers/osdp/README.md.
 */
import { randomBytes } from 'node:crypto'
import type { Line } from './line.js'
import { DeviceSession } from './osdp-crypto.js'
import { checkFits, renumbered, withCheck } from './osdp-wire.js'

export interface OsdpOptions {
  readonly address: number
  /** Key that was set in it; without one it has the install key. 32 hex digits. */
  readonly key?: string
  /** Says nothing but identity and capabilities in the clear. */
  readonly enforceSecure?: boolean
}

interface Command {
  readonly sequence: number
  readonly blockType: number
  readonly id: number
  readonly data: Buffer
}

const INSTALL_KEY = Buffer.from('303132333435363738393A3B3C3D3E3F', 'hex')

/** The two wires: every device hears every command. */
export class OsdpBus {
  readonly #line: Line
  readonly #devices: OsdpDevice[] = []
  #received = Buffer.alloc(0)

  constructor(line: Line) {
    this.#line = line
    line.onReceive = (bytes) => this.#receive(Buffer.from(bytes))
  }

  add(options: OsdpOptions): OsdpDevice {
    const device = new OsdpDevice(options, (bytes) => void this.#line.send(bytes))
    this.#devices.push(device)
    return device
  }

  #receive(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes])
    for (;;) {
      const start = this.#received.indexOf(0x53)
      if (start === -1) return void (this.#received = Buffer.alloc(0))
      const packet = this.#received.subarray(start)
      if (packet.length < 5 || packet.length < packet.readUInt16LE(2)) return
      const whole = Buffer.from(packet.subarray(0, packet.readUInt16LE(2)))
      this.#received = Buffer.from(packet.subarray(whole.length))
      for (const device of this.#devices) if (device.address === whole[1]) device.hear(whole)
    }
  }
}

export class OsdpDevice {
  readonly address: number
  /** Light and buzzer commands obeyed so far: id and data in hex. */
  readonly shown: string[] = []
  isMute = false
  /** Faults, counted down: answers that are lost, damaged, signed wrongly, or sent in the clear within a session. */
  readonly faults = { lost: 0, damaged: 0, forged: 0, clear: 0, busy: 0, truncated: 0, refused: 0 }
  /** Sends its last signed answer again instead of a new one, so many times. */
  replays = 0
  key: Buffer
  readonly #options: OsdpOptions
  readonly #send: (bytes: Uint8Array) => void
  readonly #events: Buffer[] = []
  #status = Buffer.of(0, 0)
  #session: DeviceSession | undefined
  #opening: DeviceSession | undefined
  #lastSequence = -1
  #lastAnswer: Buffer | undefined
  #lastSigned: Buffer | undefined

  constructor(options: OsdpOptions, send: (bytes: Uint8Array) => void) {
    this.address = options.address
    this.key = options.key === undefined ? INSTALL_KEY : Buffer.from(options.key, 'hex')
    this.#options = options
    this.#send = send
  }

  /** A card: its bits as they come out of the reader's head. */
  card(bits: string, format = 0): void {
    const packed = Buffer.from((bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2)))
    this.#events.push(
      Buffer.concat([Buffer.of(0x50, 0, format, bits.length % 256, Math.floor(bits.length / 256)), packed]),
    )
  }
  formatted(characters: string): void {
    this.#events.push(Buffer.concat([Buffer.of(0x51, 0, 0, characters.length), Buffer.from(characters)]))
  }
  keys(keys: string): void {
    const codes = keys.split('').map((key) => (key === '#' ? 0x0d : key === '*' ? 0x7f : key.charCodeAt(0)))
    this.#events.push(Buffer.from([0x53, 0, codes.length, ...codes]))
  }
  status(tamper: number, power: number): void {
    this.#status = Buffer.of(tamper, power)
    this.#events.push(Buffer.concat([Buffer.of(0x48), this.#status]))
  }
  /** Loses its power and gets it back: the session is gone, the key stays. */
  powerCycle(): void {
    this.#session = undefined
    this.#opening = undefined
    this.#lastSequence = -1
    this.#events.length = 0
  }

  hear(packet: Buffer): void {
    if (this.isMute || !checkFits(packet)) return
    const control = packet[4] ?? 0
    const sequence = control % 4
    if (sequence === 0) this.#session = undefined
    // The same number again: our answer was lost. It is sent again as it was, and nothing is done twice. [OSDP §2.1]
    else if (sequence === this.#lastSequence && this.#lastAnswer) return this.#put(this.#lastAnswer)
    else if (this.#lastSequence >= 0 && sequence !== (this.#lastSequence % 3) + 1)
      return this.#answer(control, [0x41, 4])
    if (this.faults.busy > 0) {
      this.faults.busy -= 1
      return this.#send(withCheck(Buffer.of(0x53, this.address + 128, 0, 0, control & 4, 0x79)))
    }
    this.#lastSequence = sequence
    const command = this.#opened(packet, control)
    if (command === undefined) {
      this.#session = undefined
      return this.#answer(control, [0x41, 6])
    }
    this.#obey(command, control)
  }

  /** Takes a command apart; undefined when the session does not allow it. */
  #opened(packet: Buffer, control: number): Command | undefined {
    const end = packet.length - ((control & 4) === 0 ? 1 : 2)
    const blockLength = (control & 8) === 0 ? 0 : (packet[5] ?? 0)
    const blockType = blockLength === 0 ? 0 : (packet[6] ?? 0)
    const at = 5 + blockLength
    const id = packet[at] ?? 0
    const sequence = control % 4
    if (blockType < 0x15) {
      if (this.#session) return undefined
      return { sequence, blockType, id, data: packet.subarray(at + 1, end) }
    }
    const mac = packet.subarray(end - 4, end)
    const sent = packet.subarray(at + 1, end - 4)
    if (!this.#session) return undefined
    // Decrypted under the MAC of our own last answer, before this command's takes its place.
    const data = blockType === 0x17 ? this.#session.decrypt(sent) : sent
    return this.#session.takes(packet.subarray(0, end - 4), mac) ? { sequence, blockType, id, data } : undefined
  }

  #obey({ id, data, blockType }: Command, control: number): void {
    const inTheClear = this.#options.enforceSecure === true && !this.#session && ![0x61, 0x62, 0x76, 0x77].includes(id)
    if (inTheClear) return this.#answer(control, [0x41, 6])
    switch (id) {
      case 0x60:
        if (this.faults.refused > 0) return this.#refuse(control)
        return this.#answer(control, [...(this.#events.shift() ?? [0x40])])
      case 0x61:
        return this.#answer(control, [0x45, 0x0c, 0x0b, 0x0a, 0x99, 1, 4, 3, 2, 1, 10, 11, 12])
      case 0x62:
        return this.#answer(control, [0x46, 3, 1, 0, 4, 4, 1, 5, 1, 1, 8, 1, 0, 9, 1, 0, 10, 0, 1, 16, 2, 0])
      case 0x64:
        return this.#answer(control, [0x48, ...this.#status])
      case 0x69:
      case 0x6a:
        this.shown.push(Buffer.from([id, ...data]).toString('hex'))
        return this.#answer(control, [0x40])
      case 0x75:
        if (!this.#session || data[1] !== 16) return this.#answer(control, [0x41, 6])
        this.#answer(control, [0x40])
        this.key = Buffer.from(data.subarray(2, 18))
        return
      case 0x76:
        return this.#challenged(data, control)
      case 0x77:
        return this.#proven(data, control, blockType)
      default:
        return this.#answer(control, [0x41, 3])
    }
  }

  /** Polls are refused, though all else is answered: a device that lost the thread. */
  #refuse(control: number): void {
    this.faults.refused -= 1
    this.#answer(control, [0x41, 3])
  }

  #challenged(randomA: Buffer, control: number): void {
    const randomB = randomBytes(8)
    this.#opening = new DeviceSession(this.key, Buffer.from(randomA), randomB)
    const clientId = [0x0c, 0x0b, 0x0a, 0x99, 1, 4, 3, 2]
    const which = this.key.equals(INSTALL_KEY) ? 0 : 1
    this.#answer(control, [0x76, ...clientId, ...randomB, ...this.#opening.cryptogram], [3, 0x12, which])
  }

  #proven(cryptogram: Buffer, control: number, blockType: number): void {
    if (blockType !== 0x13 || !this.#opening?.expected.equals(cryptogram)) return this.#answer(control, [0x41, 5])
    const opening = this.#opening
    this.#answer(control, [0x78, ...opening.initialMac], [3, 0x14, 1])
    this.#session = opening
    this.#opening = undefined
  }

  #answer(control: number, content: readonly number[], block: readonly number[] = []): void {
    const session = this.faults.clear > 0 ? undefined : this.#session
    if (!session) {
      if (this.#session) this.faults.clear -= 1
      return this.#put((this.#lastAnswer = withCheck(this.#head(control, block, content))))
    }
    const [id = 0, ...plain] = content
    const data = plain.length > 0 ? session.encrypt(Buffer.from(plain)) : []
    const head = this.#head(control, [2, plain.length > 0 ? 0x18 : 0x16], [id, ...data], 4)
    const mac = Buffer.from(session.sign(head))
    if (this.faults.forged > 0) {
      this.faults.forged -= 1
      mac[0] = (mac[0] ?? 0) ^ 1
    }
    const answer = withCheck(Buffer.concat([head, mac]))
    if (this.replays > 0 && this.#lastSigned) {
      this.replays -= 1
      return this.#put(renumbered(this.#lastSigned, control))
    }
    this.#lastSigned = answer
    this.#put((this.#lastAnswer = answer))
  }

  #head(control: number, block: readonly number[], content: readonly number[], macBytes = 0): Buffer {
    const length = 5 + block.length + content.length + macBytes + ((control & 4) === 0 ? 1 : 2)
    const flags = (control & 7) + (block.length > 0 ? 8 : 0)
    return Buffer.from([0x53, this.address + 128, length % 256, Math.floor(length / 256), flags, ...block, ...content])
  }

  #put(answer: Buffer): void {
    if (this.faults.lost > 0) return void (this.faults.lost -= 1)
    if (this.faults.truncated > 0) {
      this.faults.truncated -= 1
      return this.#send(answer.subarray(0, -3))
    }
    if (this.faults.damaged === 0) return this.#send(answer)
    this.faults.damaged -= 1
    const wrong = Buffer.from(answer)
    wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 0x20
    this.#send(wrong)
  }
}
