/** What a host and its child process say to each other: JSON over the IPC channel of fork(). Checked on arrival. */
import { ERROR_CODES, type ErrorCode } from '../../errors.js'

/** An error on its way between the processes; becomes a TransportError or DeviceError in the parent. */
export interface Fault {
  readonly code: ErrorCode
  readonly message: string
  readonly hint?: string
}

export interface Request {
  readonly kind: 'request'
  readonly id: number
  readonly verb: string
  readonly body: unknown
}

export type ToParent =
  | { readonly kind: 'beat' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'event'; readonly body: unknown }
  | { readonly kind: 'reply'; readonly id: number; readonly body: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly fault: Fault }
  /** The last words of a child that ends: its package or system service is of no use any more. */
  | { readonly kind: 'fatal'; readonly fault: Fault }

/** Reads a message of the parent; undefined when it is none. */
export function parseRequest(message: unknown): Request | undefined {
  if (!isRecord(message)) return undefined
  const { kind, id, verb, body } = message
  if (kind !== 'request' || typeof id !== 'number' || typeof verb !== 'string') return undefined
  return { kind, id, verb, body }
}

/** Reads a message of the child; undefined when it is none. */
export function parseToParent(message: unknown): ToParent | undefined {
  if (!isRecord(message)) return undefined
  const { kind, id, body } = message
  if (kind === 'beat' || kind === 'ready') return { kind }
  if (kind === 'event') return { kind, body }
  if (kind === 'reply' && typeof id === 'number') return { kind, id, body }
  const fault = parseFault(message.fault)
  if (kind === 'fatal' && fault) return { kind, fault }
  if (kind === 'refusal' && fault && typeof id === 'number') return { kind, id, fault }
  return undefined
}

function parseFault(value: unknown): Fault | undefined {
  if (!isRecord(value)) return undefined
  const { code, message, hint } = value
  if (typeof message !== 'string' || !isErrorCode(code)) return undefined
  return typeof hint === 'string' ? { code, message, hint } : { code, message }
}

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CODES, value)
}

/** A plain object of unknown content. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Bytes travel as hex: the JSON channel would turn a Buffer into a list of numbers. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** The bytes of a hex text; undefined when it is none. */
export function fromHex(text: unknown): Uint8Array | undefined {
  if (typeof text !== 'string' || !/^(?:[0-9a-f]{2})*$/i.test(text)) return undefined
  return Uint8Array.from(Buffer.from(text, 'hex'))
}
