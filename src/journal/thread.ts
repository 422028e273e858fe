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
import { FollowedSync } from '../sync.js'
import { packed } from './columns.js'
import { writeCorrections } from './corrections.js'
import { Journal, type Draft } from './journal.js'
import { offsetAt } from './time.js'
import {
  UNASKED,
  type Answer,
  type Failure,
  type Reported,
  type Request,
  type Requests,
  type ThreadOptions,
  type Verb,
} from './protocol.js'

/** A commit of this many rows is fast enough; more would make the first of them wait. */
const MAX_BATCH = 512
const RETENTION_EVERY_MS = 3_600_000
const RETENTION_STEP = 500
/** The anchor lags at most so much. */
const ANCHOR_MS = 900
/** The newest records are looked at before anything is stored, the others while there is nothing else to do. */
const CHECKED_AT_START = 2_000
const CHECK_STEP = 200
const CHECK_PAUSE_MS = 250

/** What is answered at once; reports wait for their commit. */
type Plain = Exclude<Verb, 'report'>
type Actions = { readonly [V in Plain]: (args: Requests[V]['args']) => unknown }

interface Queued {
  readonly id: number
  readonly report: Report
}

class Thread {
  readonly #port: MessagePort
  readonly #options: ThreadOptions
  readonly #clock: SystemClock
  readonly #journal: Journal
  readonly #attendance: Attendance
  readonly #retention: NodeJS.Timeout
  readonly #anchoring: NodeJS.Timeout
  #checking: NodeJS.Timeout
  #rotating: NodeJS.Timeout
  readonly #offset = (wall: number): number => offsetAt(this.#options.identity.offsets, wall)
  readonly #actions: Actions = {
    append: (draft) => {
      if (!this.#isStored(draft)) this.#journal.append([draft])
      return this.#journal.lastSeq
    },
    tail: ({ after, limit }) => {
      const { records, through } = this.#journal.tail(after, limit)
      return { columns: packed(records), through }
    },
    get: (seq) => {
      const record = this.#journal.get(seq)
      return packed(record ? [record] : [])
    },
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
    correct: (now) => ({ more: writeCorrections(this.#journal, now), lastSeq: this.#journal.lastSeq }),
    newest: () => this.#journal.times.newest,
    erase: (order) => this.#journal.erasure.step(order, this.#journal.state.settled),
    rotate: () => {
      this.#journal.rotation.begin()
      return this.#rotateOn()
    },
    state: () => this.#journal.state,
    close: () => this.#close(),
  }
  #queued: Queued[] = []

  constructor(port: MessagePort, options: ThreadOptions) {
    this.#port = port
    this.#options = options
    this.#clock = new SystemClock(options.sync ? { sync: new FollowedSync(options.sync) } : {})
    this.#journal = new Journal(options.file, options.identity)
    const { people, states } = this.#journal.tables
    const rules = { ...options.policy, people, states, offset: this.#offset }
    this.#attendance = new Attendance(this.#journal, options.repeatWindowMs, options.now ?? this.#clock.now(), rules)
    this.#retention = setInterval(() => this.#forgetOld(), RETENTION_EVERY_MS)
    this.#anchoring = setInterval(() => this.#journal.head.keepAnchor(), ANCHOR_MS)
    port.on('message', (request: Request) => this.#take(request))
    const { lastSeq } = this.#journal
    const { damages } = this.#journal.check(Math.max(0, lastSeq - CHECKED_AT_START), CHECKED_AT_START)
    this.#answer(0, { ...this.#journal.state, damages })
    this.#checking = setTimeout(() => this.#checkOld(0, lastSeq - CHECKED_AT_START), CHECK_PAUSE_MS)
    this.#rotating = setTimeout(() => this.#rotateOld(), CHECK_PAUSE_MS)
  }

  #take({ id, verb, args }: Request): void {
    if (verb === 'report') {
      // point: thread.received
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

  /** What may be there once only, and a sync that was there before the restart. */
  #isStored({ once, sync }: Draft): boolean {
    if (sync?.state === 'synced' && this.#journal.times.isSynced(sync.at.boot)) return true
    return once !== undefined && this.#journal.hasOnce(once)
  }

  #commit(): void {
    // point: thread.before-commit
    const batch = this.#queued.splice(0, MAX_BATCH)
    if (batch.length === 0) return
    if (this.#queued.length > 0) setImmediate(() => this.#commit())
    this.#store(batch)
  }

  #store(batch: readonly Queued[]): void {
    try {
      const verdicts = this.#attendance.record(batch.map(({ report }) => report))
      // point: thread.before-answer
      const { lastSeq } = this.#journal
      batch.forEach(({ id }, index) =>
        this.#answer(id, { verdict: verdicts[index] ?? 'refused', lastSeq } satisfies Reported),
      )
    } catch (error) {
      // One that cannot be judged must not take the others of its commit with it.
      if (batch.length > 1 && !(error instanceof DaemonError)) return batch.forEach((one) => this.#store([one]))
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
    // point: retention.before-forget
    const forgotten = this.#journal.forget(now.wall - this.#options.keepSettledMs, RETENTION_STEP, now.wall)
    // point: retention.forgotten
    if (forgotten === RETENTION_STEP) setTimeout(() => this.#forgetOld(), 100).unref()
  }

  /** So slowly that nobody at a reader notices. */
  #checkOld(after: number, end: number): void {
    if (after >= end) return
    const { damages, through } = this.#journal.check(after, Math.min(CHECK_STEP, end - after))
    if (damages.length > 0) this.#answer(UNASKED, damages)
    if (through !== undefined) this.#checking = setTimeout(() => this.#checkOld(through, end), CHECK_PAUSE_MS)
  }

  /** Goes on with a change of keys that a stop interrupted; true while there is more to do. */
  #rotateOn(): boolean {
    if (!this.#journal.rotation.isUnfinished) return false
    return this.#journal.rotation.step() !== undefined
  }

  #rotateOld(): void {
    if (this.#rotateOn()) this.#rotating = setTimeout(() => this.#rotateOld(), CHECK_PAUSE_MS)
  }

  #close(): void {
    clearInterval(this.#retention)
    clearInterval(this.#anchoring)
    clearTimeout(this.#checking)
    clearTimeout(this.#rotating)
    // point: thread.before-close
    while (this.#queued.length > 0) this.#commit()
    this.#journal.head.keepAnchor()
    this.#journal.close()
    // point: thread.closed
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
