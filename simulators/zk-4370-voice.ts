/** How the twin of a port 4370 terminal sends, and what goes wrong with it. */
import type { Clock } from '../src/driver.js'
import type { Line } from './line.js'
import { wirePacket } from './zk-4370-wire.js'

/**
 * `busy`: another program has the session, and nobody answers us. `silent`: says nothing any more. `wrong-length`: pieces of
 * the log come short. `dropped`: the connection ends in the middle of one. `counting`: somebody punches between count and
 * read. `lossy`: datagrams are lost both ways. `stale`: each answer comes with a wrong number and a wrong session before it.
 * `from-start`: the buffer can only be read from its start on. `unheard`: live events are lost. `refuses-key`,
 * `refuses-log`, `refuses-events`: says no. `bad-sum`: answers
 * with a wrong checksum. `coalesced`, `byte-by-byte`: how packets lie in the stream.
 */
export type Zk4370Fault =
  | 'busy'
  | 'silent'
  | 'wrong-length'
  | 'dropped'
  | 'counting'
  | 'coalesced'
  | 'byte-by-byte'
  | 'lossy'
  | 'stale'
  | 'from-start'
  | 'unheard'
  | 'refuses-key'
  | 'refuses-log'
  | 'refuses-events'
  | 'bad-sum'

export type Answer = readonly [command: number, data: Buffer]

export interface VoiceOptions {
  readonly clock: Clock
  readonly line: Line
  readonly mode: 'tcp' | 'udp'
  readonly pauseMs: number
}

export class Voice {
  /** How often each fault still strikes. */
  readonly #faults = new Map<Zk4370Fault, number>()
  readonly #options: VoiceOptions
  #datagrams = 0
  #sending: Promise<void> = Promise.resolve()

  constructor(options: VoiceOptions) {
    this.#options = options
  }

  fault(name: Zk4370Fault, times: number): void {
    this.#faults.set(name, times)
  }

  strikes(name: Zk4370Fault): boolean {
    const left = this.#faults.get(name) ?? 0
    if (left > 0) this.#faults.set(name, left - 1)
    return left > 0
  }

  /** Every so-and-so-many-th datagram, either way. */
  isLost(every: number): boolean {
    return this.#faults.has('lossy') && ++this.#datagrams % every === 0
  }

  /** All packets of an answer in one piece. */
  sendJoined(answers: readonly Answer[], session: number, id: number): void {
    const { line, mode } = this.#options
    line.send(Uint8Array.from(Buffer.concat(answers.map(([code, data]) => wirePacket(mode, code, session, id, data)))))
  }

  send(command: number, session: number, id: number, data: Buffer): void {
    const { line, mode, pauseMs, clock } = this.#options
    if ((this.#faults.get('silent') ?? 0) > 0 || this.isLost(7)) return
    const packet = Uint8Array.from(wirePacket(mode, command, session, id, data))
    const sumAt = mode === 'udp' ? 2 : 10
    if (this.strikes('bad-sum')) packet.set([(packet[sumAt] ?? 0) ^ 0x21], sumAt)
    if (command === 1501 && this.strikes('dropped')) {
      line.send(packet.slice(0, packet.length >> 1))
      void line.unplug()
    } else if (pauseMs > 0) {
      this.#sending = this.#sending.then(() => clock.sleep(pauseMs)).then(() => void line.send(packet))
    } else if (this.strikes('byte-by-byte')) {
      for (const byte of packet) line.send(Uint8Array.of(byte))
    } else line.send(packet)
  }
}
