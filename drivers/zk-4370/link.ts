/** The conversation with one terminal: questions with their answers, and what it tells by itself in between. */
import { Inbox, ProtocolError, type Moment, type Received } from '../../src/driver.js'
import { COMMAND, frameBytes, packetBytes, packetOf, REPLY, StreamDecoder, type Decoded, type Packet } from './codec.js'
import type { Session } from './config.js'
import { liveOf, type Live } from './records.js'

/** Longest silence of a terminal that was asked something small. */
export const ANSWER_MS = 10_000
/** A datagram that was not answered is sent again after this, the same one. [ZK4370 §3.7] */
const RESEND_MS = 2_000
const MOST_SENDS = 4
/** Half a frame this old is no frame any more. */
const HALF_FRAME_MS = 5_000
/** More live events than people can make between two looks at the log. */
const MOST_LIVE = 500
const EVENT_ATTENDANCE = 1
const NOTHING = new Uint8Array()
/** Elsewhere "unauthorised" means that the terminal forgot the session: it was switched off, or serves another. */
const OPENING: ReadonlySet<number> = new Set([COMMAND.connect, COMMAND.auth])

/** A live event, and when it came. */
export interface Heard extends Live {
  readonly arrived: Moment
}

/** Looks at one packet of an answer: undefined when more belongs to it. */
export type Take<Result> = (packet: Packet, arrived: Moment) => Result | undefined

export class Link {
  /** Live events since they were last taken, the newest last. */
  heard: Heard[] = []
  /** Something was punched, whether or not the event could be read. */
  hinted = false
  readonly #session: Session
  readonly #inbox: Inbox<Packet>
  readonly #isDatagrams: boolean
  /** Session id the terminal gave; until then any is taken. */
  #id: number | undefined
  #reply = 0
  /** When it last said anything. */
  #lastHeard: number

  constructor(session: Session) {
    const { transport, clock, signal, scheme } = session
    this.#session = session
    this.#isDatagrams = scheme === 'udp'
    this.#lastHeard = clock.uptime()
    const decode = this.#isDatagrams ? this.#datagram : this.#stream(new StreamDecoder())
    this.#inbox = new Inbox({ transport, clock, signal, decode })
  }

  get sessionId(): number {
    return this.#id ?? 0
  }

  /** Milliseconds since anything came. */
  get quietMs(): number {
    return this.#session.clock.uptime() - this.#lastHeard
  }

  /** Piece of a table to ask for. Less than allowed [ZK4370 §7]: 64 KiB wait for us at most, and one lost datagram costs a piece. */
  get pieceBytes(): number {
    return this.#isDatagrams ? 8_192 : 32_768
  }

  /** Says goodbye; resolves when nothing of it is left. */
  async close(): Promise<void> {
    // Without it the terminal holds the session, and serves nobody else, until it tires. [ZK4370 §3.5]
    if (this.#id !== undefined) await this.#write(COMMAND.exit, this.#nextReply()).catch(() => undefined)
    // A terminal that is given up still has its transport, which ends after the run.
    if (this.#session.signal.aborted) await this.#inbox.ended()
  }

  /** Begins a session: what follows belongs to it. */
  async connect(): Promise<Packet> {
    const packet = await this.converse(COMMAND.connect, NOTHING, (answer) => answer)
    this.#id = packet.session
    return packet
  }

  /** One question, one packet back. */
  async ask(command: number, data: Uint8Array = NOTHING, patience = ANSWER_MS): Promise<Received<Packet>> {
    return this.converse(command, data, (frame, arrived) => ({ frame, arrived }), patience)
  }

  /**
   * Asks, and hands each packet of the answer to `take` until that has a result. Throws ProtocolError when nothing comes
   * for `patience`, TransportError when the terminal is gone.
   */
  async converse<Result>(command: number, data: Uint8Array, take: Take<Result>, patience = ANSWER_MS): Promise<Result> {
    const { clock, signal } = this.#session
    const reply = this.#nextReply()
    let sends = 0
    let [deadline, again] = [clock.uptime() + patience, clock.uptime()]
    while (!this.#inbox.isOver && clock.uptime() < deadline) {
      if (sends === 0 || (this.#maySend(sends) && clock.uptime() >= again)) {
        await this.#write(command, reply, data)
        again = clock.uptime() + RESEND_MS
        sends += 1
      }
      const until = this.#maySend(sends) ? Math.min(again, deadline) : deadline
      const answer = await this.#answer(reply, until - clock.uptime())
      if (!answer) continue
      ;[deadline, again] = [clock.uptime() + patience, clock.uptime() + RESEND_MS]
      if (answer.frame.command === REPLY.unauthorised && !OPENING.has(command)) throw ended()
      const result = take(answer.frame, answer.arrived)
      if (result !== undefined) return result
    }
    signal.throwIfAborted()
    throw silent(patience)
  }

  /** Waits for a live event, but no longer than `ms`. */
  async listen(ms: number): Promise<void> {
    const received = await this.#inbox.next(ms)
    if (received) await this.#unasked(received)
    else await this.#inbox.pause(0)
  }

  #maySend(sends: number): boolean {
    return this.#isDatagrams && sends < MOST_SENDS
  }

  /** The next packet that answers this question, within `ms`. */
  async #answer(reply: number, ms: number): Promise<Received<Packet> | undefined> {
    const { clock } = this.#session
    const deadline = clock.uptime() + ms
    for (;;) {
      const received = await this.#inbox.next(Math.max(0, deadline - clock.uptime()))
      if (!received) return undefined
      const { command, session, reply: answers } = received.frame
      const isOurs = answers === reply && (this.#id === undefined || session === this.#id)
      if (isOurs && command !== COMMAND.registerEvents) return received
      await this.#unasked(received)
    }
  }

  /** A live event, or a late answer to an earlier question, which nobody waits for. [ZK4370 §3.7] */
  async #unasked({ frame, arrived }: Received<Packet>): Promise<void> {
    if (frame.command !== COMMAND.registerEvents) return
    // The session field names the event. The terminal wants to hear that it came. [ZK4370 §5]
    await this.#write(REPLY.ok, 0)
    if ((frame.session & EVENT_ATTENDANCE) === 0) return
    this.hinted = true
    for (const live of liveOf(frame.data)) this.heard.push({ ...live, arrived })
    this.heard.splice(0, this.heard.length - MOST_LIVE)
  }

  async #write(command: number, reply: number, data: Uint8Array = NOTHING): Promise<void> {
    const packet = { command, session: this.sessionId, reply, data }
    await this.#session.transport.write(this.#isDatagrams ? packetBytes(packet) : frameBytes(packet))
  }

  #nextReply(): number {
    const reply = this.#reply
    this.#reply = (reply + 1) & 0xffff
    return reply
  }

  readonly #datagram = (bytes: Uint8Array): readonly Packet[] => {
    const packet = packetOf(bytes)
    return this.#counted({ packets: packet ? [packet] : [], bad: packet ? 0 : 1, discarded: 0 })
  }

  #stream(decoder: StreamDecoder): (bytes: Uint8Array) => readonly Packet[] {
    let last = -Infinity
    return (bytes) => {
      const uptime = this.#session.clock.uptime()
      const before = uptime - last > HALF_FRAME_MS ? this.#counted(decoder.giveUp()) : []
      last = uptime
      return [...before, ...this.#counted(decoder.push(bytes))]
    }
  }

  #counted({ packets, bad, discarded }: Decoded): readonly Packet[] {
    if (packets.length > 0) {
      this.#session.count('goodFrames', packets.length)
      this.#lastHeard = this.#session.clock.uptime()
    }
    if (bad > 0) this.#session.count('badFrames', bad)
    if (discarded > 0) this.#session.count('discardedBytes', discarded)
    return packets
  }
}

function ended(): ProtocolError {
  return new ProtocolError('protocol-broken', 'the terminal ended the session', {
    hint: 'it was restarted, or another program talks to it; punchd connects again',
  })
}

function silent(patience: number): ProtocolError {
  return new ProtocolError('protocol-broken', `the terminal did not answer for ${patience / 1_000} s`, {
    hint: 'many models serve one program at a time: close others that talk to it; check power, cable and address',
  })
}
