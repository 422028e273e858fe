/** One command, one acknowledgement, one reply: the conversation with the chip. */
import { Inbox, ProtocolError, TransportError, type Moment, type ReaderSession } from '../../src/driver.js'
import { ACK, frame, FrameDecoder, NACK, WAKE_UP, type Frame } from './codec.js'
import type { Config } from './config.js'

export type Session = ReaderSession<Config, 'bytes'>

export interface Reply {
  /** Begins with the reply code. */
  readonly data: Uint8Array
  /** When its last byte arrived. */
  readonly arrived: Moment
}

/** The chip acknowledges within 15 ms; a serial-to-Ethernet converter takes its time. [PN532 §2] */
const ACK_MS = 250
const REPLY_MS = 1_000
const TRIES = 3
/** How often one answer is asked for again. */
const REPEATS = 2

export class Chip {
  readonly #session: Session
  readonly #decoder = new FrameDecoder()
  readonly #inbox: Inbox<Frame>

  constructor(session: Session) {
    const { transport, clock, signal } = session
    this.#session = session
    this.#inbox = new Inbox({ transport, clock, signal, decode: (bytes) => this.#decode(bytes) })
  }

  /** Resolves when nothing is read any more. */
  ended(): Promise<void> {
    return this.#inbox.ended()
  }

  /** Waits; throws TransportError as soon as the board is lost. */
  pause(ms: number): Promise<void> {
    return this.#inbox.pause(ms)
  }

  /** Asks a chip that may sleep: the first command after power-up is often lost, so each try wakes it. [PN532 §1] */
  wake(command: readonly number[]): Promise<Reply> {
    return this.#ask(command, WAKE_UP)
  }

  /** Asks until it is answered. Throws ProtocolError when the chip is silent or refuses, TransportError when it is lost. */
  ask(command: readonly number[]): Promise<Reply> {
    return this.#ask(command, new Uint8Array())
  }

  /** Tells without waiting for an answer: the run is over. */
  async leave(command: readonly number[]): Promise<void> {
    try {
      await this.#session.transport.write(Uint8Array.from([...ACK, ...frame(command)]))
    } catch (error) {
      if (!(error instanceof TransportError)) throw error
    }
  }

  async #ask(command: readonly number[], prefix: Uint8Array): Promise<Reply> {
    const { transport, signal } = this.#session
    let answer: Reply | 'silent' | 'refused' = 'silent'
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      // Ends what the chip may still be at, so that it listens again. [PN532 §2]
      if (attempt > 1) await transport.write(ACK)
      answer = await this.#askOnce(command, prefix)
      signal.throwIfAborted()
      if (typeof answer === 'object') return answer
    }
    throw answer === 'refused' ? refuses(command) : silent()
  }

  async #askOnce(command: readonly number[], prefix: Uint8Array): Promise<Reply | 'silent' | 'refused'> {
    const { clock, transport } = this.#session
    this.#inbox.clear()
    this.#forget()
    await transport.write(Uint8Array.from([...prefix, ...frame(command)]))
    // A deadline, not a pause: a line full of noise shall not keep this question open for ever.
    let deadline = clock.uptime() + ACK_MS
    let isHeard = false
    let repeats = 0
    for (;;) {
      const received = await this.#inbox.next(deadline - clock.uptime())
      const found = received?.frame
      if (received && found?.kind === 'data' && found.data[0] === (command[0] ?? 0) + 1)
        return { data: found.data, arrived: received.arrived }
      if (found?.kind === 'error') return 'refused'
      if (found?.kind === 'ack' && !isHeard) {
        isHeard = true
        deadline = clock.uptime() + REPLY_MS
      } else if (isHeard && repeats < REPEATS && (found ? found.kind === 'bad' : this.#decoder.isInside)) {
        // Only of a command that was heard: before that, the chip's last answer is to another question.
        repeats++
        deadline = clock.uptime() + REPLY_MS
        await this.#repeat()
      } else if (!found) return 'silent'
    }
  }

  /** The answer came damaged or in part: the chip still has it. [PN532 §2] */
  async #repeat(): Promise<void> {
    this.#forget()
    await this.#session.transport.write(NACK)
  }

  #forget(): void {
    const discarded = this.#decoder.reset()
    if (discarded > 0) this.#session.count('discardedBytes', discarded)
  }

  #decode(bytes: Uint8Array): readonly Frame[] {
    const { frames, discarded } = this.#decoder.push(bytes)
    const bad = frames.filter(({ kind }) => kind === 'bad').length
    if (frames.length > bad) this.#session.count('goodFrames', frames.length - bad)
    if (bad > 0) this.#session.count('badFrames', bad)
    if (discarded > 0) this.#session.count('discardedBytes', discarded)
    return frames
  }
}

function silent(): ProtocolError {
  return new ProtocolError('protocol-broken', 'the PN532 board does not answer', {
    hint: 'check at the reader: supply of the board, its switches set to HSU (UART), TXD and RXD crossed, and the baudRate of the transport (115200 is usual)',
  })
}

function refuses(command: readonly number[]): ProtocolError {
  const code = (command[0] ?? 0).toString(16).toUpperCase().padStart(2, '0')
  return new ProtocolError('protocol-broken', `the PN532 board refuses command ${code}`, {
    hint: 'it may have restarted and is set up again by itself; if this comes back, give the board a supply of 150 mA or more and shorter wires',
  })
}
