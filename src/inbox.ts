/**
 * For devices that answer when asked: reads a byte transport all the time, and hands out what a decoder makes of it,
 * with time-outs. Part of the driver contract.
 */
import { linkedAbort } from './abort.js'
import type { Clock } from './clock.js'
import { TransportError } from './errors.js'
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
  /**
   * For devices that speak by themselves: while frames are unread the transport keeps what comes, within its own bound,
   * and nothing is dropped here. Without it, for devices that are asked, only the newest 64 frames are kept.
   */
  readonly keepsAll?: boolean
}

const MOST_UNREAD = 64

export class Inbox<Frame> {
  readonly #parts: InboxParts<Frame>
  #unread: Received<Frame>[] = []
  #wake: (() => void) | undefined
  /** Lets reading go on. */
  #drained: (() => void) | undefined
  #over = false
  #lost: Error | undefined
  readonly #reading: Promise<void>

  constructor(parts: InboxParts<Frame>) {
    this.#parts = parts
    this.#reading = this.#read()
  }

  /**
   * The next frame; undefined when none came within `ms` (absent: however long it takes), or the session ended. Throws
   * TransportError when the device is lost.
   */
  next(ms = Infinity): Promise<Received<Frame> | undefined> {
    return this.#within(ms, () => this.#take())
  }

  /** Waits, resolves early when the session ends. Throws TransportError as soon as the device is lost: a plain sleep would not see that. */
  async pause(ms: number): Promise<void> {
    await this.#within(ms, () => undefined)
    // It would not pause at all from now on, and whoever asks in a loop would never let go of the processor.
    if (this.#over && !this.#parts.signal.aborted)
      throw new TransportError('transport-lost', 'the transport ended by itself')
  }

  /** Nothing more comes: the session ended, or the transport did without being lost. A loop over `next` ends here. */
  get isOver(): boolean {
    const ended = this.#over && this.#lost === undefined && this.#unread.length === 0
    return ended || this.#parts.signal.aborted
  }

  #take(): Received<Frame> | undefined {
    const first = this.#unread.shift()
    if (this.#unread.length === 0) this.#drained?.()
    return first
  }

  async #within(ms: number, take: () => Received<Frame> | undefined): Promise<Received<Frame> | undefined> {
    const { clock } = this.#parts
    const deadline = clock.uptime() + ms
    for (;;) {
      const first = take()
      if (first) return first
      if (this.#lost !== undefined) throw this.#lost
      const left = deadline - clock.uptime()
      if (this.#over || left <= 0) return undefined
      await this.#wait(left)
    }
  }

  /** Forgets what came too late to be an answer to the next question. */
  clear(): void {
    this.#unread = []
    this.#drained?.()
  }

  /** Resolves when reading has ended, which it does with the session or the device. */
  async ended(): Promise<void> {
    this.#drained?.()
    await this.#reading
  }

  async #wait(ms: number): Promise<void> {
    const { clock, signal } = this.#parts
    const woken = new Promise<void>((resolve) => (this.#wake = resolve))
    if (ms === Infinity) return woken
    const over = linkedAbort(signal)
    await Promise.race([woken, clock.sleep(ms, over.signal)])
    this.#wake = undefined
    over.abort()
  }

  async #read(): Promise<void> {
    const { transport, decode, keepsAll = false } = this.#parts
    try {
      for await (const { bytes, arrived } of transport) {
        for (const frame of decode(bytes)) this.#unread.push({ frame, arrived })
        if (!keepsAll) this.#unread.splice(0, this.#unread.length - MOST_UNREAD)
        this.#wake?.()
        if (keepsAll && this.#unread.length > 0) await new Promise<void>((resolve) => (this.#drained = resolve))
      }
    } catch (error) {
      this.#lost = error instanceof Error ? error : new Error(String(error))
    }
    this.#over = true
    this.#wake?.()
  }
}
