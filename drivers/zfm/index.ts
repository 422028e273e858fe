/** EF01 fingerprint modules: R503, R30x, AS608, ZFM-20, FPM10A. Templates never leave the module. */
import type { Driver } from '../../src/driver.js'
import { fields } from './config.js'
import type { EnrolmentParts } from './enrolment.js'
import { extract, look, search } from './finger.js'
import { Library } from './library.js'
import { Light } from './light.js'
import { open } from './opening.js'
import { probe } from './probe.js'
import { serve } from './requests.js'
import { isStop, Sensor, type Session } from './sensor.js'

/** How often the number of templates is compared. */
const CHECK_MS = 60_000
/** Poor images of one finger before it is told to try again. */
const MAX_POOR = 3
/** Unknown fingers are told to operators this often at most. */
const UNKNOWN_EVERY_MS = 60_000

export const driver: Driver<typeof fields, 'bytes'> = {
  name: 'zfm',
  title: 'EF01 fingerprint modules (R503, R30x, AS608, ZFM-20, FPM10A)',
  transport: 'bytes',
  options: fields,
  requests: ['enroll', 'remove', 'list', 'identify'],
  probe,

  async run(session) {
    const sensor = new Sensor(session)
    try {
      await new Door(session, sensor).run()
    } catch (error) {
      if (!isStop(error, session)) throw error
    }
    await sensor.ended()
  },
}

class Door {
  readonly #session: Session
  readonly #sensor: Sensor
  /** A finger lies there that was dealt with. */
  #done = false
  #poor = 0
  #toldUnknown = -Infinity

  constructor(session: Session, sensor: Sensor) {
    this.#session = session
    this.#sensor = sensor
  }

  async run(): Promise<void> {
    const { clock, signal, config, requests } = this.#session
    const opened = await open(this.#session, this.#sensor)
    const library = new Library(this.#session, this.#sensor, opened.capacity, opened.module)
    await library.open()
    const light = new Light(this.#session, this.#sensor, opened.light)
    this.#session.ready(opened.identity)
    const parts = { session: this.#session, sensor: this.#sensor, library, captures: opened.captures }
    let checked = clock.uptime()
    while (!signal.aborted) {
      const request = requests.take()
      if (request) {
        await serve(request, parts, light)
        // The finger that was just enrolled still lies there: it is no punch.
        if (request.kind === 'enroll') this.#done = true
      }
      await this.#look(parts, light)
      if (clock.uptime() - checked >= CHECK_MS && !this.#done) {
        checked = clock.uptime()
        await library.check()
      }
      await this.#sensor.pause(config.poll)
    }
  }

  async #look(parts: EnrolmentParts, light: Light): Promise<void> {
    const found = await look(this.#sensor)
    if (found === 'none') {
      this.#done = false
      this.#poor = 0
    } else if (!this.#done) {
      this.#done = (found === 'finger' && (await this.#recognise(parts, light))) || (await this.#tooPoor(light))
    }
  }

  /** A poor image is taken again while the finger lies there; after some the person is told. */
  async #tooPoor(light: Light): Promise<boolean> {
    this.#session.count('badFrames')
    this.#poor += 1
    if (this.#poor < MAX_POOR) return false
    this.#session.log.debug('Finger could not be read', { event: 'finger-poor' })
    await light.show('refused')
    return true
  }

  /** False when the image was too poor. */
  async #recognise({ library }: EnrolmentParts, light: Light): Promise<boolean> {
    if (!(await extract(this.#sensor, 1))) return false
    const { slot, arrived } = await search(this.#sensor, library.capacity)
    if (slot === undefined) {
      await light.show('unknown')
      await this.#tellUnknown()
      return true
    }
    const { readerId } = this.#session
    const credential = { type: 'fingerprint', value: String(slot), scope: readerId } as const
    await light.show(await this.#session.report({ credential, method: 'fingerprint', arrived }))
    return true
  }

  /** No slot, no credential, no punch: but somebody stood there. */
  async #tellUnknown(): Promise<void> {
    const { clock } = this.#session
    if (clock.uptime() - this.#toldUnknown < UNKNOWN_EVERY_MS) return
    this.#toldUnknown = clock.uptime()
    await this.#session.event('unknown-finger')
  }
}
