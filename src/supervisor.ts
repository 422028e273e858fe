/** One reader for ever: open, run, close, wait, again. Its failures stay its own. */
import type { Report } from './attendance.js'
import type { Clock } from './clock.js'
import type { ReaderConfig } from './config/config.js'
import type { AnyDriver, DeviceIdentity, Logger } from './driver.js'
import { DaemonError, DeviceError, messageOf } from './errors.js'
import type { Reported } from './journal/protocol.js'
import { withFields } from './log.js'
import { pauses } from './retry.js'
import { makeSession, StampingClock, type Session } from './session.js'
import type { Status } from './status.js'
import type { OpenTransport } from './transport/url.js'

export interface SupervisorContext {
  readonly driver: AnyDriver
  readonly open: OpenTransport
  readonly clock: Clock
  readonly log: Logger
  readonly status: Status
  readonly report: (report: Report) => Promise<Reported>
  /** The reader went from up to not up. */
  readonly onLost: (reader: ReaderConfig, code: string) => void
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
  const { clock, status } = context
  const log = withFields(context.log, { reader: reader.id, driver: reader.driver })
  if (!reader.enabled) return
  let backOff = pauses(BACK_OFF, context.random)
  let lost: string | undefined
  while (!signal.aborted) {
    const onReady = (identity: DeviceIdentity): void => {
      backOff = pauses(BACK_OFF, context.random)
      lost = undefined
      status.reader(reader.id).identity = identity
      status.set(reader.id, 'up')
      log.info('Reader up', { event: 'reader-up', ...identity })
    }
    const failure = await runOnce(reader, context, log, signal, onReady)
    if (signal.aborted) return
    const wasUp = status.reader(reader.id).state.state === 'up'
    const { phase, code, message, hint } = diagnose(failure)
    status.set(reader.id, phase, code, hint ?? message)
    // Edges, not retries: one line when it is lost, and one when the reason changes.
    if (lost !== message) {
      const write = phase === 'faulted' ? log.error.bind(log) : log.warn.bind(log)
      write(wasUp ? 'Reader lost' : 'Reader not available', { event: 'reader-lost', code, reason: message, hint, ...stackOf(failure) })
    }
    lost = message
    if (wasUp) context.onLost(reader, code)
    await clock.sleep(phase === 'faulted' ? FAULTED_MS : backOff.next().value, signal)
  }
}

/** One run. Resolves with what ended it; undefined when it was the abort. */
async function runOnce(
  reader: ReaderConfig,
  context: SupervisorContext,
  log: Logger,
  stop: AbortSignal,
  onReady: (identity: DeviceIdentity) => void,
): Promise<unknown> {
  const run = new AbortController()
  const signal = AbortSignal.any([stop, run.signal])
  const stamps = new StampingClock(context.clock)
  let close: (() => Promise<void>) | undefined
  try {
    const opened = await context.open(reader.transport, { clock: stamps, signal, log })
    close = () => opened.close()
    const { clock, report } = context
    const status = context.status.reader(reader.id)
    const session = makeSession({ reader, status, clock, stamps, log, signal, report, onReady }, opened.transport)
    await endedOrLeft(startDriver(context.driver, session), signal, context)
    return stop.aborted ? undefined : new DaemonError('driver-bug', 'the driver ended by itself')
  } catch (error) {
    return error
  } finally {
    run.abort()
    await close?.()
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
}

/** What an error means for the reader. An unknown one is a bug in the driver, and stays this reader's. */
function diagnose(failure: unknown): Diagnosis {
  if (failure instanceof DaemonError) {
    const phase = failure instanceof DeviceError || failure.code === 'driver-bug' ? 'faulted' : 'down'
    return { phase, code: failure.code, message: failure.message, hint: failure.hint }
  }
  return { phase: 'faulted', code: 'driver-bug', message: messageOf(failure), hint: 'a fault in punchd: please report it with this log' }
}

/** The stack of a bug belongs in the log; that of an expected failure does not. */
function stackOf(failure: unknown): { stack?: string | undefined } {
  return failure instanceof DaemonError || !(failure instanceof Error) ? {} : { stack: failure.stack }
}
