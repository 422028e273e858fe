/** Phones and badges that a network knows. Who arrived and who left is decided by the daemon. */
import type { Credential, Driver, OptionValues, ReaderSession, StationNews } from '../../src/driver.js'
import { addressKind } from './codec.js'
import { fields } from './config.js'

type Session = ReaderSession<OptionValues<typeof fields>, 'station'>

/** Whom a source names: people's things, or the places around. */
const MODELS = {
  scan: 'access points around',
  hostapd: 'stations of hostapd',
  neigh: 'neighbours of the kernel',
  leases: 'leases of the DHCP server',
} as const
/** How often the figures of the health document are renewed. */
const FIGURES_MS = 10_000
/** Addresses that are remembered for counting; more is a crowd. */
const MOST_COUNTED = 10_000

export const driver: Driver<typeof fields, 'station'> = {
  name: 'wifi',
  title: 'Wi-Fi and network: phones, badges, access points',
  transport: 'station',
  options: fields,

  async run(session) {
    const gate = new Gate(session)
    session.ready({ model: MODELS[session.transport.source] })
    const over = new AbortController()
    const figures = gate.tellFigures(over.signal)
    try {
      for await (const news of session.transport) gate.take(news)
    } finally {
      over.abort()
      await figures
    }
  },
}

/** Lets through what `watch` names: a random address, too, when somebody wrote it there. */
class Gate {
  readonly #session: Session
  readonly #watched: ReadonlyMap<string, Credential>
  /** Addresses seen since the figures were told last. */
  #seen = new Set<string>()

  constructor(session: Session) {
    this.#session = session
    const macs = session.config.watch.filter(({ type }) => type === 'mac')
    this.#watched = new Map(macs.map(({ value }) => [value, { type: 'mac', value, scope: 'global' }]))
  }

  take(news: StationNews): void {
    if (news.kind === 'listed') return this.#list(news)
    const { address, arrived, kind } = news
    if (addressKind(address) === 'none') return this.#session.count('badFrames')
    this.#session.count('goodFrames')
    if (this.#seen.size < MOST_COUNTED) this.#seen.add(address)
    const credential = this.#watched.get(address)
    if (!credential) return
    const strength = news.kind === 'parted' || news.rssiDbm === undefined ? {} : { rssiDbm: news.rssiDbm }
    this.#session.sense({ credential, method: 'wifi', arrived, kind, ...strength })
  }

  #list({ addresses, arrived }: Extract<StationNews, { kind: 'listed' }>): void {
    const credentials = addresses.flatMap((address) => this.#watched.get(address) ?? [])
    this.#session.sense({ kind: 'listed', credentials, method: 'wifi', arrived })
    for (const address of addresses.slice(0, MOST_COUNTED)) this.#seen.add(address)
  }

  async tellFigures(signal: AbortSignal): Promise<void> {
    const { clock } = this.#session
    while (!signal.aborted) {
      await clock.sleep(FIGURES_MS, signal)
      const random = [...this.#seen].filter((address) => addressKind(address) === 'random').length
      this.#session.measure({ stations: this.#seen.size, randomAddresses: random })
      this.#seen = new Set()
    }
  }
}
