/**
 * The way to the journal's thread and back, in virtual time: the thread is the real one, in this process. It does one thing after the
 * other, and a commit keeps it as long as the disk takes.
 */
import type { JournalWorker } from '../../src/journal/client.js'
import type { Answer, Request, ThreadOptions } from '../../src/journal/protocol.js'
import { runThread, type ThreadPort } from '../../src/journal/thread.js'
import type { Cancel, Timers } from '../../src/journal/timers.js'
import type { Clock } from '../../src/clock.js'
import { between, type Random } from '../../simulators/random.js'
import { Killed, type Disk } from './disk.js'
import type { Owner, Scheduler } from './scheduler.js'

export interface HopContext {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly owner: Owner
  readonly clock: Clock
  readonly disk: Disk
  /** Every request, as it is taken. */
  readonly onRequest: (request: Request) => void
}

const START_MS = 40
const MOST_HOP_MS = 2

export class Hop {
  readonly #context: HopContext
  readonly #inbox: Request[] = []
  #answers: Answer[] = []
  #busyUntil = 0
  #answeredAt = 0
  #ended = false
  #died: Error | undefined
  #take: ((request: Request) => void) | undefined
  #onMessage: ((answer: Answer) => void)[] = []
  #onError: ((error: Error) => void)[] = []
  #onExit: (() => void)[] = []

  constructor(context: HopContext) {
    this.#context = context
  }

  /** The daemon's end. */
  start(options: ThreadOptions): JournalWorker {
    const { clock } = this.#context
    const port: ThreadPort = {
      on: (_event, listener) => (this.#take = listener),
      postMessage: (answer) => void this.#answers.push(answer),
      close: () => (this.#ended = true),
    }
    const time = { clock, timers: this.#timers() }
    this.#inThread(START_MS, () => runThread(port, structuredClone(options), time))
    return {
      on: (event: string, listener: never) => void this.#listeners(event).push(listener),
      postMessage: (request: Request) => this.#send(request),
    }
  }

  #listeners(event: string): unknown[] {
    return event === 'message' ? this.#onMessage : event === 'error' ? this.#onError : this.#onExit
  }

  #send(request: Request): void {
    if (!this.#context.owner.alive || this.#ended) return
    const { random } = this.#context
    this.#inbox.push(structuredClone(request))
    this.#inThread(between(random, 0, MOST_HOP_MS), () => this.#receive())
  }

  /** In the order in which they were sent, whichever was faster. */
  #receive(): void {
    const next = this.#inbox.shift()
    if (!next) return
    this.#context.onRequest(next)
    this.#take?.(next)
  }

  /** As soon as the thread is free. */
  #inThread(ms: number, act: () => void): Cancel {
    const { scheduler, owner } = this.#context
    let cancel: Cancel = () => undefined
    const begin = (): void => {
      if (this.#ended) return
      if (scheduler.now < this.#busyUntil) cancel = scheduler.at(this.#busyUntil, begin, owner)
      else this.#run(act)
    }
    cancel = scheduler.after(ms, begin, owner)
    return () => cancel()
  }

  #run(act: () => void): void {
    const { scheduler, disk, owner } = this.#context
    disk.spentMs = 0
    try {
      act()
    } catch (error) {
      if (!(error instanceof Killed)) this.#die(error)
    }
    this.#busyUntil = scheduler.now + Math.ceil(disk.spentMs)
    const answers = this.#answers
    this.#answers = []
    for (const answer of answers) this.#deliver(answer)
    if (this.#ended) scheduler.at(Math.max(this.#busyUntil, this.#answeredAt) + 1, () => this.#exit(), owner)
  }

  #exit(): void {
    const died = this.#died
    if (died) this.#onError.forEach((listener) => listener(died))
    this.#onExit.forEach((listener) => listener())
  }

  #deliver(answer: Answer): void {
    const { scheduler, random, owner } = this.#context
    const sent = structuredClone(answer)
    this.#answeredAt = Math.max(this.#answeredAt, this.#busyUntil + between(random, 0, MOST_HOP_MS))
    scheduler.at(this.#answeredAt, () => this.#onMessage.forEach((listener) => listener(sent)), owner)
  }

  /** As an exception that nobody catches in a thread. */
  #die(error: unknown): void {
    this.#died = error instanceof Error ? error : new Error(String(error))
    this.#ended = true
  }

  #timers(): Timers {
    const every = (ms: number, act: () => void): Cancel => {
      let cancel: Cancel = () => undefined
      const next = (): void => {
        cancel = this.#inThread(ms, () => {
          next()
          act()
        })
      }
      next()
      return () => cancel()
    }
    return { after: (ms, act) => this.#inThread(ms, act), every, soon: (act) => void this.#inThread(0, act) }
  }
}
