/** Shows verdicts on pins of the chip, where lights and a buzzer hang on them. */
import type { Verdict } from '../../src/driver.js'
import type { Chip, Session } from './chip.js'
import { gpio, PINS, type Pin } from './commands.js'

interface Blink {
  readonly colour: 'green' | 'red'
  readonly onMs: number
  readonly offMs: number
  readonly times: number
}

/** Told apart with the eyes shut, or with the ears shut. README, "Feedback". */
export const PATTERNS: Readonly<Record<Verdict, Blink>> = {
  accepted: { colour: 'green', onMs: 250, offMs: 0, times: 1 },
  repeat: { colour: 'green', onMs: 120, offMs: 120, times: 2 },
  unknown: { colour: 'red', onMs: 800, offMs: 0, times: 1 },
  refused: { colour: 'red', onMs: 120, offMs: 120, times: 3 },
}

export class Light {
  readonly #session: Session
  readonly #chip: Chip
  readonly #used: readonly Pin[]
  #isLit = false

  constructor(session: Session, chip: Chip) {
    const { greenPin, redPin, buzzerPin } = session.config
    this.#session = session
    this.#chip = chip
    this.#used = PINS.filter((pin) => [greenPin, redPin, buzzerPin].includes(pin))
  }

  get isThere(): boolean {
    return this.#session.config.feedback === 'gpio'
  }

  /** Dark and silent, whatever the pins were before. */
  async off(): Promise<void> {
    if (this.isThere) await this.#chip.ask(this.#command([]))
  }

  async show(verdict: Verdict): Promise<void> {
    if (!this.isThere) return
    const { config, signal } = this.#session
    const { colour, onMs, offMs, times } = PATTERNS[verdict]
    const on = [colour === 'green' ? config.greenPin : config.redPin, config.buzzerPin]
    for (let time = 0; time < times && !signal.aborted; time++) {
      if (time > 0) await this.#chip.pause(offMs)
      this.#isLit = true
      await this.#chip.ask(this.#command(on))
      await this.#chip.pause(onMs)
      if (signal.aborted) return
      await this.#chip.ask(this.#command([]))
      this.#isLit = false
    }
  }

  /** The command that makes it dark, when a run ends in the middle of a light; undefined when it is dark. */
  get farewell(): readonly number[] | undefined {
    return this.#isLit ? this.#command([]) : undefined
  }

  #command(on: readonly string[]): readonly number[] {
    const isOn = (pin: Pin): boolean => on.includes(pin)
    const low = this.#used.filter((pin) => isOn(pin) === (this.#session.config.active === 'low'))
    return gpio(low, this.#used)
  }
}
