/**
 * Errors are named by what the daemon does next; `code` is stable and listed in src/README.md (a test compares).
 */

/** Every stable error code with the sentence that documents it. */
export const ERROR_CODES = {
  'config-unreadable': 'the configuration file cannot be read',
  'config-invalid': 'the configuration has errors; all of them are listed with file:line:column',
  'transport-absent': 'the device file, PC/SC reader or host of the transport URL is not there',
  'transport-denied': 'the system refuses access to the device',
  'transport-locked': 'another program holds the device',
  'transport-lost': 'the device was there and went away: unplugged, switched off, connection closed',
  'transport-unavailable': 'the native package or system service behind the transport is missing or down',
  'protocol-broken': 'the device talks, but not the expected protocol, or it fell silent in mid-conversation',
  'device-refused': 'the device says, correctly, that it cannot',
  'driver-bug': 'a driver threw something that is not a punchd error; the reader is retried each minute',
  'journal-busy': 'another punchd uses the data directory',
  'journal-foreign': 'the database file belongs to another program or a newer punchd; it was left alone',
  'journal-corrupt': 'the database file is damaged; it was left alone',
  'journal-full': 'no space left for the journal; readers show refused until there is',
  'journal-io': 'the disk failed a read or write of the journal',
  'journal-key': 'the keys that belong to the journal are missing, damaged or readable by others',
  'journal-sealed': 'a stored text does not open with its key: it was changed',
  'journal-unsafe': 'SQLite would not keep the durability that punches need',
  'broker-unreachable': 'no connection to the MQTT broker',
  'broker-refused': 'the MQTT broker refuses this client',
  'publish-offline': 'the connection to the broker ended before the record was acknowledged; it is sent again',
  'publish-refused': 'the broker refused one record; it is parked or retried by reason code',
  'publish-oversized': 'a record is larger than the broker takes; it is parked',
  'publish-unconfirmed': 'the broker accepts connections but never acknowledges one record; it is parked',
  'request-impossible': 'the reader cannot do what was asked: its driver does not know it, or the reader is not up',
  'request-failed': 'the reader tried what was asked, and it came to nothing',
  usage: 'the command line is wrong',
  'input-invalid': 'an input file has errors',
  'daemon-absent': 'no running daemon answers on the control socket',
  'output-failed': 'a result could not be written',
} as const

export type ErrorCode = keyof typeof ERROR_CODES

export interface ErrorDetails {
  /** What a person can do about it, one sentence or command. */
  readonly hint?: string
  readonly cause?: unknown
}

/** Base of everything punchd throws on purpose. Anything else that surfaces is a bug. */
export class DaemonError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = code
    this.hint = details.hint
  }
}

/** Next: exit 78 with all problems. */
export class ConfigError extends DaemonError {}
/** Next: close, back off, reopen. */
export class TransportError extends DaemonError {}
/** Next: the same; the conversation with the device is broken. A single bad frame is a count, not an error. */
export class ProtocolError extends DaemonError {}
/** Next: the reader is `faulted`, retried each minute. */
export class DeviceError extends DaemonError {}
/** Next: verdict `refused`; the process ends when it persists. */
export class JournalError extends DaemonError {}
/** Next: print it and exit with `exitCode`. For verbs only. */
export class VerbError extends DaemonError {
  readonly exitCode: number
  constructor(exitCode: number, code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(code, message, details)
    this.exitCode = exitCode
  }
}

/** What the outbox does with a record that was not accepted: keep it in order, or set it aside and go on. */
export type Disposal = 'retry' | 'park'

/** Next: by `disposal`. */
export class PublishError extends DaemonError {
  readonly disposal: Disposal
  /** MQTT 5 reason code, where the broker gave one. */
  readonly reasonCode: number | undefined
  constructor(
    disposal: Disposal,
    code: ErrorCode,
    message: string,
    details: ErrorDetails & { readonly reasonCode?: number } = {},
  ) {
    super(code, message, details)
    this.disposal = disposal
    this.reasonCode = details.reasonCode
  }
}

/** Exit codes that scripts may rely on (sysexits). */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 64,
  data: 65,
  unavailable: 69,
  bug: 70,
  cannotCreate: 73,
  io: 74,
  again: 75,
  permission: 77,
  config: 78,
} as const

/** The exit code for an error that ends a process. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof VerbError) return error.exitCode
  if (error instanceof ConfigError) return EXIT.config
  if (error instanceof JournalError) return journalExit(error.code)
  if (error instanceof TransportError || error instanceof PublishError) return EXIT.unavailable
  if (error instanceof DaemonError) return EXIT.failed
  return EXIT.bug
}

function journalExit(code: ErrorCode): number {
  if (code === 'journal-busy') return EXIT.again
  if (code === 'journal-foreign' || code === 'journal-corrupt') return EXIT.data
  return EXIT.io
}

/** The message of anything thrown, for a log line. Never throws itself: a driver may throw what cannot be read. */
export function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error)
  } catch {
    return 'something was thrown that cannot be read'
  }
}
