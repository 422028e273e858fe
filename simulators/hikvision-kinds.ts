/** What the parts of the simulated face terminal hand to each other. */
import type { Clock } from '../src/driver.js'
import type { Body, Shape } from './hikvision-bodies.js'

export interface Asked {
  readonly method: string
  /** Path and query. */
  readonly uri: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** For an answer that never ends: called with where to send, returns what to call when nobody listens any more. */
  readonly stream?: (sink: StreamSink) => () => void
}

export interface StreamSink {
  send(bytes: Buffer): void
  end(): void
}

/** Posts a body to a listener; resolves to the status, rejects when nobody is there. */
export type Post = (url: string, body: Body) => Promise<number>

export interface TwinOptions {
  readonly clock: Clock
  /** Ends all it does. */
  readonly signal: AbortSignal
  readonly post: Post
  readonly serial?: string
  readonly username?: string
  readonly password?: string
  readonly nonceUses?: number
  readonly shape?: Shape
  readonly tellsSerial?: boolean
  readonly offsetMinutes?: number
  readonly capacity?: number
  /** Where it was told to push, by hand. */
  readonly listener?: string
}

export interface Person {
  readonly employee?: string
  readonly name?: string
  readonly card?: string
  readonly cardType?: number
  readonly minor?: number
  readonly major?: number
  readonly status?: string
  /** False: the door is not opened, so no second event follows. */
  readonly unlocks?: boolean
}
