/** One reader for ever: open, run, close, wait, again. Its failures stay its own. */
import { linkedAbort } from './abort.js'
import type { Report } from './attendance.js'
import type { Clock } from './clock.js'
import type { ReaderConfig } from './config/config.js'
import type { AnyDriver, DeviceIdentity, Logger, TransportKind, Transports } from './driver.js'
import type { RequestDesk } from './desk.js'
import { DaemonError, DeviceError, messageOf } from './errors.js'
import type { JournalThread } from './journal/client.js'
import type { Reported } from './journal/protocol.js'
import { withFields } from './log.js'
import type { PresenceBook } from './presence.js'
import { pauses } from './retry.js'
import { RequestQueue } from './request-queue.js'
import { makeSession, StampingClock, type Note, type Sense, type Session } from './session.js'
import type { Status } from './status.js'
import { Turns } from './turns.js'
import type { OpenTransport } from './transport/url.js'
import type { SiteZone } from './zone.js'

export interface SupervisorContext {
  readonly driver: AnyDriver
  readonly open: OpenTransport
  readonly clock: Clock
  readonly log: Logger
  readonly status: Status
  readonly report: (report: Report) => Promise<Reported>
  /** The reader went from up to not up. */
  readonly onLost: (reader: ReaderConfig, code: string) => void
  readonly desk: Pick<RequestDesk, 'opened' | 'closed'>
  readonly note: Note
  readonly zone: SiteZone
  readonly memory: Pick<JournalThread, 'recall' | 'remember'>
  /** For drivers that hear people: who is there. */
  readonly presence?: PresenceBook | undefined
  /** Spreads the pauses; numbers in [0, 1). */
  readonly random?: () => number
}

/** A replugged reader must be back within ten seconds. */
const BACK_OFF = { firstMs: 500, maxMs: 8_000 }
/** What the device itself refuses will not pass in a second. */
const FAULTED_MS = 60_000
/** A driver that has not ended this long after the abort is left behind. */
const STOP_MS = 3_000

/** Runs until the signal aborts. Never rejects. */
export async function supervise(reader: ReaderConfig, context: SupervisorContext, signal: AbortSignal): Promise<void> {
  if (reader.enabled) await new Supervision(reader, context).run(signal)
}

/** What ends with one run of a driver. */
interface RunParts {
  readonly stamps: StampingClock
  readonly turns: Turns
  readonly signal: AbortSignal
}

class Supervision {
  readonly #reader: ReaderConfig
  readonly #context: SupervisorContext
  readonly #log: Logger
  #backOff: Generator<number, never>
  /** Why it is not up, as the log has it. */
  #told: string | undefined

  constructor(reader: ReaderConfig, context: SupervisorContext) {
    this.#reader = reader
    this.#context = context
    this.#log = withFields(context.log, { reader: reader.id, driver: reader.driver })
    this.#backOff = pauses(BACK_OFF, context.random)
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const failure = await this.#runOnce(signal)
      if (signal.aborted || !failure) return
      const { phase } = this.#failed(failure)
      await this.#context.clock.sleep(phase === 'faulted' ? FAULTED_MS : this.#backOff.next().value, signal)
    }
  }

  /** One run. Resolves with what ended it; undefined when it was the stop. */
  async #runOnce(stop: AbortSignal): Promise<Diagnosis | undefined> {
    const { driver, open, clock, desk } = this.#context
    const run = linkedAbort(stop)
    const stamps = new StampingClock(clock)
    const turns = new Turns()
    let close: (() => Promise<void>) | undefined
    try {
      const opened = await open(this.#reader.transport, { clock: stamps, signal: run.signal, log: this.#log })
      close = () => opened.close()
      const session = this.#session({ stamps, turns, signal: run.signal }, opened.transport)
      await endedOrLeft(startDriver(driver, session), run.signal, this.#context)
      return stop.aborted ? undefined : diagnose(new DaemonError('driver-bug', 'the driver ended by itself'))
    } catch (error) {
      // Never the error itself: a promise looks whether its value is one, and what was thrown may throw at that.
      return diagnose(error)
    } finally {
      run.abort()
      turns.close()
      desk.closed(this.#reader.id)
      await close?.()
    }
  }

  #session(run: RunParts, transport: Transports[TransportKind]): Session {
    const { signal } = run
    const { clock, report, status, desk, note, zone, memory, presence } = this.#context
    const requests = new RequestQueue(signal)
    desk.opened(this.#reader.id, requests)
    const onReady = (identity: DeviceIdentity): void => {
      this.#ready(identity)
      void presence?.listen(signal)
    }
    const sense: Sense = (sample) => presence?.take(sample)
    const reader = this.#reader
    return makeSession(
      { ...run, reader, status, clock, log: this.#log, report, onReady, requests, note, zone, memory, sense },
      transport,
    )
  }

  #ready(identity: DeviceIdentity): void {
    const { status, random } = this.#context
    this.#backOff = pauses(BACK_OFF, random)
    this.#told = undefined
    status.reader(this.#reader.id).identity = identity
    status.set(this.#reader.id, 'up')
    this.#log.info('Reader up', { event: 'reader-up', ...identity })
  }

  #failed(diagnosis: Diagnosis): Diagnosis {
    const { status, onLost } = this.#context
    const { phase, code, message, hint, stack } = diagnosis
    const wasUp = status.reader(this.#reader.id).state.state === 'up'
    for (const { id } of [this.#reader, ...this.#reader.points]) status.set(id, phase, code, hint ?? message)
    // Edges, not retries: one line when it is lost, and one when the reason changes.
    if (this.#told !== message) {
      const facts = { event: 'reader-lost', code, reason: message, hint, ...(stack !== undefined && { stack }) }
      this.#log[phase === 'faulted' ? 'error' : 'warn'](wasUp ? 'Reader lost' : 'Reader not available', facts)
    }
    this.#told = message
    if (wasUp) onLost(this.#reader, code)
    return diagnosis
  }
}

/** The registry cannot know the options of every driver: the loader has checked them against its declaration. */
function startDriver(driver: AnyDriver, session: Session): Promise<void> {
  return driver.run(session as never)
}

/** Waits for the driver; after an abort only for a while. */
async function endedOrLeft(running: Promise<void>, signal: AbortSignal, { clock }: SupervisorContext): Promise<void> {
  const grace = new AbortController()
  const left = new Promise<void>((resolve) => {
    const leave = (): void => void clock.sleep(STOP_MS, grace.signal).then(resolve)
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
  })
  try {
    await Promise.race([running, left])
  } finally {
    grace.abort()
  }
}

interface Diagnosis {
  readonly phase: 'down' | 'faulted'
  readonly code: string
  readonly message: string
  readonly hint: string | undefined
  /** Of a bug; that of an expected failure does not belong in the log. */
  readonly stack?: string | undefined
}

/** What an error means for the reader. An unknown one is a bug in the driver, and stays this reader's. */
function diagnose(failure: unknown): Diagnosis {
  try {
    return failure instanceof DaemonError ? expected(failure) : bug(failure)
  } catch {
    // Thrown to be looked at: its fields throw.
    return bug(undefined)
  }
}

function expected(failure: DaemonError): Diagnosis {
  const phase = failure instanceof DeviceError || failure.code === 'driver-bug' ? 'faulted' : 'down'
  const { code, hint } = failure
  const told = { code: messageOf(code), message: messageOf(failure) }
  return { phase, ...told, hint: hint === undefined ? undefined : messageOf(hint) }
}

function bug(failure: unknown): Diagnosis {
  return {
    phase: 'faulted',
    code: 'driver-bug',
    message: messageOf(failure),
    hint: 'a fault in punchd: please report it with this log',
    stack: failure instanceof Error ? String(failure.stack) : undefined,
  }
}
