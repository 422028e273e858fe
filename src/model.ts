/**
 * The words of punchd (README, "Words"). Imports nothing: every other module may rest on it.
 */

/** Id of a configured reader, `[a-z0-9-]{1,32}`. Stands in topics and records. */
export type ReaderId = string

/** What kind of thing was presented; decides how `Credential.value` is written. */
export type CredentialType = 'card' | 'fingerprint' | 'user' | 'qr' | 'pin' | 'beacon' | 'phone' | 'mac'

/** What a reader recognised. Two credentials are the same one when all three fields are equal. */
export interface Credential {
  readonly type: CredentialType
  /**
   * Canonical form. Cards: upper-case hex, most significant byte first, no separators
   * (EM4100 10 digits, ISO 14443 UID 8, 14 or 20). Fingerprints: the slot number, decimal.
   */
  readonly value: string
  /** `global`, or the id of the only reader on which the value means something. */
  readonly scope: string
}

/** By which sense the credential was taken. */
export type Method = 'card' | 'fingerprint' | 'face' | 'qr' | 'pin' | 'ble' | 'wifi'

/** Which way people pass this reader; `none` where it does not say. */
export type Direction = 'in' | 'out' | 'none'

/** What a reader may be set to. `auto`: in and out in turn, for each person at each place; records hold what came of it. */
export type DirectionSetting = Direction | 'auto'

/** Does the gateway's wall clock deserve trust? */
export type ClockState = 'synced' | 'unsynced'

/** One instant as the gateway's clocks told it. Kept in the record for ever, never changed. */
export interface Moment {
  /** Milliseconds since 1970, UTC, as the wall clock said. */
  readonly wall: number
  /** Milliseconds since boot, suspend included. Only comparable within one `boot`. */
  readonly uptime: number
  /** The kernel's boot id. */
  readonly boot: string
  readonly state: ClockState
  /** Bound of the error of `wall` in milliseconds; null when unsynced. */
  readonly errorMs: number | null
}

/** A driver's claim "this credential was here". Not yet attendance. */
export interface Sighting {
  readonly credential: Credential
  readonly method: Method
  /**
   * When the last byte of the presentation arrived: the very object the transport handed out with that
   * byte. Drivers own no clock of record; a Moment of another making is refused.
   */
  readonly arrived: Moment
  /** The point at which it was made, for readers with `points`; else absent. */
  readonly point?: ReaderId
  /** What the device gave besides the credential and evidence should keep: `{ format: 'W26', facility: 12, bits: '…' }`. */
  readonly raw?: Readonly<Record<string, string | number>>
  /** For devices that keep a log of their own: which record of it this is. Else absent. */
  readonly claim?: Claim
}

/** What a terminal with a log and a clock of its own says about one of its records: kept beside our time, never instead of it. */
export interface Claim {
  /** When it says it was, by its own clock: milliseconds since 1970. */
  readonly wall: number
  /** Names the record in the log of this reader or point: a second sighting with this key is the same record. */
  readonly key: string
  /** Milliseconds by which its clock was ahead of ours when they were last compared; absent when they never were. */
  readonly aheadMs?: number
  /** True for what it kept for a while: then only its own clock knows when the person was there. */
  readonly late: boolean
}

/** Evidence that somebody is about, from a radio or a network. Of credentials that `watch` names; others are dropped. */
export interface Sample {
  readonly credential: Credential
  readonly method: 'ble' | 'wifi'
  /** The very object the transport handed out, as in a sighting. */
  readonly arrived: Moment
  /**
   * `heard`: a sign of life. `joined` and `parted`: a connection began or ended; between the two nothing needs to be
   * heard.
   */
  readonly kind: 'heard' | 'joined' | 'parted'
  /** Strength at the antenna, when it is known. */
  readonly rssiDbm?: number
}

/** A source counted the things that are connected: who was before and is not among these has gone. */
export interface Census {
  readonly kind: 'listed'
  readonly credentials: readonly Credential[]
  readonly method: Sample['method']
  readonly arrived: Moment
}

/** What the policy makes of a sighting. Stored in the punch. */
export type Judgement = 'accepted' | 'repeat' | 'unknown'

/** What the reader shows. `refused`: nothing was stored, the person must try again. */
export type Verdict = Judgement | 'refused'

/** Where a sighting happened, from the configuration: a driver cannot claim another door. */
export interface Origin {
  readonly reader: ReaderId
  readonly place: string
  readonly direction: DirectionSetting
  readonly driver: string
  /** True when a simulator stands behind the reader. */
  readonly sim: boolean
}

/** Kinds of journal records. New ones at the end. */
export const RECORD_KINDS = ['punch', 'audit', 'presence', 'correction'] as const
export type RecordKind = (typeof RECORD_KINDS)[number]
