/** Transport URLs: how a reader is reached. Parsing only; `open.ts` opens them. */
import type { Clock } from '../clock.js'
import type { Logger, Scheme, TransportKind, Transports } from '../driver.js'

export type TransportUrl =
  | { readonly scheme: 'serial'; readonly path: string; readonly baudRate: number }
  | { readonly scheme: 'tcp'; readonly host: string; readonly port: number }
  | { readonly scheme: 'pcsc'; readonly name: string }
  | { readonly scheme: 'input'; readonly path: string }
  | { readonly scheme: 'gpio'; readonly chip: string; readonly d0: number; readonly d1: number }

/** What kind of transport each scheme gives; a driver of another kind cannot use it. */
export const KIND_OF: Readonly<Record<Scheme, TransportKind>> = {
  serial: 'bytes',
  tcp: 'bytes',
  pcsc: 'card',
  input: 'bytes',
  gpio: 'bytes',
}

/** Schemes that a driver works over. */
export function schemesOf(driver: {
  readonly transport: TransportKind
  readonly schemes?: readonly Scheme[]
}): readonly Scheme[] {
  return driver.schemes ?? (driver.transport === 'card' ? ['pcsc'] : ['serial', 'tcp'])
}

/** Schemes of CONTRACT §3 whose drivers are not written yet: told apart from a typing error. */
const LATER = ['ble', 'wifi', 'http', 'https']
const FORMS = 'serial:PATH?baudRate=N, tcp://HOST:PORT, pcsc:NAME, input:PATH or gpio:CHIP?d0=N&d1=N'
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
  if (scheme === 'input') return inputUrl(rest)
  if (scheme === 'gpio') return gpioUrl(rest)
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

function inputUrl(rest: string): TransportUrl | { readonly problem: string } {
  if (rest.startsWith('/') && !rest.startsWith('//')) return { scheme: 'input', path: rest }
  return { problem: 'input: needs an absolute path, as in input:/dev/input/by-id/…-event-kbd' }
}

function gpioUrl(rest: string): TransportUrl | { readonly problem: string } {
  const [chip = '', query = ''] = rest.split('?', 2)
  const parameters = new URLSearchParams(query)
  const unknown = [...parameters.keys()].find((key) => key !== 'd0' && key !== 'd1')
  if (unknown !== undefined) return { problem: `gpio: has no parameter "${unknown}"; it takes d0 and d1` }
  const [d0, d1] = ['d0', 'd1'].map((key) =>
    /^\d{1,4}$/.test(parameters.get(key) ?? '') ? Number(parameters.get(key)) : -1,
  )
  if (!/^[\w./-]+$/.test(chip) || d0 === undefined || d1 === undefined || d0 < 0 || d1 < 0 || d0 === d1) {
    return { problem: 'gpio: needs a chip and two different lines, as in gpio:/dev/gpiochip0?d0=17&d1=27' }
  }
  return { scheme: 'gpio', chip, d0, d1 }
}

function tcpUrl(written: string): TransportUrl | { readonly problem: string } {
  const match = /^tcp:\/\/(\[[0-9a-fA-F:]+\]|[^:/?#[\]]+):(\d{1,5})\/?$/.exec(written)
  const port = Number(match?.[2])
  if (!match?.[1] || port < 1 || port > 65_535) return { problem: `"${written}" is not of the form tcp://HOST:PORT` }
  return { scheme: 'tcp', host: match[1].replace(/^\[|\]$/g, ''), port }
}
