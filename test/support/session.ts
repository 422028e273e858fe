/** A ReaderSession that writes down what a driver does and answers as the test wishes. */
import {
  durationMs,
  type Option,
  type OptionFields,
  type OptionValue,
  type OptionValues,
} from '../../src/config/options.js'
import type {
  Census,
  Clock,
  Counter,
  DeviceIdentity,
  EventDetail,
  Logger,
  LogFields,
  Point,
  PointTrouble,
  ReaderSession,
  Sample,
  Scheme,
  Sighting,
  TransportKind,
  Transports,
  Verdict,
} from '../../src/driver.js'
import { RequestQueue } from '../../src/request-queue.js'
import { siteZone } from '../../src/zone.js'

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: LogFields
}

/** A logger that keeps its lines. */
export class RecordingLogger implements Logger {
  readonly lines: LogLine[] = []
  debug(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'debug', message, fields })
  }
  info(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'info', message, fields })
  }
  warn(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'warn', message, fields })
  }
  error(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'error', message, fields })
  }
}

export interface SessionParts<Config, Kind extends TransportKind> {
  readonly config: Config
  readonly transport: Transports[Kind]
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly points?: readonly Point[]
  readonly scheme?: Scheme
}

/** How `report` is answered: a fixed verdict, or a function that may take its time. */
export type Answer = Verdict | ((sighting: Sighting) => Verdict | Promise<Verdict>)

export class RecordingSession<Config, Kind extends TransportKind> implements ReaderSession<Config, Kind> {
  readonly readerId = 'under-test'
  readonly config: Config
  readonly transport: Transports[Kind]
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly log = new RecordingLogger()
  readonly identities: DeviceIdentity[] = []
  readonly sightings: Sighting[] = []
  readonly counters: Record<Counter, number> = { goodFrames: 0, badFrames: 0, discardedBytes: 0 }
  readonly points: readonly Point[]
  readonly scheme: Scheme
  /** A test asks with `requests.ask(…)`. */
  readonly requests: RequestQueue
  readonly events: { readonly type: string; readonly detail: EventDetail; readonly point: string | undefined }[] = []
  readonly pointStates: (readonly [point: string, state: 'up' | PointTrouble])[] = []
  readonly figures: Record<string, number> = {}
  readonly samples: (Sample | Census)[] = []
  readonly memory = new Map<string, string>()
  readonly zone = siteZone([[0, 60]])
  answer: Answer = 'accepted'

  constructor(parts: SessionParts<Config, Kind>) {
    this.config = parts.config
    this.transport = parts.transport
    this.clock = parts.clock
    this.signal = parts.signal
    this.points = parts.points ?? []
    this.scheme = parts.scheme ?? 'serial'
    this.requests = new RequestQueue(parts.signal)
  }

  ready(identity: DeviceIdentity): void {
    this.identities.push(identity)
  }

  async report(sighting: Sighting): Promise<Verdict> {
    this.sightings.push(sighting)
    return typeof this.answer === 'function' ? await this.answer(sighting) : this.answer
  }

  count(counter: Counter, by = 1): void {
    this.counters[counter] += by
  }

  pointReady(point: string): void {
    this.pointStates.push([point, 'up'])
  }
  pointLost(point: string, trouble: PointTrouble): void {
    this.pointStates.push([point, trouble])
  }
  readonly #onceTold = new Set<string>()
  event(type: string, detail: EventDetail = {}, point?: string, once?: string): Promise<void> {
    const key = JSON.stringify([type, point, once])
    if (once !== undefined && this.#onceTold.has(key)) return Promise.resolve()
    this.#onceTold.add(key)
    this.events.push({ type, detail, point })
    return Promise.resolve()
  }
  measure(figures: Readonly<Record<string, number>>): void {
    Object.assign(this.figures, figures)
  }

  sense(sample: Sample | Census): void {
    this.samples.push(sample)
  }
  recall(key: string): Promise<string | undefined> {
    return Promise.resolve(this.memory.get(key))
  }
  remember(key: string, value: string): Promise<void> {
    this.memory.set(key, value)
    return Promise.resolve()
  }

  /** The values reported so far, in order. */
  get values(): string[] {
    return this.sightings.map((sighting) => sighting.credential.value)
  }
}

/** The values a driver gets from a configuration without options. */
export function optionDefaults<Fields extends OptionFields>(fields: Fields): OptionValues<Fields> {
  const values = Object.entries(fields).map(([name, option]) => [name, defaultOf(option)])
  return Object.fromEntries(values) as OptionValues<Fields> // Parse boundary: the keys are those of `fields`.
}

function defaultOf(option: Option): OptionValue {
  if (option.kind === 'secret') return ''
  if (option.kind === 'watch') return []
  return option.kind === 'duration' ? (durationMs(option.default) ?? Number.NaN) : option.default
}
