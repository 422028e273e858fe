/** What the conformance suite needs to know about a driver: a few lines per driver. */
import type { OptionFields, OptionValues } from '../../src/config/options.js'
import type { Clock, Credential, Driver, Point, Scheme, TransportKind, Transports, Verdict } from '../../src/driver.js'

/** One entry of a driver's vectors.json: bytes as the datasheet or a peer wrote them, and what they mean. */
export interface Vector {
  readonly name: string
  /** Space-separated hex. */
  readonly hex: string
  readonly meaning: unknown
  readonly source: string
  /** Bytes drivers: true for one whole, good frame that stands for a credential. At least two of a driver's vectors. */
  readonly card?: boolean
}

/** A transport with a twin at its other end, in memory, on the test's clock. */
export interface RigDevice<Kind extends TransportKind> {
  readonly transport: Transports[Kind]
  /** What the twin can present. At least two. */
  readonly credentials: readonly Credential[]
  /** Presents a credential and leaves it there: a card held, a finger left on the sensor. */
  present(index: number): void | Promise<void>
  withdraw(): void | Promise<void>
  /** Pulls the cable. */
  unplug(): void | Promise<void>
  /** The device stays connected and says nothing any more. */
  mute(): void | Promise<void>
  /** What the host made the device show since the last call: one string per command, such as its hex. */
  shown(): string[]
  /** The point at which that credential is presented, for drivers with points. */
  readonly pointOf?: (index: number) => string
  /** Bytes drivers only: puts raw bytes on the wire, device to host. */
  readonly send?: (bytes: Uint8Array) => void
}

/** Questions for drivers of byte streams. */
export interface StreamRig {
  /** Bytes kept back after `bytes` went through a fresh decoder. */
  held(bytes: Uint8Array): number
  /** No decoder may ever hold more than this. */
  readonly maxHeld: number
  /** What ends a frame on a wire where nothing begins one (a line feed): noise and half frames are followed by it. */
  readonly delimiter?: string
  /** True for a device that speaks only when asked: bytes that come unasked stand for no credential. */
  readonly asked?: boolean
  /** False for a wire without any check: then a wrong bit may well be another card. */
  readonly checked?: boolean
}

export interface Rig<Fields extends OptionFields, Kind extends TransportKind> {
  readonly driver: Driver<Fields, Kind>
  /** The driver's folder, relative to the checkout: `drivers/rdm6300`. */
  readonly folder: string
  /** Makes transport and twin. `signal` ends both. */
  open(clock: Clock, signal: AbortSignal): RigDevice<Kind> | Promise<RigDevice<Kind>>
  /** What a vector means to the driver's codec when its bytes come in these pieces: compared with `vector.meaning`. */
  decode(pieces: readonly Uint8Array[], vector: Vector): unknown
  /** What the device is made to show for each verdict (compared with `shown()`), or `none` for those that cannot. */
  readonly shows: Readonly<Record<Verdict, readonly string[]>> | 'none'
  /** What a device that says nothing is: `normal`, or lost after `timeoutMs`. */
  readonly silence: 'normal' | { readonly timeoutMs: number }
  readonly stream?: StreamRig
  /** Options other than the defaults, for what needs them (a secret, say). */
  readonly config?: Partial<OptionValues<Fields>>
  /** For drivers with points. */
  readonly points?: readonly Point[]
  /** Default: serial. */
  readonly scheme?: Scheme
  /** Simulated time the handshake takes. Default 0: it needs none. */
  readonly startMs?: number
  /** Simulated time from presenting until the driver has certainly seen it. Default 500 ms. */
  readonly noticeMs?: number
  /** Simulated time after withdrawing until the same credential counts as new. Default 2 s. */
  readonly restMs?: number
}
