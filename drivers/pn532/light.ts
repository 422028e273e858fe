/** Shows verdicts on pins of the chip, where a light and a buzzer hang on them. */
import type { Verdict } from '../../src/driver.js'
import type { Chip, Session } from './chip.js'
import { COMMAND } from './codec.js'

interface Blink {
  readonly colour: 'green' | 'red'
  readonly onMs: number
  readonly offMs: number
  readonly times: number
}

export const PATTERNS: Readonly<Record<Verdict, Blink>> = {
  accepted: { colour: 'green', onMs: 250, offMs: 0, times: 1 },
  repeat: { colour: 'green', onMs: 120, offMs: 120, times: 2 },
  unknown: { colour: 'red', onMs: 800, offMs: 0, times: 1 },
  refused: { colour: 'red', onMs: 120, offMs: 120, times: 3 },
}

export class Light {
  readonly #session: Session
  readonly #chip: Chip

  constructor(session: Session, chip: Chip) {
    this.#session = session
    this.#chip = chip
  }

  /** Dark and silent: pins are high after a reset. */
  async off(): Promise<void> {
    if (this.#session.config.feedback === 'gpio') await this.#set([])
  }

  async show(verdict: Verdict): Promise<void> {
    const { config, signal } = this.#session
    if (config.feedback !== 'gpio') return
    const { colour, onMs, offMs, times } = PATTERNS[verdict]
    for (let time = 0; time < times && !signal.aborted; time++) {
      if (time > 0) await this.#chip.pause(offMs)
      await this.#set([colour === 'green' ? config.greenPin : config.redPin, config.buzzerPin])
      await this.#chip.pause(onMs)
      if (!signal.aborted) await this.#set([])
    }
  }

  async #set(pins: readonly number[]): Promise<void> {
    const on = pins.reduce((bits, pin) => bits | (1 << pin), 0)
    await this.#chip.ask(COMMAND.gpio(this.#session.config.activeLow ? ~on & 0x3f : on))
  }
}
