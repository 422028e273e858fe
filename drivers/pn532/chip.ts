/** One command, one acknowledgement, one reply: the conversation with the chip. */
import { Inbox, ProtocolError, type Moment, type ReaderSession } from '../../src/driver.js'
import { ACK, frame, FrameDecoder, NACK, WAKE_UP, type Frame } from './codec.js'
import type { Config } from './config.js'

export type Session = ReaderSession<Config, 'bytes'>

export interface Reply {
  readonly data: Uint8Array
  /** When its last byte arrived. */
  readonly arrived: Moment
}

/** The chip acknowledges within 15 ms; a serial-to-Ethernet converter takes its time. [PN532 §2] */
const ACK_MS = 250
const REPLY_MS = 1_000
const TRIES = 3

export class Chip {
  readonly #session: Session
  readonly #inbox: Inbox<Frame>

  constructor(session: Session) {
    const { transport, clock, signal } = session
    this.#session = session
    const decoder = new FrameDecoder()
    const decode = (bytes: Uint8Array): readonly Frame[] => {
      const { frames, discarded } = decoder.push(bytes)
      const bad = frames.filter(({ kind }) => kind === 'bad').length
      if (frames.length > bad) session.count('goodFrames', frames.length - bad)
      if (bad > 0) session.count('badFrames', bad)
      if (discarded > 0) session.count('discardedBytes', discarded)
      return frames
    }
    this.#inbox = new Inbox({ transport, clock, signal, decode })
  }

  ended(): Promise<void> {
    return this.#inbox.ended()
  }
  /** Waits; throws when the board is unplugged meanwhile. */
  pause(ms: number): Promise<void> {
    return this.#inbox.pause(ms)
  }

  /** Wakes a chip that sleeps: it takes the next frame. */
  async wake(): Promise<void> {
    await this.#session.transport.write(WAKE_UP)
  }

  /** Asks until it is answered. Throws ProtocolError when the chip is silent, TransportError when it is gone. */
  async ask(command: readonly number[]): Promise<Reply> {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const reply = await this.#askOnce(command)
      this.#session.signal.throwIfAborted()
      if (reply) return reply
      // Ends whatever the chip may still be at, so that it listens again. [PN532 §2]
      await this.#session.transport.write(ACK)
    }
    throw new ProtocolError('protocol-broken', 'the PN532 does not answer', {
      hint: 'check its supply, that the board is switched to HSU (UART), that TX and RX are crossed, and the baud rate (115200 is usual)',
    })
  }

  async #askOnce(command: readonly number[]): Promise<Reply | undefined> {
    this.#inbox.clear()
    await this.#session.transport.write(frame(command))
    let waitMs = ACK_MS
    let asked = 0
    for (;;) {
      const received = await this.#inbox.next(waitMs)
      if (!received) return undefined
      const { frame: found, arrived } = received
      if (found.kind === 'ack') waitMs = REPLY_MS
      else if (found.kind === 'data' && found.data[0] === (command[0] ?? 0) + 1) return { data: found.data, arrived }
      else if (found.kind === 'error') return undefined
      else if (found.kind === 'bad' && asked++ < TRIES) await this.#session.transport.write(NACK)
    }
  }
}
