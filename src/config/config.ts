/** The validated configuration as the daemon holds it: plain, frozen data with every default filled in. */
import type { DirectionSetting, ReaderId } from '../model.js'
import type { Turns } from '../policy/direction.js'
import type { VerifyRule } from '../policy/verify.js'
import type { ZoneOffsets } from '../journal/time.js'
import type { OptionValue } from './options.js'
import type { TransportUrl } from '../transport/url.js'

export interface ReaderConfig {
  readonly id: ReaderId
  readonly name: string
  readonly driver: string
  readonly transport: TransportUrl
  readonly direction: DirectionSetting
  readonly place: string
  /** Checked against the driver's declaration; durations in milliseconds. */
  readonly options: Readonly<Record<string, OptionValue>>
  /** A simulator stands behind it: its punches say so. */
  readonly sim: boolean
  /** False: state `disabled`, never opened. */
  readonly enabled: boolean
  /** The devices behind it, for drivers that serve several; else empty. */
  readonly points: readonly PointConfig[]
}

/** One of several devices behind a reader. It stands in topics and records by its own id. */
export interface PointConfig {
  readonly id: ReaderId
  readonly name: string
  readonly direction: DirectionSetting
  readonly place: string
  readonly match: Readonly<Record<string, OptionValue>>
  readonly options: Readonly<Record<string, OptionValue>>
}

export interface TlsConfig {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

export interface MqttConfig {
  /** One broker; or several doors to one, such as the nodes of a cluster, tried in this order, round and round. */
  readonly urls: readonly string[]
  readonly protocol: 4 | 5
  readonly clientId: string
  readonly username: string | undefined
  /** Already read from its file, variable or credential. */
  readonly password: string | undefined
  readonly tls: TlsConfig
  readonly topicPrefix: string
  /** Publishes in flight. */
  readonly window: number
  /** What settles a record: the broker's acknowledgement, or the consumer's receipt. */
  readonly settle: 'puback' | 'receipt'
}

export interface SiteConfig {
  readonly id: string
  readonly name: string
  readonly timezone: string
  /** The offsets of `timezone`. */
  readonly offsets: ZoneOffsets
}

export interface PolicyConfig {
  readonly repeatWindowMs: number
  readonly verify: readonly VerifyRule[]
  readonly unknown: 'publish' | 'hold'
  readonly autoDirection: Turns
}

export interface Config {
  readonly site: SiteConfig
  readonly gateway: { readonly id: string }
  readonly data: { readonly path: string; readonly keepSettledMs: number }
  readonly mqtt: MqttConfig
  readonly readers: readonly ReaderConfig[]
  readonly policy: PolicyConfig
  readonly log: { readonly level: LogLevel }
}

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]
