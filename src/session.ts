/** What one run of a driver gets: its session, with the checks that keep a driver honest. */
import type { Report } from './attendance.js'
import type { Clock } from './clock.js'
import type { ReaderConfig } from './config/config.js'
import type { Counter, DeviceIdentity, Logger, TransportKind, Transports } from './driver.js'
import type { Reported } from './journal/protocol.js'
import type { Credential, Moment, Origin, Sighting, Verdict } from './model.js'
import type { ReaderStatus } from './status.js'

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

export interface SessionContext {
  readonly reader: ReaderConfig
  readonly status: ReaderStatus
  readonly clock: Clock
  readonly stamps: StampingClock
  readonly log: Logger
  readonly signal: AbortSignal
  readonly report: (report: Report) => Promise<Reported>
  readonly onReady: (identity: DeviceIdentity) => void
}

/** A session as the contract has it, for a transport of any kind. */
export interface Session {
  readonly readerId: string
  readonly config: Readonly<Record<string, unknown>>
  readonly transport: Transports[TransportKind]
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly log: Logger
  ready(identity: DeviceIdentity): void
  report(sighting: Sighting): Promise<Verdict>
  count(counter: Counter, by?: number): void
}

/** Makes the session of one run. */
export function makeSession(context: SessionContext, transport: Transports[TransportKind]): Session {
  const { reader, status, clock, log, signal } = context
  let ready = false
  return {
    readerId: reader.id,
    config: reader.options,
    transport,
    signal,
    clock,
    log,
    ready: (identity) => {
      if (ready) return
      ready = true
      context.onReady(identity)
    },
    report: (sighting) => report(context, sighting),
    count: (counter, by = 1) => {
      status.counters[counter] += by
    },
  }
}

async function report(
  { reader, status, stamps, log, report: store }: SessionContext,
  sighting: Sighting,
): Promise<Verdict> {
  const wrong = stamps.stamped(sighting.arrived)
    ? wrongCredential(sighting.credential)
    : 'its moment is not one of the transport'
  if (wrong !== undefined) {
    log.error('Driver made an impossible sighting', { event: 'driver-bug', code: 'driver-bug', reason: wrong })
    return 'refused'
  }
  status.lastGoodRead = sighting.arrived.wall
  const { verdict, failure } = await store({ origin: originOf(reader), sighting })
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

/** From the configuration, never from the driver: it cannot speak for another door. */
function originOf(reader: ReaderConfig): Origin {
  return { reader: reader.id, place: reader.place, direction: reader.direction, driver: reader.driver, sim: reader.sim }
}

const MAX_VALUE = 4_096
const CANONICAL: Readonly<Partial<Record<Credential['type'], RegExp>>> = {
  card: /^(?:[0-9A-F]{2}){3,16}$/,
  fingerprint: /^\d{1,10}$/,
  mac: /^[0-9A-F]{12}$/,
}

function wrongCredential({ type, value, scope }: Credential): string | undefined {
  if (value === '' || value.length > MAX_VALUE) return `its ${type} value has ${value.length} characters`
  if (CANONICAL[type]?.test(value) === false) return `its ${type} value is not canonical`
  return scope === '' ? 'its scope is empty' : undefined
}
