/** Wires that carry more than bytes: HTTP, Bluetooth advertisements, stations of a network. Part of the driver contract. */
import type { Moment } from './model.js'

/** What a terminal sent to our listener. */
export interface HttpRequest {
  /** `GET`, `POST` … */
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** Keys in lower case; of a key that comes twice the first value. */
  readonly query: Readonly<Record<string, string>>
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Address of whoever sent it, `192.168.1.64`. */
  readonly remote: string
  readonly body: Uint8Array
  /** False when the connection broke before the announced length had come. */
  readonly complete: boolean
  /** When the last byte arrived. */
  readonly arrived: Moment
}

export interface HttpReply {
  readonly status: number
  /** Default `text/plain`. */
  readonly type?: string
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

/** What we ask of a terminal. */
export interface HttpAsk {
  readonly method: string
  /** `http://192.168.1.64/ISAPI/…` */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Longest silence. Default 10 s. */
  readonly silentMs?: number
  /** Lets go of it early. */
  readonly signal?: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  /** Names in lower case; of a name that comes twice both values, joined by a comma. */
  readonly headers: Readonly<Record<string, string>>
  /** The body as it comes. Throws TransportError when it breaks or stays silent. */
  readonly chunks: AsyncIterable<{ readonly bytes: Uint8Array; readonly arrived: Moment }>
  /** The whole body as text, at most 4 MiB. */
  text(): Promise<string>
}

/** A listener that terminals push to, and a client to ask them. */
export interface HttpTransport {
  /** `http://0.0.0.0:8090`: where it listens. */
  readonly url: string
  /**
   * Answers requests, many at a time, until the session ends (then resolves) or the listener is lost (then throws
   * TransportError). An error that `answer` throws gets the sender a 500, and ends serving with it.
   */
  serve(answer: (request: HttpRequest) => Promise<HttpReply>): Promise<void>
  /** Throws TransportError when nobody answers. */
  ask(ask: HttpAsk): Promise<HttpAnswer>
}

/** One Bluetooth advertisement, as far as it was decoded. */
export interface Advert {
  /** 12 upper-case hex digits, most significant byte first. */
  readonly address: string
  readonly addressType: 'public' | 'random'
  readonly rssiDbm: number
  /** Begins with the company id, low byte first. */
  readonly manufacturerData: Uint8Array | undefined
  /** `uuid`: lower-case hex without dashes, 4, 8 or 32 digits. */
  readonly serviceData: readonly { readonly uuid: string; readonly bytes: Uint8Array }[]
  readonly serviceUuids: readonly string[]
  readonly arrived: Moment
}

/** Advertisements heard, the newest last. Ends when the session is aborted; throws TransportError when the radio is lost. */
export interface AdvertTransport extends AsyncIterable<Advert> {
  /** What it listens with: `hci0`, and the package that drives it. */
  readonly radio: string
  /** Events of the radio that were cut or made no sense, since it was opened: they are left out. */
  readonly malformed: number
}

/** What became known about a station of a network. Addresses are 12 upper-case hex digits. */
export type StationNews =
  /** It connected, or was found connected. */
  | { readonly kind: 'joined'; readonly address: string; readonly arrived: Moment; readonly rssiDbm?: number }
  | { readonly kind: 'parted'; readonly address: string; readonly arrived: Moment }
  /** A sign of life. */
  | { readonly kind: 'heard'; readonly address: string; readonly arrived: Moment; readonly rssiDbm?: number }
  /** All that are connected now: whoever is not among them has gone. After each start of the source, and when it was deaf. */
  | { readonly kind: 'listed'; readonly addresses: readonly string[]; readonly arrived: Moment }

/** News of stations. Ends when the session is aborted; throws TransportError when the source is lost. */
export interface StationTransport extends AsyncIterable<StationNews> {
  readonly source: 'scan' | 'hostapd' | 'neigh' | 'leases'
}
