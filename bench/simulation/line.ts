/** One connection of the gateway to the simulated broker: what `Connection` is over a network, with a way of its own there and back. */
import { PublishError, TransportError } from '../../src/errors.js'
import { refusalOf } from '../../src/mqtt/reasons.js'
import type { Heard, Limits } from '../../src/mqtt/connection.js'
import type { Link } from '../../src/mqtt/publisher.js'
import type { Owner, Scheduler } from './scheduler.js'

export interface LineEvents {
  /** A publish arrived at the broker. `ack` answers it: with a reason code, when it is refused. */
  readonly onPublish: (topic: string, payload: string, retain: boolean, ack: (code?: number) => void) => void
  /** The gateway wants to hear a topic. Returns a reason code when it may not. */
  readonly onSubscribe: (topic: string) => number | undefined
  readonly onEnd: (how: 'cut' | 'goodbye') => void
  /** How long a packet travels, in milliseconds. */
  readonly tripMs: () => number
}

export class Line implements Link {
  readonly limits: Limits
  readonly ended: Promise<TransportError>
  unheard = 0
  endCode: number | undefined
  readonly #scheduler: Scheduler
  readonly #owner: Owner
  readonly #events: LineEvents
  readonly #pending = new Set<(error: PublishError) => void>()
  #over: TransportError | undefined
  #resolveEnded: (why: TransportError) => void = () => undefined
  #heard: ((message: Heard) => void) | undefined
  /** Packets overtake none on their way: the last one arrives there, and here, at these times. */
  #thereAt = 0
  #hereAt = 0
  /** What was on its way when the line was cut arrives until then, and no further. */
  #cutAt = Infinity

  constructor(scheduler: Scheduler, owner: Owner, limits: Limits, events: LineEvents) {
    this.#scheduler = scheduler
    this.#owner = owner
    this.limits = limits
    this.#events = events
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve))
  }

  /** The gateway still takes it for a connection. */
  get open(): boolean {
    return this.#over === undefined && this.#owner.alive
  }

  publish(topic: string, payload: string, retain = false): Promise<void> {
    if (this.#over) return Promise.reject(new PublishError('retry', 'publish-offline', this.#over.message))
    return new Promise((resolve, reject) => {
      this.#pending.add(reject)
      const acked = (code = 0): void => {
        if (!this.#pending.delete(reject)) return
        if (code < 0x80) return resolve()
        const { disposal, text } = refusalOf(code)
        reject(new PublishError(disposal, 'publish-refused', text, { reasonCode: code }))
      }
      const ack = (code?: number): void => this.#toGateway(() => acked(code))
      this.#toBroker(() => this.#events.onPublish(topic, payload, retain, ack))
    })
  }

  subscribe(topic: string, heard: (message: Heard) => void): Promise<void> {
    this.#heard = heard
    return new Promise((resolve, reject) => {
      this.#pending.add(reject)
      this.#toBroker(() => {
        const code = this.#events.onSubscribe(topic)
        this.#toGateway(() => {
          if (!this.#pending.delete(reject)) return
          if (code === undefined) resolve()
          else reject(new PublishError('retry', 'publish-refused', `the broker refuses: ${code}`))
        })
      })
    })
  }

  /** A message for the gateway. */
  hand(text: string, retained: boolean): void {
    this.#toGateway(() => this.#heard?.({ payload: Buffer.from(text), retained }))
  }

  drop(): void {
    this.#end('the connection to the broker was closed', 'cut')
  }

  /** The broker ends it; `code`: of its DISCONNECT, if it sends one. */
  cut(code?: number): void {
    this.#cutAt = Math.min(this.#cutAt, this.#scheduler.now + this.#events.tripMs())
    const end = (): void => {
      this.endCode ??= code
      this.#end(`the broker ended the connection (${code ?? 'without a word'})`, 'cut')
    }
    this.#scheduler.after(0, end, this.#owner)
  }

  close(): Promise<void> {
    this.#end('closed', 'goodbye')
    return Promise.resolve()
  }

  /** It is over for the gateway; what it had sent may still arrive. */
  #end(message: string, how: 'cut' | 'goodbye'): void {
    if (this.#over) return
    this.#over = new TransportError('broker-unreachable', message)
    const lost = new PublishError('retry', 'publish-offline', message)
    for (const fail of this.#pending) fail(lost)
    this.#pending.clear()
    if (how === 'cut') this.#cutAt = Math.min(this.#cutAt, this.#scheduler.now + this.#events.tripMs())
    this.#events.onEnd(how)
    this.#resolveEnded(this.#over)
  }

  #toBroker(act: () => void): void {
    this.#thereAt = Math.max(this.#thereAt, this.#scheduler.now + this.#events.tripMs())
    this.#scheduler.at(this.#thereAt, () => this.#scheduler.now <= this.#cutAt && act())
  }

  #toGateway(act: () => void): void {
    this.#hereAt = Math.max(this.#hereAt, this.#scheduler.now + this.#events.tripMs())
    this.#scheduler.at(this.#hereAt, () => this.#over ?? act(), this.#owner)
  }
}
