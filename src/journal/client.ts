/** The daemon's end of the journal's thread. */
import { Worker } from 'node:worker_threads'
import type { Report } from '../attendance.js'
import { JournalError } from '../errors.js'
import type { Credential, Moment } from '../model.js'
import { unpacked } from './columns.js'
import type { Draft, JournalState, OutboundRecord, ParkedRecord } from './journal.js'
import type { Damage } from './check.js'
import type { Erased, Erasing } from './erasure.js'
import {
  UNASKED,
  type Answer,
  type Failure,
  type ParkOrder,
  type Reported,
  type Request,
  type Requests,
  type Started,
  type Tail,
  type ThreadOptions,
  type Verb,
} from './protocol.js'

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** The daemon's end of the line to the thread. */
export interface JournalWorker {
  on(event: 'message', listener: (answer: Answer) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'exit', listener: () => void): unknown
  postMessage(request: Request): void
}

export type StartWorker = (options: ThreadOptions) => JournalWorker

const startWorker: StartWorker = (options) =>
  new Worker(new URL('./thread.js', import.meta.url), {
    name: 'journal',
    workerData: options,
    // Flags of the process may be none of a thread's (--input-type).
    execArgv: [],
    // Keeps a thread that holds a few thousand rows at most from reserving what a web server would.
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  })

export class JournalThread {
  readonly #worker: JournalWorker
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 1
  #dead: Error | undefined
  /** Called with the newest seq after every commit. */
  onAppend: ((lastSeq: number) => void) | undefined
  /** Called with records that turned out to be damaged while the thread idled. */
  onDamage: ((damages: readonly Damage[]) => void) | undefined
  /** Called when the thread ends without having been asked to. */
  onDeath: ((error: Error) => void) | undefined
  /** Newest record known here. */
  lastSeq = 0

  private constructor(worker: JournalWorker) {
    this.#worker = worker
    worker.on('message', (answer: Answer) => this.#settle(answer))
    worker.on('error', (error) => this.#die(error))
    worker.on('exit', () => this.#die(new Error('the journal thread ended')))
  }

  /** Starts the thread and opens the journal; rejects with the JournalError that stopped it. */
  static async open(options: ThreadOptions, start = startWorker): Promise<{ thread: JournalThread; state: Started }> {
    const thread = new JournalThread(start(options))
    const state = (await thread.#wait(0)) as Started
    thread.lastSeq = state.lastSeq
    return { thread, state }
  }

  /** The verdict, after the record is on disk. `failure` says why it was refused. */
  async report(report: Report): Promise<Reported> {
    // point: client.before-report
    const reported = await this.#ask('report', report)
    // point: client.reported
    this.#appended(reported.lastSeq)
    return reported
  }

  async append(draft: Draft): Promise<void> {
    this.#appended(await this.#ask('append', draft))
  }

  async tail(after: number, limit: number): Promise<Tail> {
    const { columns, through } = await this.#ask('tail', { after, limit })
    return { records: unpacked(columns), through }
  }
  async get(seq: number): Promise<OutboundRecord | undefined> {
    return unpacked(await this.#ask('get', seq)).at(0)
  }
  settle(seq: number): Promise<undefined> {
    return this.#ask('settle', seq)
  }
  park(order: ParkOrder): Promise<undefined> {
    return this.#ask('park', order)
  }
  unpark(seq: number): Promise<undefined> {
    return this.#ask('unpark', seq)
  }
  parked(limit: number): Promise<ParkedRecord[]> {
    return this.#ask('parked', limit)
  }
  recall(reader: string, key: string): Promise<string | undefined> {
    return this.#ask('recall', { reader, key })
  }
  /** Resolves when it is on disk. */
  remember(reader: string, key: string, value: string): Promise<undefined> {
    return this.#ask('remember', { reader, key, value })
  }
  /** Writes some of the corrections that are due; true when there are more. */
  async correct(now: Moment): Promise<boolean> {
    const { lastSeq, more } = await this.#ask('correct', now)
    this.#appended(lastSeq)
    return more
  }
  /** What the clocks said at the newest record. */
  newest(): Promise<Moment | undefined> {
    return this.#ask('newest', undefined)
  }
  /** The reference of the person whose it is now. */
  personOf(credential: Credential): Promise<string | undefined> {
    return this.#ask('personOf', credential)
  }
  /** Writes what is due by now: second factors that did not come. */
  async tick(): Promise<void> {
    this.#appended(await this.#ask('tick', undefined))
  }
  erase(order: Erasing): Promise<Erased> {
    return this.#ask('erase', order)
  }
  rotate(): Promise<boolean> {
    return this.#ask('rotate', undefined)
  }
  state(): Promise<JournalState> {
    return this.#ask('state', undefined)
  }

  /** Commits what is queued, closes the file and ends the thread. */
  async close(): Promise<void> {
    if (this.#dead) return
    this.onDeath = undefined
    const ended = new Promise<void>((resolve) => this.#worker.on('exit', resolve))
    await this.#ask('close', undefined)
    await ended
  }

  #ask<V extends Verb>(verb: V, args: Requests[V]['args']): Promise<Requests[V]['answer']> {
    if (this.#dead) return Promise.reject(this.#dead)
    const request: Request = { id: this.#nextId++, verb, args }
    this.#worker.postMessage(request)
    return this.#wait(request.id) as Promise<Requests[V]['answer']>
  }

  #wait(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  #settle(answer: Answer): void {
    if (answer.id === UNASKED && 'value' in answer) return this.onDamage?.(answer.value as readonly Damage[])
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if ('failure' in answer) waiting?.reject(errorOf(answer.failure))
    else waiting?.resolve(answer.value)
  }

  #appended(lastSeq: number): void {
    if (lastSeq <= this.lastSeq) return
    this.lastSeq = lastSeq
    this.onAppend?.(lastSeq)
  }

  #die(error: Error): void {
    if (this.#dead) return
    this.#dead = error
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
    this.onDeath?.(error)
  }
}

/** The error of a failure that crossed the thread. Without a code it is a bug, not a journal error. */
export function errorOf(failure: Failure): Error {
  if (failure.code === undefined) return new Error(failure.message)
  return new JournalError(failure.code, failure.message, failure.hint === undefined ? {} : { hint: failure.hint })
}
