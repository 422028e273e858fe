/** Looks into the field for cards, over and over, and reports those that come. */
import { DeviceError, type ReaderRequest } from '../../src/driver.js'
import type { Chip, Reply, Session } from './chip.js'
import * as command from './commands.js'
import { Field } from './field.js'
import type { Light } from './light.js'
import { targetsIn, type Target } from './targets.js'

const IC_PN532 = 0x32
const IDENTIFY_TIMES = 3
/** A look takes at least so long, whatever the pause. */
const SHORTEST_POLL_MS = 20

export class Antenna {
  readonly #session: Session
  readonly #chip: Chip
  readonly #light: Light
  readonly #field: Field
  readonly #technologies: readonly command.Technology[]

  constructor(session: Session, chip: Chip, light: Light) {
    const { poll, hold, felica, typeB } = session.config
    this.#session = session
    this.#chip = chip
    this.#light = light
    this.#field = new Field(Math.max(1, Math.ceil(hold / Math.max(poll, SHORTEST_POLL_MS))))
    this.#technologies = [
      'a',
      ...(typeB ? (['b'] as const) : []),
      ...(felica ? (['felica212', 'felica424'] as const) : []),
    ]
  }

  /** Sets the chip up from whatever state it is in. [PN532 §1] Throws DeviceError when it is another chip. */
  async open(): Promise<void> {
    await this.#chip.wake(command.SAM_CONFIGURATION)
    const { data } = await this.#chip.ask(command.FIRMWARE)
    const about = command.firmwareIn(data)
    if (about?.chip !== IC_PN532) {
      throw new DeviceError('device-refused', 'the board at the other end is no PN532', {
        hint: 'check that the transport of this reader names the right port, and its driver',
      })
    }
    await this.#chip.ask(command.PARAMETERS)
    await this.#chip.ask(command.RETRIES)
    await this.#light.off()
    this.#session.ready({ model: 'PN532', firmware: about.firmware })
  }

  async watch(): Promise<void> {
    const { signal, config, requests } = this.#session
    while (!signal.aborted) {
      const request = requests.take()
      if (request) await this.#answer(request)
      for (const technology of this.#technologies) await this.#look(technology)
      // Without its field a phone may sleep, and the next look finds every card afresh. [PN532 §4]
      await this.#chip.ask(command.FIELD_OFF)
      await this.#chip.pause(config.poll)
    }
  }

  async #look(technology: command.Technology): Promise<void> {
    const reply = await this.#chip.ask(command.list(technology))
    const targets = targetsIn(reply.data, technology)
    // A look that came to nothing tells neither who is there nor who is not.
    if (!targets) return this.#session.count('badFrames')
    for (const target of this.#field.noted(technology, targets)) await this.#take(target, reply)
  }

  async #take(target: Target, { arrived }: Reply): Promise<void> {
    const { config, log } = this.#session
    if (target.kind === 'unread') {
      this.#session.count('badFrames')
      log.warn('Card could not be read', { why: target.why })
      return this.#light.show('refused')
    }
    const { value, random } = target
    if (random && config.randomUid === 'refuse') {
      const hint =
        'phones and cards with a random number cannot be known by it: use another credential, or options.randomUid'
      log.warn('Card shows a random number', { card: value.slice(-4), hint })
      return this.#light.show('refused')
    }
    const credential = { type: 'card', value, scope: 'global' } as const
    await this.#light.show(await this.#session.report({ credential, method: 'card', arrived }))
  }

  async #answer(request: ReaderRequest): Promise<void> {
    if (!this.#light.isThere) {
      const hint = 'wire lights to pins of the board and set options.feedback'
      return request.fail('this reader has no light or buzzer', hint)
    }
    for (let time = 0; time < IDENTIFY_TIMES && !request.signal.aborted; time++) await this.#light.show('repeat')
    request.done()
  }
}
