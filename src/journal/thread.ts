/**
 * The journal's thread: an fsync blocks here and nowhere else. Reports that arrive while a commit is under way
 * are the next commit: group commit without a timer, and each still waits for its own fsync.
 */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { Attendance, type Report } from '../attendance.js'
import { SystemClock } from '../clock.js'
import { DaemonError, messageOf } from '../errors.js'
import { localDay } from '../attendance-records.js'
import type { Today } from '../people.js'
import { packed } from './columns.js'
import { Journal } from './journal.js'
import { offsetAt } from './time.js'
import type { Answer, Failure, Reported, Request, Requests, ThreadOptions, Verb } from './protocol.js'

/** A commit of this many rows is fast enough; more would make the first of them wait. */
const MAX_BATCH = 512
const RETENTION_EVERY_MS = 3_600_000
const RETENTION_STEP = 500

/** What is answered at once; reports wait for their commit. */
type Plain = Exclude<Verb, 'report'>
type Actions = { readonly [V in Plain]: (args: Requests[V]['args']) => unknown }

class Thread {
  readonly #port: MessagePort
  readonly #options: ThreadOptions
  readonly #clock = new SystemClock()
  readonly #journal: Journal
  readonly #attendance: Attendance
  readonly #retention: NodeJS.Timeout
  readonly #offset = (wall: number): number => offsetAt(this.#options.identity.offsets, wall)
  readonly #actions: Actions = {
    append: (draft) => {
      if (draft.once === undefined || !this.#journal.hasOnce(draft.once)) this.#journal.append([draft])
      return this.#journal.lastSeq
    },
    tail: ({ after, limit }) => {
      const { records, through } = this.#journal.tail(after, limit)
      return { columns: packed(records), through }
    },
    get: (seq) => this.#journal.get(seq),
    settle: (seq) => this.#journal.settle(seq),
    park: ({ seq, code, reason, wall }) => this.#journal.park(seq, code, reason, wall),
    unpark: (seq) => this.#journal.unpark(seq),
    parked: (limit) => this.#journal.parked(limit),
    recall: ({ reader, key }) => this.#journal.recall(reader, key),
    remember: (memory) => this.#journal.remember(memory),
    personOf: (credential) => {
      const found = this.#journal.tables.people.find(credential, this.#today())
      return found.kind === 'known' ? found.ref : undefined
    },
    tick: () => {
      this.#attendance.tellMissing(this.#clock.now())
      return this.#journal.lastSeq
    },
    state: () => this.#journal.state,
    close: () => this.#close(),
  }
  #queued: { readonly id: number; readonly report: Report }[] = []

  constructor(port: MessagePort, options: ThreadOptions) {
    this.#port = port
    this.#options = options
    this.#journal = new Journal(options.file, options.identity)
    const { people, states } = this.#journal.tables
    const rules = { ...options.policy, people, states, offset: this.#offset }
    this.#attendance = new Attendance(this.#journal, options.repeatWindowMs, this.#clock.now(), rules)
    this.#retention = setInterval(() => this.#forgetOld(), RETENTION_EVERY_MS)
    port.on('message', (request: Request) => this.#take(request))
    this.#answer(0, this.#journal.state)
  }

  #take({ id, verb, args }: Request): void {
    if (verb === 'report') {
      this.#queued.push({ id, report: args as Report })
      if (this.#queued.length === 1) setImmediate(() => this.#commit())
      return
    }
    try {
      this.#answer(id, this.#do(verb, args as never))
    } catch (error) {
      this.#post({ id, failure: failureOf(error) })
    }
  }

  #do<V extends Plain>(verb: V, args: Requests[V]['args']): unknown {
    return this.#actions[verb](args)
  }

  #commit(): void {
    const batch = this.#queued.splice(0, MAX_BATCH)
    if (batch.length === 0) return
    if (this.#queued.length > 0) setImmediate(() => this.#commit())
    try {
      const verdicts = this.#attendance.record(batch.map(({ report }) => report))
      const { lastSeq } = this.#journal
      batch.forEach(({ id }, index) =>
        this.#answer(id, { verdict: verdicts[index] ?? 'refused', lastSeq } satisfies Reported),
      )
    } catch (error) {
      const refused: Reported = { verdict: 'refused', lastSeq: this.#journal.lastSeq, failure: failureOf(error) }
      for (const { id } of batch) this.#answer(id, refused)
    }
  }

  #today(): Today {
    const { wall, state } = this.#clock.now()
    return { day: localDay(wall, this.#offset), synced: state === 'synced' }
  }

  /** In small steps: a person at a reader must not wait for housekeeping. */
  #forgetOld(): void {
    const now = this.#clock.now()
    // A clock that was never set must not decide what is old.
    if (now.state !== 'synced') return
    const forgotten = this.#journal.forget(now.wall - this.#options.keepSettledMs, RETENTION_STEP)
    if (forgotten === RETENTION_STEP) setTimeout(() => this.#forgetOld(), 100).unref()
  }

  #close(): void {
    clearInterval(this.#retention)
    while (this.#queued.length > 0) this.#commit()
    this.#journal.close()
    setImmediate(() => this.#port.close())
  }

  #answer(id: number, value: unknown): void {
    this.#post({ id, value })
  }

  #post(answer: Answer): void {
    this.#port.postMessage(answer)
  }
}

function failureOf(error: unknown): Failure {
  const known = error instanceof DaemonError ? error : undefined
  const message = known ? known.message : error instanceof Error ? (error.stack ?? error.message) : messageOf(error)
  return { code: known?.code, message, hint: known?.hint }
}

if (parentPort) {
  try {
    new Thread(parentPort, workerData as ThreadOptions)
  } catch (error) {
    parentPort.postMessage({ id: 0, failure: failureOf(error) } satisfies Answer)
    parentPort.close()
  }
}
