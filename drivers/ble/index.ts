/** Beacons, badges and phones that a Bluetooth radio hears. Who arrived and who left is decided by the daemon. */
import {
  DeviceError,
  type Advert,
  type Credential,
  type Driver,
  type OptionValues,
  type ReaderSession,
} from '../../src/driver.js'
import { Phones } from './address.js'
import { badgeServices, beaconsOf } from './codec.js'
import { fields } from './config.js'

type Session = ReaderSession<OptionValues<typeof fields>, 'advert'>

/** How often the figures of the health document are renewed. */
const FIGURES_MS = 10_000
const MINUTE_MS = 60_000

export const driver: Driver<typeof fields, 'advert'> = {
  name: 'ble',
  title: 'Bluetooth LE: beacons, badges and phones',
  transport: 'advert',
  options: fields,

  async run(session) {
    const ears = new Ears(session)
    session.ready({ model: session.transport.radio })
    const over = new AbortController()
    const figures = ears.tellFigures(over.signal)
    try {
      for await (const advert of session.transport) ears.hear(advert)
    } finally {
      over.abort()
      await figures
    }
  },
}

/** Picks out of everything on the air those whom `watch` names. */
class Ears {
  readonly #session: Session
  readonly #badges: ReadonlySet<string>
  readonly #beacons: ReadonlyMap<string, Credential>
  readonly #phones: Phones
  #heard = 0
  #ours = 0
  /** Malformed events of the radio that were counted. */
  #malformed: number

  constructor(session: Session) {
    const { watch, badges } = session.config
    const { services, wrong } = badgeServices(badges)
    if (wrong !== undefined) {
      throw new DeviceError('device-refused', `"${wrong}" in badges is no service`, { hint: 'a UUID has 4 or 32 hex digits' }) // prettier-ignore
    }
    this.#session = session
    this.#badges = services
    const beacons = watch.filter(({ type }) => type === 'beacon')
    this.#beacons = new Map(beacons.map(({ value }) => [value, { type: 'beacon', value, scope: 'global' }]))
    const phones = watch.filter(({ type }) => type === 'phone')
    this.#phones = new Phones(phones.map(({ value, irk = '' }) => ({ name: value, irk })))
    this.#malformed = session.transport.malformed
  }

  hear(advert: Advert): void {
    const { beacons, bad } = beaconsOf(advert, this.#badges)
    this.#session.count(bad > 0 ? 'badFrames' : 'goodFrames')
    this.#heard += 1
    for (const value of beacons) this.#sense(this.#beacons.get(value), advert)
    const { address, addressType, arrived } = advert
    const phone = addressType === 'random' ? this.#phones.nameOf(address, arrived.uptime) : undefined
    if (phone !== undefined) this.#sense({ type: 'phone', value: phone, scope: 'global' }, advert)
  }

  async tellFigures(signal: AbortSignal): Promise<void> {
    const { clock } = this.#session
    this.#tell(MINUTE_MS)
    while (!signal.aborted) {
      const begun = clock.uptime()
      await clock.sleep(FIGURES_MS, signal)
      this.#tell(Math.max(1, clock.uptime() - begun))
    }
  }

  #tell(ms: number): void {
    const { transport } = this.#session
    const perMinute = (count: number): number => Math.round((count * MINUTE_MS) / ms)
    this.#session.measure({ advertsPerMinute: perMinute(this.#heard), watchedPerMinute: perMinute(this.#ours) })
    this.#heard = 0
    this.#ours = 0
    const { malformed } = transport
    if (malformed > this.#malformed) this.#session.count('badFrames', malformed - this.#malformed)
    this.#malformed = malformed
  }

  #sense(credential: Credential | undefined, { arrived, rssiDbm }: Advert): void {
    if (!credential) return
    this.#ours += 1
    this.#session.sense({ credential, method: 'ble', arrived, kind: 'heard', rssiDbm })
  }
}
