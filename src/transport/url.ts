/** Transport URLs: how a reader is reached. Parsing only; `open.ts` opens them. */
import type { Clock } from '../clock.js'
import type { Logger, Scheme, TransportKind, Transports } from '../driver.js'

export type TransportUrl =
  | { readonly scheme: 'serial'; readonly path: string; readonly baudRate: number }
  | { readonly scheme: 'tcp'; readonly host: string; readonly port: number }
  | { readonly scheme: 'pcsc'; readonly name: string }
  | { readonly scheme: 'input'; readonly path: string }
  | { readonly scheme: 'gpio'; readonly chip: string; readonly d0: number; readonly d1: number }
  | { readonly scheme: 'udp'; readonly host: string; readonly port: number }
  | { readonly scheme: 'http'; readonly host: string; readonly port: number }
  /** `adapter`: number of the hci device. */
  | { readonly scheme: 'ble'; readonly adapter: number; readonly stack: BleStack }
  | { readonly scheme: 'wifi'; readonly iface: string; readonly source: WifiSource; readonly path: string | undefined }

/** Which package drives the Bluetooth adapter. */
export type BleStack = 'abandonware' | 'stoprocent'
/** Where stations are seen: `path` is the folder of hostapd's control sockets, or the file of leases. */
export const WIFI_SOURCES = ['scan', 'hostapd', 'neigh', 'leases'] as const
export type WifiSource = (typeof WIFI_SOURCES)[number]

/** What kind of transport each scheme gives; a driver of another kind cannot use it. */
export const KIND_OF: Readonly<Record<Scheme, TransportKind>> = {
  serial: 'bytes',
  tcp: 'bytes',
  pcsc: 'card',
  input: 'bytes',
  gpio: 'bytes',
  udp: 'bytes',
  http: 'http',
  ble: 'advert',
  wifi: 'station',
}

const SCHEMES_OF: Readonly<Record<TransportKind, readonly Scheme[]>> = {
  bytes: ['serial', 'tcp'],
  card: ['pcsc'],
  http: ['http'],
  advert: ['ble'],
  station: ['wifi'],
}

/** Schemes that a driver works over. */
export function schemesOf(driver: {
  readonly transport: TransportKind
  readonly schemes?: readonly Scheme[]
}): readonly Scheme[] {
  return driver.schemes ?? SCHEMES_OF[driver.transport]
}

const FORMS =
  'serial:PATH?baudRate=N, tcp://HOST:PORT, udp://HOST:PORT, pcsc:NAME, input:PATH, gpio:CHIP?d0=N&d1=N, http://ADDR:PORT, ble: or wifi:IFACE?source=…'
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
  const parse = PARSERS[scheme as Scheme] as ((rest: string, written: string) => Parsed) | undefined
  if (parse) return parse(rest, written)
  if (scheme === 'https')
    return { problem: 'punchd listens without TLS: put a reverse proxy before http://127.0.0.1:PORT' }
  return { problem: `unknown transport "${scheme}:"; write ${FORMS}` }
}

type Parsed = TransportUrl | { readonly problem: string }

const PARSERS: Readonly<Record<Scheme, (rest: string, written: string) => Parsed>> = {
  serial: serialUrl,
  tcp: (_, written) => hostUrl('tcp', written),
  udp: (_, written) => hostUrl('udp', written),
  http: (_, written) => hostUrl('http', written),
  pcsc: (name) => (name === '' ? { problem: 'pcsc: needs a reader name, or * for every reader' } : { scheme: 'pcsc', name }), // prettier-ignore
  input: inputUrl,
  gpio: gpioUrl,
  ble: bleUrl,
  wifi: wifiUrl,
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

function hostUrl(scheme: 'tcp' | 'udp' | 'http', written: string): Parsed {
  const match = /^[a-z]+:\/\/(\[[0-9a-fA-F:]+\]|[^:/?#[\]]+):(\d{1,5})\/?$/.exec(written)
  const port = Number(match?.[2])
  const form = `${scheme}://${scheme === 'http' ? 'ADDR' : 'HOST'}:PORT`
  if (!match?.[1] || port < 1 || port > 65_535) return { problem: `"${written}" is not of the form ${form}` }
  return { scheme, host: match[1].replace(/^\[|\]$/g, ''), port }
}

function bleUrl(rest: string): Parsed {
  const [adapter = '', query = ''] = rest.split('?', 2)
  const parameters = new URLSearchParams(query)
  const unknown = [...parameters.keys()].find((key) => key !== 'stack')
  if (unknown !== undefined) return { problem: `ble: has no parameter "${unknown}"; it takes stack` }
  const stack = parameters.get('stack') ?? 'abandonware'
  if (stack !== 'abandonware' && stack !== 'stoprocent') return { problem: 'stack must be abandonware or stoprocent' }
  const number = /^(?:hci(\d{1,3}))?$/.exec(adapter)
  if (!number) return { problem: 'ble: takes the name of an adapter, as in ble:hci1, or nothing for hci0' }
  return { scheme: 'ble', adapter: Number(number[1] ?? 0), stack }
}

function wifiUrl(rest: string): Parsed {
  const [iface = '', query = ''] = rest.split('?', 2)
  const parameters = new URLSearchParams(query)
  const unknown = [...parameters.keys()].find((key) => key !== 'source' && key !== 'path')
  if (unknown !== undefined) return { problem: `wifi: has no parameter "${unknown}"; it takes source and path` }
  const source = WIFI_SOURCES.find((name) => name === parameters.get('source'))
  if (!source) return { problem: `wifi: needs source=${WIFI_SOURCES.join(', ')}, as in wifi:wlan0?source=hostapd` }
  if (!/^[\w.:-]{1,15}$/.test(iface))
    return { problem: 'wifi: needs the name of an interface, as in wifi:wlan0?source=…' }
  const path = parameters.get('path') ?? undefined
  if (path !== undefined && !path.startsWith('/')) return { problem: 'path must be absolute' }
  return { scheme: 'wifi', iface, source, path }
}
