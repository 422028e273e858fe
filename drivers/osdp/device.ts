/** One device on the bus: found, opened, polled, lost and found again. */
import type { Point, ReaderRequest } from '../../src/driver.js'
import { Cards } from './cards.js'
import { Channel, type Broken, type Outcome, type Said } from './channel.js'
import {
  buzzerData,
  capabilitiesIn,
  COMMAND,
  identityIn,
  ledData,
  REPLY,
  type Capabilities,
  type Identity,
} from './codec.js'
import type { PointOptions } from './config.js'
import { PATTERNS } from './feedback.js'
import { equals, keyOf } from './key.js'
import type { BusLine, Session } from './line.js'
import { INSTALL_KEY } from './secure.js'
import { TROUBLE, type Trouble } from './trouble.js'

/** A device that does not answer is tried again after so long, and its silence costs the others little. */
const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000]
/** One with the wrong key must not be challenged faster than that. [OSDP §8] */
const KEY_RETRY_MS = 10_000
const NEEDS_A_PERSON: readonly Trouble[] = ['wrong-key', 'install-key', 'bad-key']
/** Reports that wait for a slow disk. More people do not stand at one reader. */
const MAX_WAITING = 8

interface Order {
  readonly id: number
  readonly data: readonly number[]
  readonly done?: (outcome: Said | 'failed') => void
}

export class Device {
  readonly #session: Session
  readonly #point: Point
  readonly #options: PointOptions
  readonly #channel: Channel
  readonly #cards: Cards
  #key: Uint8Array | undefined
  #online = false
  #failures = 0
  #nextTry = 0
  #capabilities: Capabilities = { leds: 0, buzzer: false, secure: false }
  #identity: Identity | undefined
  readonly #orders: Order[] = []
  #status: { readonly tamper: number; readonly power: number } | undefined
  #toldForged = false
  /** Told how the next opening ends. */
  #onOpen: ((opened: boolean) => void) | undefined
  /** Reports under way, one after the other: order is kept, and the bus does not wait for the disk. */
  #reporting: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(session: Session, line: BusLine, point: Point) {
    this.#session = session
    this.#point = point
    // Parse boundary: the configuration was checked against the declaration of these options.
    this.#options = point.options as PointOptions
    this.#channel = new Channel(line, Number(point.match['address']), session.config.check)
    this.#cards = new Cards(this.#options)
    this.#key = keyOf(this.#options.keySecret)
  }

  /** One turn on the bus: a step of opening, an order, or a poll. */
  async turn(): Promise<void> {
    const { clock } = this.#session
    if (clock.uptime() < this.#nextTry) return
    const from = clock.uptime()
    if (!this.#online) return this.#open()
    const order = this.#orders.shift()
    const outcome = await this.#channel.say(order?.id ?? COMMAND.poll, order?.data)
    if (outcome === 'busy') {
      if (order) this.#orders.unshift(order)
      return
    }
    if (typeof outcome === 'string') {
      order?.done?.('failed')
      return this.#lost(outcome)
    }
    this.#session.measure({ latencyMs: Math.round(clock.uptime() - from) }, this.#point.id)
    order?.done?.(outcome)
    if (!order) await this.#polled(outcome)
  }

  /** Everything that was reported is answered. */
  settled(): Promise<void> {
    return this.#reporting
  }

  /** Serves a request; resolves when it is ended. */
  async serve(request: ReaderRequest): Promise<void> {
    if (!this.#online) return request.fail('the device does not answer', 'punchd readers shows why')
    if (request.kind === 'identify') {
      if (!this.#capabilities.buzzer && this.#capabilities.leds === 0)
        return request.fail('the device has no light or buzzer')
      this.#show('identify')
      return request.done()
    }
    if (!this.#channel.isSecure)
      return request.fail(
        'a key can only be set over a secure channel',
        'give the point its present keySecret, or for a new device set options.installKey: allow',
      )
    const key = keyOf(String(request.args['key'] ?? ''))
    if (!key) return request.fail('the key is not 32 hex digits')
    if (equals(key, INSTALL_KEY))
      return request.fail(
        'this key is printed in the standard: everybody has it',
        'openssl rand -hex 16 makes a good one',
      )
    const outcome = await new Promise<Said | 'failed'>((done) =>
      this.#orders.push({ id: COMMAND.keySet, data: [1, 16, ...key], done }),
    )
    if (outcome === 'failed' || outcome.id !== REPLY.ack) return request.fail('the device did not take the key')
    this.#key = key
    // The new key must work before anybody relies on it; the bus opens the channel in its own turn.
    const opened = new Promise<boolean>((resolve) => (this.#onOpen = resolve))
    this.#restart()
    if (await opened) request.done({ verified: true })
    else request.fail('the device took the key, but does not open a channel with it')
  }

  async #open(): Promise<void> {
    const outcome = await this.#opening()
    if (outcome !== 'open') return this.#lost(outcome)
    this.#online = true
    this.#failures = 0
    this.#toldForged = false
    this.#onOpen?.(true)
    const { model = 'OSDP device', serial, firmware } = this.#identity ?? {}
    const secure = this.#channel.isSecure ? 'secure channel' : 'in the clear'
    this.#session.pointReady(this.#point.id, {
      model: `${model}, ${secure}`,
      ...(serial !== undefined && { serial }),
      ...(firmware !== undefined && { firmware }),
    })
  }

  /** [OSDP §4] Identity and capabilities come in the clear; cards never do when there is a key. */
  async #opening(): Promise<'open' | Trouble> {
    this.#channel.reset()
    const { installKey } = this.#session.config
    if (this.#options.keySecret !== '' && !this.#key) return 'bad-key'
    const key = this.#key ?? (installKey === 'allow' ? INSTALL_KEY : undefined)
    if (key && equals(key, INSTALL_KEY) && installKey === 'refuse') return 'install-key'
    const identity = await this.#asked(COMMAND.id)
    if (typeof identity === 'string') return identity
    this.#identity = identity.id === REPLY.id ? identityIn(identity.data) : undefined
    const capabilities = await this.#asked(COMMAND.capabilities)
    if (typeof capabilities === 'string') return capabilities
    this.#capabilities = capabilitiesIn(capabilities.id === REPLY.capabilities ? capabilities.data : new Uint8Array())
    const opened = key ? await this.#channel.open(key) : 'open'
    return opened === 'open' ? this.#firstStatus() : opened
  }

  /** The first question that a device which insists on encryption refuses in the clear. */
  async #firstStatus(): Promise<'open' | Trouble> {
    const status = await this.#channel.say(COMMAND.localStatus)
    if (typeof status === 'string') return status === 'busy' ? 'open' : status
    if (status.id === REPLY.nak && (status.data[0] === 0x05 || status.data[0] === 0x06)) return 'refused'
    if (status.id === REPLY.localStatus) await this.#statusIs(status.data[0] ?? 0, status.data[1] ?? 0)
    return 'open'
  }

  async #asked(id: number): Promise<Said | Broken> {
    const outcome: Outcome = await this.#channel.say(id, [0])
    return outcome === 'busy' ? 'silent' : outcome
  }

  async #polled({ id, data, arrived }: Said): Promise<void> {
    switch (id) {
      case REPLY.raw:
      case REPLY.formatted:
      case REPLY.keypad: {
        const seen = this.#cards.seen(id, data, arrived)
        if (seen === 'bad') this.#session.count('badFrames')
        else if (seen !== 'none') this.#report({ ...seen, point: this.#point.id })
        return
      }
      case REPLY.localStatus:
        return this.#statusIs(data[0] ?? 0, data[1] ?? 0)
      case REPLY.nak:
        // To a poll it means that the device has lost the thread, as after its power was cut. [OSDP §8]
        return this.#lost('refused')
      default:
        return
    }
  }

  #report(sighting: Parameters<Session['report']>[0]): void {
    if (this.#waiting >= MAX_WAITING) return this.#session.count('badFrames')
    this.#waiting += 1
    this.#reporting = this.#reporting.then(async () => {
      const verdict = await this.#session.report(sighting)
      this.#waiting -= 1
      if (this.#options.feedback) this.#show(verdict)
    })
  }

  #show(what: keyof typeof PATTERNS): void {
    const pattern = PATTERNS[what]
    if (this.#capabilities.leds > 0) this.#orders.push({ id: COMMAND.led, data: ledData(pattern) })
    if (this.#capabilities.buzzer) this.#orders.push({ id: COMMAND.buzzer, data: buzzerData(pattern) })
  }

  async #statusIs(tamper: number, power: number): Promise<void> {
    const before = this.#status ?? { tamper: 0, power: 0 }
    this.#status = { tamper, power }
    const { id } = this.#point
    if (before.tamper !== tamper) await this.#session.event('tamper', { state: tamper === 0 ? 'closed' : 'open' }, id)
    if (before.power !== power) await this.#session.event('power-failure', { state: power === 0 ? 'ok' : 'failed' }, id)
  }

  #restart(): void {
    this.#online = false
    this.#channel.reset()
  }

  #lost(why: Trouble): void {
    const { clock } = this.#session
    // A channel that came out of step is opened again at once; who cannot be reached is left alone for a while.
    const again = this.#online && (why === 'sequence' || why === 'refused' || why === 'forged')
    this.#restart()
    this.#onOpen?.(false)
    for (const order of this.#orders.splice(0)) order.done?.('failed')
    if (why === 'forged') this.#tellForged()
    if (again) return
    const pause = NEEDS_A_PERSON.includes(why) ? KEY_RETRY_MS : (RETRY_MS[this.#failures] ?? 10_000)
    this.#failures += 1
    this.#nextTry = clock.uptime() + pause
    this.#session.pointLost(this.#point.id, TROUBLE[why])
  }

  /** Once until the channel is open again: somebody may be at the wires. */
  #tellForged(): void {
    if (this.#toldForged) return
    this.#toldForged = true
    void this.#session.event('secure-channel-broken', { reason: 'a reply without the right signature' }, this.#point.id)
  }
}
