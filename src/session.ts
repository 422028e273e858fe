/** What one run of a driver gets: its session, with the checks that keep a driver honest. */
import type { Report } from './attendance.js'
import { claimedDetail, claimedFigures, claimedIdentity, claimedSample, claimedSighting, claimedTrouble } from './claimed.js' // prettier-ignore
import type { Clock } from './clock.js'
import type { ReaderConfig } from './config/config.js'
import type {
  DeviceIdentity,
  EventDetail,
  LogFields,
  Logger,
  Point,
  PointTrouble,
  ReaderSession,
  TransportKind,
  Transports,
} from './driver.js'
import { DaemonError, messageOf } from './errors.js'
import type { Reported } from './journal/protocol.js'
import type { JournalThread } from './journal/client.js'
import type { Census, Moment, Origin, ReaderId, Sample, Sighting, Verdict } from './model.js'
import type { ReaderRequests } from './requests.js'
import type { Status } from './status.js'
import type { Turns } from './turns.js'
import type { SiteZone } from './zone.js'

/** A clock that remembers which moments it gave out: those, and no others, may stand in a sighting. */
export class StampingClock implements Clock {
  readonly #clock: Clock
  readonly #stamped = new WeakSet<Moment>()

  constructor(clock: Clock) {
    this.#clock = clock
  }
  now(): Moment {
    const moment = this.#clock.now()
    this.#stamped.add(moment)
    return moment
  }
  uptime(): number {
    return this.#clock.uptime()
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, signal)
  }
  stamped(moment: Moment): boolean {
    return this.#stamped.has(moment)
  }
}

/** Writes an event about a reader or point into the journal. Never rejects. */
export type Note = (at: ReaderId, type: string, detail: EventDetail, once?: string) => Promise<void>

/** Takes evidence of presence. */
export type Sense = (sample: Sample | Census) => void

export interface SessionContext {
  readonly reader: ReaderConfig
  readonly status: Status
  readonly clock: Clock
  readonly stamps: StampingClock
  readonly log: Logger
  readonly signal: AbortSignal
  readonly turns: Turns
  readonly report: (report: Report) => Promise<Reported>
  readonly onReady: (identity: DeviceIdentity) => void
  readonly requests: ReaderRequests
  readonly note: Note
  readonly zone: SiteZone
  readonly memory: Pick<JournalThread, 'recall' | 'remember'>
  readonly sense: Sense
}

/** A session as the contract has it, for a transport of any kind. */
export type Session = Omit<ReaderSession<Readonly<Record<string, unknown>>, TransportKind>, 'transport'> & {
  readonly transport: Transports[TransportKind]
}

/** What a run of a driver keeps besides. */
interface Run extends SessionContext {
  /** Says what is wrong with the driver: each thing once, as one gone wild does it a thousand times a second. */
  readonly complain: (message: string, fields: LogFields) => void
}

/** A driver gone wild has many faults; nobody reads more of them. */
const MOST_COMPLAINTS = 20

function runOf(context: SessionContext): Run {
  const said = new Set<string>()
  const complain = (message: string, fields: LogFields): void => {
    const what = `${message} ${JSON.stringify(fields)}`
    if (said.has(what) || said.size >= MOST_COMPLAINTS) return
    said.add(what)
    context.log.error(message, { event: 'driver-bug', code: 'driver-bug', ...fields })
  }
  return { ...context, complain }
}

/** Makes the session of one run. */
export function makeSession(context: SessionContext, transport: Transports[TransportKind]): Session {
  const { reader, status, clock, log, signal, requests } = context
  let ready = false
  const run = runOf(context)
  return {
    readerId: reader.id,
    config: reader.options,
    transport,
    scheme: reader.transport.scheme,
    points: reader.points.map(({ id, name, match, options }): Point => ({ id, name, match, options })),
    requests,
    signal,
    clock,
    log,
    ready: (identity) => {
      if (ready || context.turns.closed) return
      ready = true
      context.onReady(claimedIdentity(identity))
    },
    report: (sighting) => report(run, sighting),
    sense: (sample) => sense(run, sample),
    zone: context.zone,
    count: (counter, by = 1) => {
      const { counters } = status.reader(reader.id)
      if (Object.hasOwn(counters, counter) && Number.isFinite(by)) counters[counter] += by
    },
    ...pointCalls(run),
    ...memoryCalls(context),
  }
}

function memoryCalls({ memory, reader, turns }: SessionContext): Pick<Session, 'recall' | 'remember'> {
  const taking = async <T>(act: () => Promise<T>): Promise<T> => {
    const taken = await turns.others.take(async () => ({ result: await act() }))
    if (taken) return taken.result
    throw new DaemonError('driver-bug', 'too much is to be remembered, or the run is over')
  }
  return {
    recall: (key) => taking(() => memory.recall(reader.id, key)),
    remember: async (key, value) => {
      await taking(() => memory.remember(reader.id, key, value))
    },
  }
}

const EVENT_TYPE = /^[a-z0-9-]{1,48}$/

function pointCalls(run: Run): Pick<Session, 'pointReady' | 'pointLost' | 'event' | 'measure'> {
  const { reader, status, log, note, turns, complain } = run
  const known = (point: ReaderId): boolean => isPoint(run, point)
  return {
    pointReady: (point, identity) => {
      if (!known(point)) return
      const claimed = claimedIdentity(identity)
      status.reader(point).identity = claimed
      status.set(point, 'up')
      log.info('Point up', { event: 'reader-up', point, ...claimed })
    },
    pointLost: (point, trouble) => {
      if (known(point)) lose(run, point, claimedTrouble(trouble))
    },
    event: async (type, detail = {}, point, once) => {
      if (point !== undefined && !known(point)) return
      if (!EVENT_TYPE.test(type)) return complain('Driver named no event', {})
      const claimed = claimedDetail(detail)
      await turns.others.take(() => note(point ?? reader.id, type, claimed, once))
    },
    measure: (figures, point) => {
      if (point === undefined || known(point))
        Object.assign(status.reader(point ?? reader.id).figures, claimedFigures(figures))
    },
  }
}

function isPoint({ reader, complain }: Run, point: ReaderId): boolean {
  if (reader.points.some(({ id }) => id === point)) return true
  complain('Driver named an unknown point', { point: messageOf(point).slice(0, 32) })
  return false
}

function lose({ status, log, note }: SessionContext, point: ReaderId, { code, reason, hint }: PointTrouble): void {
  const wasUp = status.reader(point).state.state === 'up'
  status.set(point, 'down', code, hint ?? reason)
  if (!wasUp) return
  log.warn('Point lost', { event: 'reader-lost', point, code, reason, hint })
  void note(point, 'reader-lost', { code })
}

async function report(run: Run, given: Sighting): Promise<Verdict> {
  const { reader, status, stamps, log, report: store, turns } = run
  // point: session.reported
  if (turns.reports.full) return impossible(run, turns.closed ? 'its run is over' : 'thousands are waiting already')
  const sighting = claimedSighting(given, (moment) => stamps.stamped(moment))
  if (typeof sighting === 'string') return impossible(run, sighting)
  const origin = originOf(reader, sighting.point)
  if (!origin) return impossible(run, 'its point is none')
  for (const id of new Set([reader.id, origin.reader])) status.reader(id).lastGoodRead = sighting.arrived.wall
  const reported = await turns.reports.take(() => store({ origin, sighting }))
  if (!reported) return 'refused'
  const { verdict, failure } = reported
  // point: session.stored
  const card = sighting.credential.value.slice(-4)
  if (failure) {
    log.error('Punch not stored', {
      event: 'punch-refused',
      code: failure.code,
      reason: failure.message,
      hint: failure.hint,
    })
  } else log.info('Punch stored', { event: 'punch-stored', verdict, credential: `…${card}` })
  return verdict
}

function impossible({ complain }: Run, reason: string): 'refused' {
  complain('Driver made an impossible sighting', { reason })
  return 'refused'
}

function sense({ stamps, complain, sense: take, status, reader, turns }: Run, given: Sample | Census): void {
  if (turns.closed) return
  const sample = claimedSample(given, (moment) => stamps.stamped(moment))
  if (typeof sample === 'string') return complain('Driver sensed the impossible', { reason: sample })
  status.reader(reader.id).lastGoodRead = sample.arrived.wall
  take(sample)
}

/** From the configuration, never from the driver: it cannot speak for another door. */
function originOf(reader: ReaderConfig, point: ReaderId | undefined): Origin | undefined {
  const at =
    reader.points.length === 0
      ? point === undefined
        ? reader
        : undefined
      : reader.points.find(({ id }) => id === point)
  return at && { reader: at.id, place: at.place, direction: at.direction, driver: reader.driver, sim: reader.sim }
}
