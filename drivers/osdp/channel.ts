/** The conversation with one device: sequence numbers, repetition, secure channel. [OSDP §2.1, §4, §5] */
import type { Moment } from '../../src/driver.js'
import { COMMAND, head, REPLY, sealed, type Check, type Reply } from './codec.js'
import type { BusLine } from './line.js'
import { Handshake, isInstallKey, type SecureSession } from './secure.js'

/** A reply that may be believed: its MAC was right, where one is asked for; decrypted. */
export interface Said {
  readonly id: number
  readonly data: Uint8Array
  readonly arrived: Moment
}

/** Why a conversation has to begin anew. */
export type Broken = 'silent' | 'sequence' | 'refused' | 'forged' | 'wrong-key' | 'no-channel'
export type Outcome = Said | 'silent' | 'busy' | Broken

const TRIES = 3

export class Channel {
  readonly #line: BusLine
  readonly #address: number
  readonly #check: Check
  #sequence = 0
  #session: SecureSession | undefined

  constructor(line: BusLine, address: number, check: Check) {
    this.#line = line
    this.#address = address
    this.#check = check
  }

  get isSecure(): boolean {
    return this.#session !== undefined
  }

  /** Forgets everything: the next command has number 0, on which the device does the same. */
  reset(): void {
    this.#sequence = 0
    this.#session = undefined
  }

  /** One command, repeated with the same bytes while nothing comes back; the number moves on with a valid reply only. */
  say(id: number, data: readonly number[] = []): Promise<Outcome> {
    return this.#exchange(this.#packet(id, data), id)
  }

  async #exchange(packet: Uint8Array, id: number): Promise<Outcome> {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const answer = await this.#line.exchange(packet, this.#address)
      if (!answer) continue
      // Busy carries no number and no MAC: the same command again, later. [OSDP §2.1]
      if (answer.reply.id === REPLY.busy && answer.reply.security === 0) return 'busy'
      if (answer.reply.sequence !== this.#sequence) continue
      return this.#judge(answer.reply, answer.arrived, id)
    }
    return 'silent'
  }

  #packet(id: number, data: readonly number[]): Uint8Array {
    const frame = { address: this.#address, sequence: this.#sequence, check: this.#check, id }
    if (!this.#session) return sealed(head({ ...frame, data }), this.#check)
    const content = data.length > 0 ? this.#session.encrypted(data) : []
    const signed = head({ ...frame, data: content, block: [2, data.length > 0 ? 0x17 : 0x15] }, 4)
    return sealed([...signed, ...this.#session.sign(signed)], this.#check)
  }

  #judge(reply: Reply, arrived: Moment, asked: number): Outcome {
    const said = this.#session ? this.#opened(reply, this.#session, asked) : { id: reply.id, data: reply.data }
    if (typeof said === 'string') return said
    this.#sequence = (this.#sequence % 3) + 1
    if (said.id === REPLY.nak && said.data[0] === 0x04) return 'sequence'
    return { ...said, arrived }
  }

  /** Within a session only what is signed counts, but for a refusal, which ends the session anyway. */
  #opened(reply: Reply, session: SecureSession, asked: number): { id: number; data: Uint8Array } | Broken {
    if (reply.mac === undefined) {
      if (reply.id === REPLY.nak) return 'refused'
      // Some devices acknowledge the new key in the clear. [OSDP §5]
      if (asked === COMMAND.keySet && reply.id === REPLY.ack && reply.security === 0)
        return { id: reply.id, data: reply.data }
      return 'forged'
    }
    if (!session.accepts(reply.signed, reply.mac)) return 'forged'
    if (reply.security !== 0x18) return { id: reply.id, data: reply.data }
    const data = session.decrypted(reply.data)
    return data ? { id: reply.id, data } : 'forged'
  }

  /** Opens the secure channel; the conversation begins anew with it. */
  async open(key: Uint8Array): Promise<'open' | Broken> {
    this.reset()
    const handshake = new Handshake(key)
    const which = isInstallKey(key) ? 0 : 1
    const challenged = await this.#handshake(COMMAND.challenge, [...handshake.random], which)
    if (typeof challenged === 'string') return challenged
    const opening = challenged.id === REPLY.challenge ? handshake.answered(challenged.data) : undefined
    if (!opening) return challenged.id === REPLY.challenge ? 'wrong-key' : 'no-channel'
    const proven = await this.#handshake(COMMAND.serverCryptogram, [...opening.cryptogram], which)
    if (typeof proven === 'string') return proven
    const session = proven.id === REPLY.initialMac ? opening.session(proven.data) : undefined
    if (!session) return 'wrong-key'
    this.#session = session
    return 'open'
  }

  async #handshake(id: number, data: readonly number[], which: number): Promise<Said | Broken> {
    const block = [3, id === COMMAND.challenge ? 0x11 : 0x13, which]
    const frame = { address: this.#address, sequence: this.#sequence, check: this.#check, id, data, block }
    const outcome = await this.#exchange(sealed(head(frame), this.#check), id)
    return outcome === 'busy' ? 'silent' : outcome
  }
}
