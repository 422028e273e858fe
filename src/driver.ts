/**
 * The driver contract: the only file of `src` that a driver may import.
 * A driver is one async function, `run(session)`. `drivers/README.md` builds one from this page.
 */
import type { Clock } from './clock.js'
import type { OptionFields, OptionValue, OptionValues } from './config/options.js'
import type { Census, Moment, ReaderId, Sample, Sighting, Verdict } from './model.js'
import type { ReaderRequests, RequestKind } from './requests.js'
import type { AdvertTransport, HttpTransport, StationTransport } from './wires.js'
import type { SiteZone } from './zone.js'

// Fields of the model are explained in model.ts; of a Clock drivers use `sleep` and `uptime`.
export type { Clock } from './clock.js'
export type {
  Census,
  Claim,
  Credential,
  CredentialType,
  Method,
  Moment,
  ReaderId,
  Sample,
  Sighting,
  Verdict,
} from './model.js'
export type { SiteZone } from './zone.js'
export { DeviceError, ProtocolError, TransportError } from './errors.js'
export { bitCard, bitFacts, cardOfBits, reversedBytes, type BitCard, type BitOptions } from './card-bits.js'
export { Hold, PinEntry } from './presenting.js'
export { Inbox, type InboxParts, type Received } from './inbox.js'
export { choice, duration, flag, options, secret, watch, whole, text } from './config/options.js'
export type { OptionFields, OptionValues, Watched } from './config/options.js'
export { presenceOptions } from './presence-options.js'
export { addressList, type AddressList } from './addresses.js'
export type {
  Advert,
  AdvertTransport,
  HttpAnswer,
  HttpAsk,
  HttpReply,
  HttpRequest,
  HttpTransport,
  StationNews,
  StationTransport,
} from './wires.js'
export type { ReaderRequest, ReaderRequests, RequestFacts, RequestKind } from './requests.js'

/** A piece of the byte stream as it came off the wire: any length, frames cut anywhere. */
export interface Chunk {
  readonly bytes: Uint8Array
  /** When it arrived. Hand it on in `Sighting.arrived`. */
  readonly arrived: Moment
}

/**
 * A serial line or what behaves like one. Iterate it to read: it ends when the session is aborted, and throws
 * TransportError when the device is lost. One reader at a time.
 */
export interface ByteTransport extends AsyncIterable<Chunk> {
  /** Resolves when the system took all bytes (no proof that the device did); throws TransportError. */
  write(bytes: Uint8Array): Promise<void>
}

/** A contactless card lying on a PC/SC reader. Every call throws TransportError once the card or reader is gone. */
export interface Card {
  /** Answer to reset, as the reader composed it. */
  readonly atr: Uint8Array
  /** Name of the PC/SC reader on which the card lies. */
  readonly slot: string
  readonly arrived: Moment
  /** Sends one command APDU; resolves to the response including its two status bytes. */
  transmit(apdu: Uint8Array): Promise<Uint8Array>
  /** Aborts when the card leaves its reader, or the reader the machine. */
  readonly gone: AbortSignal
}

/**
 * One or more PC/SC readers: yields every card put on one of them. Ends when the session is aborted, and
 * throws TransportError when pcscd or the last reader is lost.
 */
export interface CardTransport extends AsyncIterable<Card> {
  /** Names of the readers present now. */
  readonly slots: readonly string[]
  /** Sends an escape command to a reader without a card (SCardControl); many readers refuse it. */
  control(slot: string, command: Uint8Array): Promise<Uint8Array>
}

/** What each kind of transport gives to a driver. */
export interface Transports {
  readonly bytes: ByteTransport
  readonly card: CardTransport
  readonly http: HttpTransport
  readonly advert: AdvertTransport
  readonly station: StationTransport
}
export type TransportKind = keyof Transports

/**
 * First word of a transport URL. `bytes` come over serial, tcp, udp (each chunk one datagram), input (evdev events) or
 * gpio (lines of gpiomon).
 */
export type Scheme = 'serial' | 'tcp' | 'udp' | 'pcsc' | 'input' | 'gpio' | 'http' | 'ble' | 'wifi'

/** What the device told about itself; shown to operators, never interpreted. */
export interface DeviceIdentity {
  readonly model: string
  readonly firmware?: string
  readonly serial?: string
}

/** One device behind a reader that serves several (CONTRACT §3, `points`): a panel's bus has many card readers. */
export interface Point {
  readonly id: ReaderId
  readonly name: string
  /** Values of the keys the driver declared in `points.match`: bus address, serial number. */
  readonly match: Readonly<Record<string, OptionValue>>
  /** Values of the keys it declared in `points.options`. */
  readonly options: Readonly<Record<string, OptionValue>>
}

/** Why a point does not work; shown to operators. */
export interface PointTrouble {
  /** Stable word, such as `point-silent`. */
  readonly code: string
  readonly reason: string
  readonly hint?: string
}

/** Fixed sentence, facts in fields. Credentials only as their last four characters. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}
export type LogFields = Readonly<Record<string, unknown>>

/**
 * What is counted for every reader and shown in `P/health`. `goodFrames`: valid ones, repeats and ignored types too.
 * `badFrames`: began like a frame and failed their check. `discardedBytes`: belonged to neither.
 */
export type Counter = 'goodFrames' | 'badFrames' | 'discardedBytes'

/** Everything a driver gets. Valid for one run. */
export interface ReaderSession<Config, Kind extends TransportKind> {
  readonly readerId: ReaderId
  readonly config: Config
  readonly transport: Transports[Kind]
  readonly scheme: Scheme
  /** The devices behind it; empty for a reader that is one device. */
  readonly points: readonly Point[]
  /** What people ask of this reader. Only kinds that the driver declared in `requests` come. */
  readonly requests: ReaderRequests
  /** Aborted when the daemon stops or the reader is taken out of service. */
  readonly signal: AbortSignal
  /** The only source of time and timers for a driver: tests and simulations replace it. */
  readonly clock: Clock
  readonly log: Logger
  /** Once per run, after the handshake: resets the back-off and turns the reader `up`. */
  ready(identity: DeviceIdentity): void
  /**
   * Resolves after the record is durable, or was judged not to be one. Show the verdict on the device, then go
   * on. Never rejects: a journal that cannot store answers `refused`, and so is what cannot be: a moment of another
   * making, a value that is not canonical, evidence of more than 64 facts, the ten-thousandth report that waits.
   */
  report(sighting: Sighting): Promise<Verdict>
  /**
   * Evidence of presence, for drivers that hear people instead of being touched by them. The daemon decides who
   * arrived and who left, by the reader's options that `presenceOptions` declares.
   */
  sense(sample: Sample | Census): void
  /** Adds to a counter of this reader. A bad frame is a count, not an error. */
  count(counter: Counter, by?: number): void
  /** A point answers: once after each time it was lost, and at the start. */
  pointReady(point: ReaderId, identity: DeviceIdentity): void
  /** A point does not answer any more; the others go on. */
  pointLost(point: ReaderId, trouble: PointTrouble): void
  /**
   * Tells operators something that is no punch, on `P/event/<type>` and in the journal: `tamper`, `code-expired`.
   * `type` is `[a-z0-9-]+`. Resolves when it is on disk; never rejects. No whole credential in `detail`. `once`: a text
   * that names what happened; told again, by a terminal that sends its log again, it is not stored again.
   */
  event(type: string, detail?: EventDetail, point?: ReaderId, once?: string): Promise<void>
  /** Figures of the moment, shown in `P/health` under the reader or point: `{ busLoadPercent: 12 }`. Replaces those of the same name. */
  measure(figures: Readonly<Record<string, number>>, point?: ReaderId): void
  /** What was remembered under this key, by any run of this reader; undefined when nothing was. */
  recall(key: string): Promise<string | undefined>
  /** Keeps a small text across restarts; resolves when it is on disk. Rejects with JournalError when it cannot be kept. */
  remember(key: string, value: string): Promise<void>
  /** For devices whose clocks show local time. */
  readonly zone: SiteZone
}

export type EventDetail = Readonly<Record<string, string | number | boolean>>

export interface Driver<Fields extends OptionFields, Kind extends TransportKind> {
  /** Name of the folder, the config key and the log field. */
  readonly name: string
  /** What a person calls the device family. */
  readonly title: string
  readonly transport: Kind
  /** The driver's own options: what may stand under `options:` of a reader. */
  readonly options: OptionFields & Fields
  /** Schemes it works over. Default: serial and tcp for `bytes`, else the one of its kind. */
  readonly schemes?: readonly Scheme[]
  /** Declared by drivers that serve several devices: then `points:` must stand in the configuration, else it must not. */
  readonly points?: PointFields
  /** How `punchd readers scan` finds out whether a serial device is one of these. */
  readonly probe?: Probe
  /** What it can be asked. Default: nothing. */
  readonly requests?: readonly RequestKind[]
  /**
   * Runs until `session.signal` aborts (then resolves) or the device is lost (then throws). Called again after a pause.
   * Iterating the transport ends on abort; an await inside the loop (report, write) is not interrupted by it, and what
   * arrives meanwhile waits, each chunk with its own `arrived`.
   */
  run(session: ReaderSession<OptionValues<Fields>, Kind>): Promise<void>
}

/** One harmless question to a serial device that may be anything. */
export interface Probe {
  /** Speeds to ask at, the usual one first. */
  readonly baudRates: readonly number[]
  /** Resolves with who answered as only this family does; undefined when nobody did, or when the signal aborts. */
  ask(transport: ByteTransport, clock: Clock, signal: AbortSignal): Promise<DeviceIdentity | undefined>
}

/** The driver's keys of a point. Two points of one reader must differ in `match`. */
export interface PointFields {
  readonly match: OptionFields
  readonly options?: OptionFields
}

/** A driver of any options and transport, as the registry and the daemon hold it. */
export type AnyDriver = {
  readonly [Kind in TransportKind]: Omit<Driver<OptionFields, Kind>, 'run'> & {
    run(session: ReaderSession<never, Kind>): Promise<void>
  }
}[TransportKind]
