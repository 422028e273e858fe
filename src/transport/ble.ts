/**
 * `ble:hci0`: advertisements heard by a Bluetooth adapter. noble runs in a child process, and is replaced by a fresh one from
 * time to time, when it has grown, or when nothing was heard for long: those who listen to this transport do not notice.
 */
import type { Logger } from '../driver.js'
import { TransportError } from '../errors.js'
import { BleAdverts } from './ble-adverts.js'
import { parseNews, type BleOrders } from './host/ble-wire.js'
import { Host } from './host/host.js'
import type { OpenContext, Opened, TransportUrl } from './url.js'

type BleUrl = Extract<TransportUrl, { scheme: 'ble' }>
type BleOpened = Extract<Opened, { kind: 'advert' }>

const CHILD = new URL('./host/ble-child.js', import.meta.url)

export interface BleLimits extends Omit<BleOrders, 'adapter' | 'stack'> {
  /** Age at which a process is replaced, whatever it looks like. */
  readonly ageMs: number
  readonly memoryMb: number
}

const LIMITS: BleLimits = {
  startMs: 5_000,
  // A third of the silence that makes a departure, so that a scan that stopped by itself sends nobody home.
  restartMs: 20_000,
  renewMs: 60_000,
  heapMb: 40,
  memoryMb: 64,
  ageMs: 24 * 3_600_000,
}
/** Where nothing is on the air, a new process each minute helps nobody. */
const LONGEST_RENEW_MS = 15 * 60_000

export async function openBle(url: BleUrl, context: OpenContext, limits: Partial<BleLimits> = {}): Promise<BleOpened> {
  const radio = new Radio(url, context, { ...LIMITS, ...limits })
  try {
    await radio.start()
  } catch (error) {
    await radio.close()
    throw error
  }
  return { kind: 'advert', transport: radio.adverts, close: () => radio.close() }
}

class Radio {
  readonly adverts: BleAdverts
  readonly #url: BleUrl
  readonly #context: OpenContext
  readonly #limits: BleLimits
  readonly #log: Logger
  readonly #closing = new AbortController()
  #renewMs: number
  #host: Host | undefined
  #renewing: Promise<void> | undefined
  /** Ends the wait for the age of the present process. */
  #young = new AbortController()

  constructor(url: BleUrl, context: OpenContext, limits: BleLimits) {
    this.#url = url
    this.#context = context
    this.#limits = limits
    this.#log = context.log
    this.#renewMs = limits.renewMs
    this.adverts = new BleAdverts(`hci${url.adapter}, @${url.stack}/noble`, context)
  }

  async start(): Promise<void> {
    const { adapter, stack } = this.#url
    const { startMs, restartMs, heapMb, memoryMb } = this.#limits
    const orders: BleOrders = { adapter, stack, startMs, restartMs, heapMb, renewMs: this.#renewMs }
    this.#host = await Host.start({
      name: 'ble',
      program: CHILD,
      args: [JSON.stringify(orders)],
      log: this.#log,
      limits: { memoryMb, requestMs: startMs + 2_000 },
      onEvent: (event) => this.#take(event),
      onLost: (error) => this.adverts.fail(error),
    })
    await this.#host.request('listen', {})
    void this.#age()
  }

  /** Never throws; safe to call twice. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#young.abort()
    this.adverts.end()
    await this.#renewing
    await this.#host?.close()
  }

  #take(event: unknown): void {
    const news = parseNews(event)
    if (news?.kind === 'stale') return this.#renew(news.why)
    if (!news) return
    if (news.adverts.length > 0) this.#renewMs = this.#limits.renewMs
    this.adverts.take(news)
  }

  async #age(): Promise<void> {
    this.#young = new AbortController()
    const { signal } = this.#young
    await this.#context.clock.sleep(this.#limits.ageMs, signal)
    if (!signal.aborted) this.#renew('age')
  }

  #renew(why: string): void {
    if (this.#renewing || this.#closing.signal.aborted) return
    this.#young.abort()
    this.#renewing = this.#replace(why).finally(() => (this.#renewing = undefined))
  }

  /** The old one first: on its way out noble switches the scan off, and some adapters serve one program only. */
  async #replace(why: string): Promise<void> {
    if (why === 'silence') this.#renewMs = Math.min(this.#renewMs * 2, LONGEST_RENEW_MS)
    this.#log.info('Bluetooth process is replaced', { event: 'ble-renewed', why, pid: this.#host?.pid })
    await this.#host?.close()
    if (this.#closing.signal.aborted) return
    try {
      await this.start()
    } catch (error) {
      this.adverts.fail(error instanceof TransportError ? error : new TransportError('transport-lost', 'no new Bluetooth process', { cause: error })) // prettier-ignore
    }
  }
}
