/** The start and stop order of everything. Knows no driver by name. */
import { chmodSync } from 'node:fs'
import { aborted } from './abort.js'
import { ClockWatch } from './clock-watch.js'
import type { ReaderConfig } from './config/config.js'
import { controlSocket, journalFile } from './config/paths.js'
import type { ControlServer } from './control.js'
import { controlActions } from './answers.js'
import { RequestDesk } from './desk.js'
import type { AnyDriver } from './driver.js'
import { JournalError, messageOf } from './errors.js'
import { HOST, type Host } from './host.js'
import type { JournalThread } from './journal/client.js'
import type { JournalState } from './journal/journal.js'
import { zoneFormatter } from './journal/time.js'
import { withFields } from './log.js'
import { PresenceBook } from './presence.js'
import { audit, tellStart } from './journal-news.js'
import { Sending, type SendingContext } from './sending.js'
import type { Note } from './session.js'
import { Status } from './status.js'
import { supervise, type SupervisorContext } from './supervisor.js'
import { Systemd } from './systemd.js'
import { threadOptions } from './thread-options.js'
import type { OpenTransport } from './transport/url.js'
import { siteZone } from './zone.js'
import { isAnchored, unanchored } from './unanchored.js'

export interface DaemonContext extends Omit<SendingContext, 'host'> {
  readonly drivers: readonly AnyDriver[]
  readonly open: OpenTransport
  /** Default: this machine. */
  readonly host?: Host
}

type Grounded = DaemonContext & SendingContext

/** Runs the daemon until `stop` aborts (then resolves) or something ends it (then rejects). */
export async function runDaemon(context: DaemonContext, stop: AbortSignal): Promise<void> {
  const { host = HOST } = context
  const unlock = host.lock(context.config.data.path)
  try {
    // point: start.locked
    await new Daemon({ ...context, host }).run(stop)
  } finally {
    // point: stop.before-unlock
    unlock()
  }
}

const RULES_TICK_MS = 1_000

class Daemon {
  readonly #context: Grounded
  readonly #status: Status
  readonly #systemd: Systemd
  readonly #file: string
  readonly #desk: RequestDesk
  /** Ends the daemon with an error: a journal that fails, a thread that dies. */
  readonly #fatal = new AbortController()

  constructor(context: Grounded) {
    const { config, clock, log } = context
    this.#context = context
    this.#status = new Status(clock, config.readers)
    this.#systemd = new Systemd({ clock, log })
    this.#file = journalFile(config)
    this.#desk = new RequestDesk(config.readers, context.drivers)
  }

  async run(stop: AbortSignal): Promise<void> {
    const { log, version, config } = this.#context
    log.info('punchd starts', {
      event: 'daemon-starting',
      version,
      node: process.versions.node,
      readers: config.readers.length,
    })
    const { thread, state } = await this.#openJournal()
    try {
      await this.#serve(thread, state, AbortSignal.any([stop, this.#fatal.signal]))
    } finally {
      // point: stop.sending-ended
      await thread.close().catch((error: unknown) => {
        log.error('Journal not closed cleanly', { event: 'journal-close-failed', reason: messageOf(error) })
      })
    }
    if (this.#fatal.signal.aborted) throw this.#fatal.signal.reason
    log.info('punchd stopped', { event: 'daemon-stopped' })
  }

  async #openJournal(): Promise<{ thread: JournalThread; state: JournalState }> {
    const { config, clock, host } = this.#context
    const anchored = isAnchored(this.#file)
    const opened = await host.openJournal({ ...threadOptions(config), now: clock.now(), sync: clock.shared })
    const { thread, state } = opened
    thread.onDeath = (error) => this.#fatal.abort(error)
    if (state.lastSeq === 0) chmodSync(this.#file, 0o640)
    if (!anchored && state.lastSeq > 0) await thread.append(unanchored(this.#context))
    // point: start.journal-open
    await tellStart(thread, state, this.#context)
    return opened
  }

  async #serve(thread: JournalThread, state: JournalState, stop: AbortSignal): Promise<void> {
    const parts = {
      context: this.#context,
      thread,
      state,
      file: this.#file,
      status: this.#status,
      systemd: this.#systemd,
    }
    const sending = new Sending(parts)
    sending.start()
    const control = await this.#listen(thread, sending)
    // point: start.before-readers
    void this.#systemd.ready('starting readers')
    void this.#systemd.watchdog(() => isAlive(thread), stop)
    void this.#waitForFactors(thread, stop)
    await this.#readers(thread, stop)
    // Readers stop first and the connection to the broker last, so that the last punches still leave.
    // point: stop.readers-ended
    void this.#systemd.stopping()
    await control?.close()
    await sending.stop()
  }

  /** Only rules make anything due. */
  async #waitForFactors(thread: JournalThread, stop: AbortSignal): Promise<void> {
    const { clock, config } = this.#context
    while (config.policy.verify.length > 0 && !stop.aborted) {
      await clock.sleep(RULES_TICK_MS, stop)
      if (!stop.aborted) await thread.tick().catch((error: unknown) => this.#storageFailed(error))
    }
  }

  /** Without its control socket the daemon takes punches all the same. */
  async #listen(
    thread: JournalThread,
    { outbox, publisher }: Sending,
  ): Promise<Pick<ControlServer, 'close'> | undefined> {
    const { config, log, host } = this.#context
    const path = controlSocket(config)
    const desk = this.#desk
    const note = this.#noteIn(thread)
    const actions = controlActions({ config, status: this.#status, thread, outbox, publisher, desk, note })
    return host.listen(path, actions).catch((error: unknown) => {
      const hint = 'is data.path longer than 90 characters, or on a file system without sockets?'
      log.warn('No control socket', { event: 'control-absent', path, reason: messageOf(error), hint })
      return undefined
    })
  }

  /** All readers until the stop. */
  async #readers(thread: JournalThread, stop: AbortSignal): Promise<void> {
    const { config, drivers, open, clock, log } = this.#context
    const note = this.#noteIn(thread)
    const report = this.#reportTo(thread)
    const zone = siteZone(config.site.offsets)
    const common = {
      open,
      clock,
      log,
      status: this.#status,
      report,
      onLost: ({ id }: ReaderConfig, code: string) => void note(id, 'reader-lost', { code }),
      note,
      desk: this.#desk,
      zone,
      memory: thread,
    }
    const running = config.readers.map(async (reader) => {
      const driver = drivers.find(({ name }) => name === reader.driver)
      if (!driver) throw new TypeError(`no driver ${reader.driver}`)
      await this.#reader(reader, { ...common, driver }, thread, stop)
    })
    const watch = new ClockWatch({ clock, log, journal: thread, timeOf: zoneFormatter(config.site.offsets) })
    await Promise.all([...running, watch.run(stop), aborted(stop)])
  }

  /** Reports to the journal's thread; what it cannot store is refused. */
  #reportTo(thread: JournalThread): JournalThread['report'] {
    return async (sighting) => {
      const reported = await thread.report(sighting).catch((error: unknown) => refused(error, thread.lastSeq))
      if (reported.failure?.code === 'journal-io')
        this.#storageFailed(new JournalError('journal-io', reported.failure.message))
      return reported
    }
  }

  async #reader(
    reader: ReaderConfig,
    context: SupervisorContext,
    journal: JournalThread,
    stop: AbortSignal,
  ): Promise<void> {
    if (!hearsPeople(context.driver) || !reader.enabled) return supervise(reader, context, stop)
    const presence = this.#presence(reader, journal, context)
    await presence.restored()
    await supervise(reader, { ...context, presence }, stop)
    await presence.close()
  }

  #presence(reader: ReaderConfig, journal: JournalThread, { zone, report, clock }: SupervisorContext): PresenceBook {
    const { log, config } = this.#context
    const timeOf = zoneFormatter(config.site.offsets)
    const readerLog = withFields(log, { reader: reader.id, driver: reader.driver })
    return new PresenceBook({ reader, clock, log: readerLog, zone, timeOf, journal, report })
  }

  /** Writes events about readers and points. A full disk is said by whoever stores punches. */
  #noteIn(thread: JournalThread): Note {
    const { config, clock } = this.#context
    const places = new Map(config.readers.flatMap((reader) => [reader, ...reader.points]).map((at) => [at.id, at]))
    return async (id, type, detail, key) => {
      const once = key === undefined ? undefined : JSON.stringify(['event', id, type, key])
      const draft = { ...audit(clock, type, id, detail, places.get(id)), once }
      await thread.append(draft).catch((error: unknown) => this.#storageFailed(error))
    }
  }

  /** A process that saw an I/O error must not judge the file: it ends, and the next one opens it anew. */
  #storageFailed(error: unknown): void {
    if (error instanceof JournalError && error.code !== 'journal-full') this.#fatal.abort(error)
  }
}

function hearsPeople({ transport }: AnyDriver): boolean {
  return transport === 'advert' || transport === 'station'
}

/** Progress means: the main loop turns, and the journal's thread answers. */
async function isAlive(thread: JournalThread): Promise<boolean> {
  await thread.state()
  return true
}

function refused(error: unknown, lastSeq: number): Awaited<ReturnType<JournalThread['report']>> {
  return { verdict: 'refused', lastSeq, failure: { code: 'journal-io', message: messageOf(error), hint: undefined } }
}
