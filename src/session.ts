/** What one run of a driver gets: its session, with the checks that keep a driver honest. */
import type { Report } from './attendance.js'
import { claimedDetail, claimedFigures, claimedIdentity, claimedSample, claimedSighting, claimedTrouble } from './claimed.js' // prettier-ignore
import type { Clock } from './clock.js'
import type { ReaderConfig } from './config/config.js'
import type {
  DeviceIdentity,
  EventDetail,
  Logger,
  Point,
  PointTrouble,
  ReaderSession,
  TransportKind,
  Transports,
} from './driver.js'
import type { Reported } from './journal/protocol.js'
import type { JournalThread } from './journal/client.js'
import type { Census, Moment, Origin, ReaderId, Sample, Sighting, Verdict } from './model.js'
import type { ReaderRequests } from './requests.js'
import type { Status } from './status.js'
import { Turns } from './turns.js'
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

/** Makes the session of one run. */
export function makeSession(context: SessionContext, transport: Transports[TransportKind]): Session {
  const { reader, status, clock, log, signal, requests } = context
  let ready = false
  const turns = new Turns()
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
      if (ready) return
      ready = true
      context.onReady(claimedIdentity(identity))
    },
    report: (sighting) => report(context, turns, sighting),
    sense: (sample) => sense(context, sample),
    zone: context.zone,
    count: (counter, by = 1) => {
      const { counters } = status.reader(reader.id)
      if (Object.hasOwn(counters, counter) && Number.isFinite(by)) counters[counter] += by
    },
    ...pointCalls(context, turns),
    ...memoryCalls(context),
  }
}

function memoryCalls({ memory, reader }: SessionContext): Pick<Session, 'recall' | 'remember'> {
  return {
    recall: (key) => memory.recall(reader.id, key),
    remember: async (key, value) => {
      await memory.remember(reader.id, key, value)
    },
  }
}

const EVENT_TYPE = /^[a-z0-9-]{1,48}$/

function pointCalls(
  context: SessionContext,
  turns: Turns,
): Pick<Session, 'pointReady' | 'pointLost' | 'event' | 'measure'> {
  const { reader, status, log, note } = context
  const known = (point: ReaderId): boolean => isPoint(context, point)
  return {
    pointReady: (point, identity) => {
      if (!known(point)) return
      const claimed = claimedIdentity(identity)
      status.reader(point).identity = claimed
      status.set(point, 'up')
      log.info('Point up', { event: 'reader-up', point, ...claimed })
    },
    pointLost: (point, trouble) => {
      if (known(point)) lose(context, point, claimedTrouble(trouble))
    },
    event: async (type, detail = {}, point, once) => {
      if (point !== undefined && !known(point)) return
      if (!EVENT_TYPE.test(type)) return log.error('Driver named no event', { event: 'driver-bug', code: 'driver-bug' })
      const claimed = claimedDetail(detail)
      await turns.take(() => note(point ?? reader.id, type, claimed, once))
    },
    measure: (figures, point) => {
      if (point === undefined || known(point))
        Object.assign(status.reader(point ?? reader.id).figures, claimedFigures(figures))
    },
  }
}

function isPoint({ reader, log }: SessionContext, point: ReaderId): boolean {
  if (reader.points.some(({ id }) => id === point)) return true
  log.error('Driver named an unknown point', { event: 'driver-bug', code: 'driver-bug', point })
  return false
}

function lose({ status, log, note }: SessionContext, point: ReaderId, { code, reason, hint }: PointTrouble): void {
  const wasUp = status.reader(point).state.state === 'up'
  status.set(point, 'down', code, hint ?? reason)
  if (!wasUp) return
  log.warn('Point lost', { event: 'reader-lost', point, code, reason, hint })
  void note(point, 'reader-lost', { code })
}

async function report(context: SessionContext, turns: Turns, given: Sighting): Promise<Verdict> {
  const { reader, status, stamps, log, report: store } = context
  // point: session.reported
  const sighting = claimedSighting(given, (moment) => stamps.stamped(moment))
  if (typeof sighting === 'string') return impossible(context, sighting)
  const origin = originOf(reader, sighting.point)
  if (!origin) return impossible(context, 'its point is none')
  for (const id of new Set([reader.id, origin.reader])) status.reader(id).lastGoodRead = sighting.arrived.wall
  const reported = await turns.take(() => store({ origin, sighting }))
  if (!reported) return impossible(context, 'thousands are waiting already')
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

function impossible({ log }: SessionContext, reason: string): 'refused' {
  log.error('Driver made an impossible sighting', { event: 'driver-bug', code: 'driver-bug', reason })
  return 'refused'
}

function sense({ stamps, log, sense: take, status, reader }: SessionContext, given: Sample | Census): void {
  const sample = claimedSample(given, (moment) => stamps.stamped(moment))
  if (typeof sample === 'string')
    return log.error('Driver sensed the impossible', { event: 'driver-bug', code: 'driver-bug', reason: sample })
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
