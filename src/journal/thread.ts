/**
 * The journal's thread: an fsync blocks here and nowhere else. Reports that arrive while a commit is under way
 * are the next commit: group commit without a timer, and each still waits for its own fsync.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { Attendance, type Report } from '../attendance.js'
import { SystemClock, type Clock } from '../clock.js'
import { DaemonError, messageOf } from '../errors.js'
import { localDay } from '../attendance-records.js'
import type { Today } from '../people.js'
import { FollowedSync } from '../sync.js'
import { packed } from './columns.js'
import { writeCorrections } from './corrections.js'
import { Journal, type Draft } from './journal.js'
import { offsetAt } from './time.js'
import { TIMERS, type Cancel, type Timers } from './timers.js'
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

/** The thread's end of the line to the daemon. */
export interface ThreadPort {
  on(event: 'message', listener: (request: Request) => void): unknown
  postMessage(answer: Answer): void
  close(): void
}

/** What the thread tells the time by. */
export interface ThreadTime {
  readonly clock: Clock
  readonly timers: Timers
}

class Thread {
  readonly #port: ThreadPort
  readonly #options: ThreadOptions
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #journal: Journal
  readonly #attendance: Attendance
  readonly #retention: Cancel
  readonly #anchoring: Cancel
  #forgetting: Cancel = () => undefined
  #checking: Cancel
  #rotating: Cancel
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

  constructor(port: ThreadPort, options: ThreadOptions, { clock, timers }: ThreadTime) {
    this.#port = port
    this.#options = options
    this.#clock = clock
    this.#timers = timers
    this.#journal = new Journal(options.file, options.identity)
    const { people, states } = this.#journal.tables
    const rules = { ...options.policy, people, states, offset: this.#offset }
    this.#attendance = new Attendance(this.#journal, options.repeatWindowMs, options.now ?? clock.now(), rules)
    this.#retention = timers.every(RETENTION_EVERY_MS, () => this.#forgetOld())
    this.#anchoring = timers.every(ANCHOR_MS, () => this.#journal.head.keepAnchor())
    port.on('message', (request: Request) => this.#take(request))
    const { lastSeq } = this.#journal
    const { damages } = this.#journal.check(Math.max(0, lastSeq - CHECKED_AT_START), CHECKED_AT_START)
    this.#answer(0, { ...this.#journal.state, damages })
    this.#checking = timers.after(CHECK_PAUSE_MS, () => this.#checkOld(0, lastSeq - CHECKED_AT_START))
    this.#rotating = timers.after(CHECK_PAUSE_MS, () => this.#rotateOld())
  }

  #take({ id, verb, args }: Request): void {
    if (verb === 'report') {
      // point: thread.received
      this.#queued.push({ id, report: args as Report })
      if (this.#queued.length === 1) this.#timers.soon(() => this.#commit())
      return
    }
    try {
      this.#answer(id, this.#do(verb, args as never))
    } catch (error) {
      this.#port.postMessage({ id, failure: failureOf(error) })
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
    if (this.#queued.length > 0) this.#timers.soon(() => this.#commit())
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
    if (forgotten === RETENTION_STEP) this.#forgetting = this.#timers.after(100, () => this.#forgetOld())
  }

  /** So slowly that nobody at a reader notices. */
  #checkOld(after: number, end: number): void {
    if (after >= end) return
    const { damages, through } = this.#journal.check(after, Math.min(CHECK_STEP, end - after))
    if (damages.length > 0) this.#answer(UNASKED, damages)
    if (through !== undefined) this.#checking = this.#timers.after(CHECK_PAUSE_MS, () => this.#checkOld(through, end))
  }

  /** Goes on with a change of keys that a stop interrupted; true while there is more to do. */
  #rotateOn(): boolean {
    if (!this.#journal.rotation.isUnfinished) return false
    return this.#journal.rotation.step() !== undefined
  }

  #rotateOld(): void {
    if (this.#rotateOn()) this.#rotating = this.#timers.after(CHECK_PAUSE_MS, () => this.#rotateOld())
  }

  #close(): void {
    for (const cancel of [this.#retention, this.#anchoring, this.#forgetting, this.#checking, this.#rotating]) cancel()
    // point: thread.before-close
    while (this.#queued.length > 0) this.#commit()
    this.#journal.head.keepAnchor()
    this.#journal.close()
    // point: thread.closed
    this.#timers.soon(() => this.#port.close())
  }

  #answer(id: number, value: unknown): void {
    this.#port.postMessage({ id, value })
  }
}

function failureOf(error: unknown): Failure {
  const known = error instanceof DaemonError ? error : undefined
  const message = known ? known.message : error instanceof Error ? (error.stack ?? error.message) : messageOf(error)
  return { code: known?.code, message, hint: known?.hint }
}

/** Opens the journal and answers what comes through `port`; its first answer says how that went. */
export function runThread(port: ThreadPort, options: ThreadOptions, time: ThreadTime): void {
  try {
    new Thread(port, options, time)
  } catch (error) {
    port.postMessage({ id: 0, failure: failureOf(error) })
    port.close()
  }
}

if (parentPort) {
  const options = workerData as ThreadOptions
  const clock = new SystemClock(options.sync ? { sync: new FollowedSync(options.sync) } : {})
  runThread(parentPort, options, { clock, timers: TIMERS })
}
