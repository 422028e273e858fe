/**
 * Enrolment, step by step. Everything happens in the module's buffers until the last command, one store: whatever ends
 * it before leaves no trace, and one whose answer is lost is looked up, or undone at the next start.
 */
import { DeviceError, ProtocolError, type ReaderRequest } from '../../src/driver.js'
import { CODE, COMMAND } from './codec.js'
import { extract, look, search } from './finger.js'
import type { Library } from './library.js'
import { refusal, type Sensor, type Session } from './sensor.js'

/** A person who does not come, or does not lift. */
const PATIENCE_MS = 30_000
const LOOK_EVERY_MS = 120
const MAX_POOR = 5
const MAX_ROUNDS = 3

/** The request cannot go on; the message is for the person. */
class Ended extends Error {
  readonly hint: string | undefined
  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

export interface EnrolmentParts {
  readonly session: Session
  readonly sensor: Sensor
  readonly library: Library
  /** How often a finger is taken. */
  readonly captures: number
}

export class Enrolment {
  readonly #parts: EnrolmentParts
  readonly #request: ReaderRequest

  constructor(parts: EnrolmentParts, request: ReaderRequest) {
    this.#parts = parts
    this.#request = request
  }

  /** Ends the request, one way or the other. Throws when the module is lost. */
  async run(): Promise<void> {
    try {
      const slot = this.#slot()
      await this.#takeFinger()
      await this.#store(slot)
      this.#request.progress('stored', `Stored in slot ${slot}. Lift your finger.`, { slot })
      this.#request.done({ slot })
    } catch (error) {
      if (error instanceof Ended) return this.#request.fail(error.message, error.hint)
      if (error instanceof DeviceError) return this.#request.fail(error.message, error.hint)
      throw error
    }
  }

  /** The slot asked for, or the next free one. */
  #slot(): number {
    const { library } = this.#parts
    const { slot = library.free } = this.#request.args
    if (typeof slot !== 'number') {
      throw new Ended(
        `The module is full: all ${library.capacity} slots are in use.`,
        `remove somebody first: punchd enroll ${this.#parts.session.readerId} --remove SLOT`,
      )
    }
    if (!Number.isInteger(slot) || slot < 0 || slot >= library.capacity)
      throw new Ended(`Slot ${slot} does not exist: this module has 0 to ${library.capacity - 1}.`)
    if (library.slots.has(slot))
      throw new Ended(
        `Slot ${slot} is in use.`,
        `remove it first (punchd enroll ${this.#parts.session.readerId} --remove ${slot}), or leave --slot away`,
      )
    return slot
  }

  /** Fills the buffers and combines them. Images that turn out to be of two fingers begin again. */
  async #takeFinger(): Promise<void> {
    const { sensor, captures } = this.#parts
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      for (let buffer = 1; buffer <= captures; buffer++) await this.#capture(buffer)
      const { code } = await sensor.ask(COMMAND.combine)
      if (code === CODE.ok) return
      if (code !== CODE.notSame) throw refusal('combining the images', code)
      this.#request.progress('again', 'The images do not belong to one finger. We begin again, with one finger only.')
      await this.#lifted()
    }
    throw new Ended('The images never matched; nothing was stored.', 'clean finger and sensor, and try another finger')
  }

  async #capture(buffer: number): Promise<void> {
    const { sensor, captures, library } = this.#parts
    const say = (step: string, text: string): void => this.#request.progress(step, text, { take: buffer, of: captures })
    if (buffer === 1) say('place', `Place the finger on the sensor (1 of ${captures}).`)
    else {
      say('lift', 'Lift the finger.')
      await this.#lifted()
      say('place-again', `Place the same finger again (${buffer} of ${captures}).`)
    }
    for (let poor = 0; poor < MAX_POOR; poor++) {
      const image = await this.#placed()
      if (image === 'finger' && (await extract(sensor, buffer))) {
        if (buffer === 1) await this.#refuseDuplicate(library)
        return
      }
      say('poor', 'That image is too poor. Lift, wipe the finger dry, and place it flat on the middle of the sensor.')
      await this.#lifted()
    }
    throw new Ended(
      'The images stay too poor; nothing was stored.',
      'clean the sensor, moisten a dry finger, or take another one',
    )
  }

  async #refuseDuplicate(library: Library): Promise<void> {
    const { slot } = await search(this.#parts.sensor, library.capacity)
    if (slot === undefined) return
    this.#request.progress('duplicate', `This finger is already in slot ${slot}.`, { slot })
    throw new Ended(
      `This finger is already enrolled in slot ${slot}; nothing was stored.`,
      `remove that one first: punchd enroll ${this.#parts.session.readerId} --remove ${slot}`,
    )
  }

  async #store(slot: number): Promise<void> {
    const { sensor, library } = this.#parts
    this.#stopIfGivenUp()
    library.storing(slot)
    try {
      const { code } = await sensor.ask(COMMAND.store(1, slot), { once: true })
      await library.settled(slot, code === CODE.ok)
      if (code !== CODE.ok) throw refusal(`storing in slot ${slot}`, code)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      // The answer was lost, not the module: its table tells what became of the store.
      const stored = await library.holds(slot)
      await library.settled(slot, stored)
      if (!stored) throw new Ended('The module did not store the finger.', 'try again')
    }
  }

  async #placed(): Promise<'finger' | 'poor'> {
    const seen = await this.#lookUntil(
      (found) => found !== 'none',
      'Nobody placed a finger for 30 s; nothing was stored.',
    )
    return seen === 'finger' ? 'finger' : 'poor'
  }

  async #lifted(): Promise<void> {
    await this.#lookUntil((found) => found === 'none', 'The finger was not lifted for 30 s; nothing was stored.')
  }

  async #lookUntil(
    wanted: (found: Awaited<ReturnType<typeof look>>) => boolean,
    tooLate: string,
  ): Promise<Awaited<ReturnType<typeof look>>> {
    const { session, sensor } = this.#parts
    const { clock } = session
    const until = clock.uptime() + PATIENCE_MS
    while (clock.uptime() < until) {
      this.#stopIfGivenUp()
      const found = await look(sensor)
      if (wanted(found)) return found
      await sensor.pause(LOOK_EVERY_MS)
    }
    throw new Ended(tooLate, 'begin again when the person is there')
  }

  #stopIfGivenUp(): void {
    if (this.#request.signal.aborted) throw new Ended('Cancelled; nothing was stored.')
  }
}
