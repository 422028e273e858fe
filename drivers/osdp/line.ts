/** The bus: one packet out, one back, and never two at a time. */
import { Inbox, type Moment, type ReaderSession } from '../../src/driver.js'
import { ReplyDecoder, type Reply } from './codec.js'
import type { Config } from './config.js'

export type Session = ReaderSession<Config, 'bytes'>

export interface Answer {
  readonly reply: Reply
  readonly arrived: Moment
}

export class BusLine {
  readonly #session: Session
  readonly #inbox: Inbox<Reply>
  readonly #decoder = new ReplyDecoder()
  /** Milliseconds spent waiting for answers since the figures were last taken. */
  #busyMs = 0

  constructor(session: Session) {
    const { transport, clock, signal } = session
    this.#session = session
    const decode = (bytes: Uint8Array): readonly Reply[] => {
      const { replies, bad, discarded } = this.#decoder.push(bytes)
      if (replies.length > 0) session.count('goodFrames', replies.length)
      if (bad > 0) session.count('badFrames', bad)
      if (discarded > 0) session.count('discardedBytes', discarded)
      return replies
    }
    this.#inbox = new Inbox({ transport, clock, signal, decode })
  }

  ended(): Promise<void> {
    return this.#inbox.ended()
  }
  pause(ms: number): Promise<void> {
    return this.#inbox.pause(ms)
  }

  /** Sends a packet and waits for the answer of that address; undefined when none came in time. */
  async exchange(packet: Uint8Array, address: number): Promise<Answer | undefined> {
    const { clock, config, transport } = this.#session
    // What is left of an answer that came too late is not the beginning of this one.
    this.#inbox.clear()
    this.#drop()
    const from = clock.uptime()
    await transport.write(packet)
    for (let left = config.reply; left > 0; left = from + config.reply - clock.uptime()) {
      const received = await this.#inbox.next(left)
      if (!received) break
      if (received.frame.address !== address) continue
      this.#busyMs += clock.uptime() - from
      return { reply: received.frame, arrived: received.arrived }
    }
    this.#busyMs += clock.uptime() - from
    this.#drop()
    return undefined
  }

  /** How long the bus was busy since the last call. */
  takeBusyMs(): number {
    const busyMs = this.#busyMs
    this.#busyMs = 0
    return busyMs
  }

  #drop(): void {
    const dropped = this.#decoder.reset()
    if (dropped > 0) this.#session.count('discardedBytes', dropped)
  }
}
