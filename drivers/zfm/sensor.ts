/** One question, one answer: the half-duplex conversation with a module. */
import { DeviceError, Inbox, ProtocolError, TransportError, type Moment, type ReaderSession } from '../../src/driver.js'
import { CODE, COMMAND, packet, PacketDecoder, type Packet } from './codec.js'
import type { Config } from './config.js'

export type Session = ReaderSession<Config, 'bytes'>

export interface Answer {
  /** Confirmation code. [ZFM §4] */
  readonly code: number
  /** Code and what follows it. */
  readonly payload: Uint8Array
  /** When its last byte arrived. */
  readonly arrived: Moment
}

const ACKNOWLEDGE = 0x07
const COMMAND_PID = 0x01
/** Adafruit and ESPHome wait a second for any answer. [ZFM §6] */
const ANSWER_MS = 1_000
/** Searching a large library takes up to ten milliseconds a template. [ZFM §6] */
export const SEARCH_MS = 3_000
const TRIES = 3

export class Sensor {
  readonly #session: Session
  readonly #address: number
  readonly #password: number
  readonly #inbox: Inbox<Packet>

  constructor(session: Session) {
    const { config, transport, clock, signal } = session
    this.#session = session
    this.#address = number32(config.address, 'address')
    this.#password = number32(config.passwordSecret === '' ? '0' : config.passwordSecret, 'passwordSecret')
    const decoder = new PacketDecoder(this.#address)
    const decode = (bytes: Uint8Array): readonly Packet[] => {
      const { packets, bad, discarded } = decoder.push(bytes)
      if (packets.length > 0) session.count('goodFrames', packets.length)
      if (bad > 0) session.count('badFrames', bad)
      if (discarded > 0) session.count('discardedBytes', discarded)
      return packets
    }
    this.#inbox = new Inbox({ transport, clock, signal, decode })
  }

  /** Resolves when nothing of it is left. */
  ended(): Promise<void> {
    return this.#inbox.ended()
  }

  /**
   * Asks until it is answered, three times at most. Throws ProtocolError when the module is silent, TransportError when
   * it is gone. `once`: for what must not be done twice.
   */
  async ask(command: readonly number[], { ms = ANSWER_MS, once = false } = {}): Promise<Answer> {
    for (let attempt = 1; attempt <= (once ? 1 : TRIES); attempt++) {
      const answer = await this.#askOnce(command, ms)
      this.#session.signal.throwIfAborted()
      if (answer?.code === CODE.passwordFirst && command[0] !== 0x13) await this.verify()
      else if (answer && answer.code !== CODE.damaged) return answer
    }
    throw new ProtocolError('protocol-broken', 'the fingerprint module does not answer', {
      hint: 'check its supply, that TX and RX are crossed, and the baud rate in the transport URL (57600 is usual)',
    })
  }

  /** Asks once for what not every module knows: some say so, some say nothing. [ZFM §3, unknown opcodes] */
  async askMaybe(command: readonly number[]): Promise<Answer | undefined> {
    const answer = await this.#askOnce(command, ANSWER_MS)
    this.#session.signal.throwIfAborted()
    return answer?.code === CODE.ok || answer?.code === CODE.alive ? answer : undefined
  }

  /** Waits; throws when the module is unplugged meanwhile. */
  pause(ms: number): Promise<void> {
    return this.#inbox.pause(ms)
  }

  /** One try; undefined when nothing came in time. */
  async #askOnce(command: readonly number[], ms: number): Promise<Answer | undefined> {
    // A late answer to an earlier question must not pass for one to this: there is no sequence number. [ZFM §7]
    this.#inbox.clear()
    await this.#session.transport.write(packet(this.#address, COMMAND_PID, command))
    for (;;) {
      const received = await this.#inbox.next(ms)
      if (!received) return undefined
      const { frame, arrived } = received
      if (frame.pid === ACKNOWLEDGE) return { code: frame.payload[0] ?? 0, payload: frame.payload, arrived }
    }
  }

  /** Shows the password. A module that was given one answers nothing else before. [ZFM §6] */
  async verify(): Promise<void> {
    const { code } = await this.ask(COMMAND.verifyPassword(this.#password))
    if (code === CODE.ok) return
    if (code === CODE.wrongPassword) {
      throw new DeviceError('device-refused', 'the fingerprint module refuses its password', {
        hint: 'set options.passwordSecret to the password that was stored in the module; it cannot be read or reset',
      })
    }
    throw refusal('verifying the password', code)
  }
}

/** A code that nothing here expects. */
export function refusal(what: string, code: number): DeviceError {
  const shown = code.toString(16).toUpperCase().padStart(2, '0')
  if (code === CODE.sensorBroken) {
    return new DeviceError('device-refused', 'the fingerprint sensor reports a hardware error', {
      hint: 'switch it off and on; if that does not help, replace it',
    })
  }
  return new DeviceError('device-refused', `the fingerprint module refuses ${what} (code ${shown})`, {
    hint: 'switch it off and on',
  })
}

function number32(written: string, option: string): number {
  if (/^[0-9A-Fa-f]{1,8}$/.test(written)) return Number.parseInt(written, 16)
  // The value may be a secret: it is not repeated.
  throw new DeviceError('device-refused', `options.${option} is not 8 hex digits`, {
    hint: 'correct the configuration',
  })
}

/** True for the end of a run that was asked for. */
export function isStop(error: unknown, { signal }: Session): boolean {
  return signal.aborted && !(error instanceof TransportError)
}
