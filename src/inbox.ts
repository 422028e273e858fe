/**
 * For devices that answer when asked: reads a byte transport all the time, and hands out what a decoder makes of it,
 * with time-outs. Part of the driver contract.
 */
import { linkedAbort } from './abort.js'
import type { Clock } from './clock.js'
import type { Moment } from './model.js'

export interface Received<Frame> {
  readonly frame: Frame
  /** Of the chunk that completed it: hand it on in `Sighting.arrived`. */
  readonly arrived: Moment
}

export interface InboxParts<Frame> {
  readonly transport: AsyncIterable<{ readonly bytes: Uint8Array; readonly arrived: Moment }>
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Takes bytes as they come, cut anywhere; returns the frames they completed. */
  readonly decode: (bytes: Uint8Array) => readonly Frame[]
  /** Frames kept unread while the driver waits for a verdict; beyond it the oldest go. Default 64. */
  readonly most?: number
}

const MOST_UNREAD = 64

export class Inbox<Frame> {
  readonly #parts: InboxParts<Frame>
  #unread: Received<Frame>[] = []
  #wake: (() => void) | undefined
  #over = false
  #lost: Error | undefined
  readonly #reading: Promise<void>

  constructor(parts: InboxParts<Frame>) {
    this.#parts = parts
    this.#reading = this.#read()
  }

  /** The next frame; undefined when none came within `ms`, or the session ended. Throws TransportError when the device is lost. */
  async next(ms: number): Promise<Received<Frame> | undefined> {
    const { clock } = this.#parts
    const deadline = clock.uptime() + ms
    for (;;) {
      const first = this.#unread.shift()
      if (first) return first
      if (this.#lost !== undefined) throw this.#lost
      const left = deadline - clock.uptime()
      if (this.#over || left <= 0) return undefined
      await this.#wait(left)
    }
  }

  /** Waits, resolves early when the session ends. Throws TransportError as soon as the device is lost: a plain sleep would not see that. */
  async pause(ms: number): Promise<void> {
    const { clock } = this.#parts
    const deadline = clock.uptime() + ms
    for (;;) {
      if (this.#lost !== undefined) throw this.#lost
      const left = deadline - clock.uptime()
      if (this.#over || left <= 0) return
      await this.#wait(left)
    }
  }

  /** Forgets what came too late to be an answer to the next question. */
  clear(): void {
    this.#unread = []
  }

  /** Resolves when reading has ended, which it does with the session or the device. */
  async ended(): Promise<void> {
    await this.#reading
  }

  async #wait(ms: number): Promise<void> {
    const { clock, signal } = this.#parts
    const over = linkedAbort(signal)
    const woken = new Promise<void>((resolve) => (this.#wake = resolve))
    await Promise.race([woken, clock.sleep(ms, over.signal)])
    this.#wake = undefined
    over.abort()
  }

  async #read(): Promise<void> {
    const { transport, decode, most = MOST_UNREAD } = this.#parts
    try {
      for await (const { bytes, arrived } of transport) {
        for (const frame of decode(bytes)) this.#unread.push({ frame, arrived })
        if (this.#unread.length > most) this.#unread.splice(0, this.#unread.length - most)
        this.#wake?.()
      }
    } catch (error) {
      this.#lost = error instanceof Error ? error : new Error(String(error))
    }
    this.#over = true
    this.#wake?.()
  }
}
