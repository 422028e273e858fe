/** NXP PN532 boards over their UART (HSU). A card is the same credential here as at a PC/SC reader. */
import { Hold, type Driver, type ReaderRequest } from '../../src/driver.js'
import { Chip, type Reply, type Session } from './chip.js'
import { COMMAND, firmwareIn, targetsIn, type Target, type Technology } from './codec.js'
import { fields } from './config.js'
import { Light } from './light.js'
import { probe } from './probe.js'

const IDENTIFY_TIMES = 3
/** A card that gives a new number at each look is one card all the same. */
const RANDOM = 'random'

export const driver: Driver<typeof fields, 'bytes'> = {
  name: 'pn532',
  title: 'PN532 boards over UART (ISO 14443 A and B, FeliCa)',
  transport: 'bytes',
  options: fields,
  requests: ['identify'],
  probe,

  async run(session) {
    const chip = new Chip(session)
    try {
      await new Antenna(session, chip).run()
    } catch (error) {
      // A stop in the middle of a question is no failure.
      if (!session.signal.aborted) throw error
    }
    await chip.ended()
  },
}

class Antenna {
  readonly #session: Session
  readonly #chip: Chip
  readonly #light: Light
  readonly #field: Hold

  constructor(session: Session, chip: Chip) {
    this.#session = session
    this.#chip = chip
    this.#light = new Light(session, chip)
    this.#field = new Hold(session.config.hold)
  }

  async run(): Promise<void> {
    const { signal, config, requests } = this.#session
    await this.#open()
    const technologies = technologiesOf(config)
    while (!signal.aborted) {
      const request = requests.take()
      if (request) await this.#identify(request)
      for (const technology of technologies) await this.#look(technology)
      // Without its field a phone may sleep, and the next look finds every card afresh. [PN532 §4]
      await this.#chip.ask(COMMAND.fieldOff)
      await this.#chip.pause(config.poll)
    }
  }

  /** [PN532 §1] */
  async #open(): Promise<void> {
    await this.#chip.wake()
    await this.#chip.ask(COMMAND.samConfiguration)
    const { data } = await this.#chip.ask(COMMAND.firmware)
    await this.#chip.ask(COMMAND.retries)
    await this.#light.off()
    const firmware = firmwareIn(data)
    this.#session.ready({ model: 'PN532', ...(firmware !== undefined && { firmware }) })
  }

  async #look(technology: Technology): Promise<void> {
    const reply = await this.#chip.ask(COMMAND.list(technology))
    const targets = targetsIn(reply.data, technology)
    // A card pulled away in the middle: it comes again, or it does not.
    if (!targets) return this.#session.count('badFrames')
    const { clock } = this.#session
    for (const target of targets) {
      if (!this.#field.begins(target.random ? RANDOM : target.value, reply.arrived.uptime)) continue
      const from = clock.uptime()
      await this.#take(target, reply)
      this.#field.deaf(clock.uptime() - from)
    }
  }

  async #take({ value, random }: Target, { arrived }: Reply): Promise<void> {
    const { config, log } = this.#session
    if (random && config.randomUid === 'refuse') {
      const hint =
        'phones and cards with a random number cannot be known by it: use another credential, or options.randomUid'
      log.warn('Card shows a random number', { event: 'random-uid', card: value.slice(-4), hint })
      return this.#light.show('refused')
    }
    const credential = { type: 'card', value, scope: 'global' } as const
    await this.#light.show(await this.#session.report({ credential, method: 'card', arrived }))
  }

  async #identify(request: ReaderRequest): Promise<void> {
    if (this.#session.config.feedback !== 'gpio') {
      return request.fail(
        'this reader has no light or buzzer',
        'wire them to pins of the board and set options.feedback',
      )
    }
    for (let time = 0; time < IDENTIFY_TIMES && !request.signal.aborted; time++) await this.#light.show('repeat')
    request.done()
  }
}

function technologiesOf({ typeB, felica }: Session['config']): Technology[] {
  return ['a', ...(typeB ? (['b'] as const) : []), ...(felica ? (['felica212', 'felica424'] as const) : [])]
}
