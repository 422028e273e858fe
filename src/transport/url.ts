/** Transport URLs: how a reader is reached. Parsing only; `open.ts` opens them. */
import type { Clock } from '../clock.js'
import type { Logger, TransportKind, Transports } from '../driver.js'

export type TransportUrl =
  | { readonly scheme: 'serial'; readonly path: string; readonly baudRate: number }
  | { readonly scheme: 'tcp'; readonly host: string; readonly port: number }
  | { readonly scheme: 'pcsc'; readonly name: string }

export type Scheme = TransportUrl['scheme']

/** What kind of transport each scheme gives; a driver of another kind cannot use it. */
export const KIND_OF: Readonly<Record<Scheme, TransportKind>> = { serial: 'bytes', tcp: 'bytes', pcsc: 'card' }

/** Schemes of CONTRACT §3 whose drivers are not written yet: told apart from a typing error. */
const LATER = ['input', 'ble', 'wifi', 'http', 'https']
const FORMS = 'serial:PATH?baudRate=N, tcp://HOST:PORT or pcsc:NAME'
const DEFAULT_BAUD_RATE = 9600

/** An open transport: `transport` for the driver, the rest for the supervisor. */
export type Opened = {
  readonly [Kind in TransportKind]: {
    readonly kind: Kind
    readonly transport: Transports[Kind]
    /** Releases everything. Never throws; safe to call twice. */
    close(): Promise<void>
  }
}[TransportKind]

export interface OpenContext {
  readonly clock: Clock
  /** Ends the iteration of the transport when it aborts. */
  readonly signal: AbortSignal
  readonly log: Logger
}

/** Opens a transport or throws TransportError. */
export type OpenTransport = (url: TransportUrl, context: OpenContext) => Promise<Opened>

/** Parses a transport URL. A text that is none gives `{ problem }`: what is wrong and how it should look. */
export function parseTransportUrl(written: string): TransportUrl | { readonly problem: string } {
  const scheme = /^([a-z]+):/.exec(written)?.[1]
  if (scheme === undefined) return { problem: `"${written}" is no transport URL; write ${FORMS}` }
  const rest = written.slice(scheme.length + 1)
  if (scheme === 'serial') return serialUrl(rest)
  if (scheme === 'tcp') return tcpUrl(written)
  if (scheme === 'pcsc')
    return rest === '' ? { problem: 'pcsc: needs a reader name, or * for every reader' } : { scheme, name: rest }
  if (LATER.includes(scheme)) return { problem: `transport "${scheme}:" is not part of this version` }
  return { problem: `unknown transport "${scheme}:"; write ${FORMS}` }
}

function serialUrl(rest: string): TransportUrl | { readonly problem: string } {
  const [path = '', query = ''] = rest.split('?', 2)
  if (!path.startsWith('/') || path.startsWith('//'))
    return { problem: 'serial: needs an absolute path, as in serial:/dev/serial/by-id/…' }
  const parameters = new URLSearchParams(query)
  const baudRate = Number(parameters.get('baudRate') ?? DEFAULT_BAUD_RATE)
  const unknown = [...parameters.keys()].find((key) => key !== 'baudRate')
  if (unknown !== undefined) return { problem: `serial: has no parameter "${unknown}"; it takes baudRate` }
  if (!Number.isInteger(baudRate) || baudRate < 50 || baudRate > 4_000_000) {
    return { problem: `baudRate "${parameters.get('baudRate')}" is no whole number from 50 to 4000000` }
  }
  return { scheme: 'serial', path, baudRate }
}

function tcpUrl(written: string): TransportUrl | { readonly problem: string } {
  const match = /^tcp:\/\/(\[[0-9a-fA-F:]+\]|[^:/?#[\]]+):(\d{1,5})\/?$/.exec(written)
  const port = Number(match?.[2])
  if (!match?.[1] || port < 1 || port > 65_535) return { problem: `"${written}" is not of the form tcp://HOST:PORT` }
  return { scheme: 'tcp', host: match[1].replace(/^\[|\]$/g, ''), port }
}
