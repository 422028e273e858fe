/** What the module shows: a coloured ring, or the light behind the glass. */
import { DeviceError, ProtocolError, type Verdict } from '../../src/driver.js'
import { CODE, COMMAND, type Aura } from './codec.js'
import type { Sensor, Session } from './sensor.js'

export type LightKind = 'aura' | 'aura3' | 'backlight' | 'none'
/** `waiting`: somebody enrols; the sensor takes no punches. */
export type Shown = Verdict | 'waiting' | 'off'

const RED = 1
const BLUE = 2
const GREEN = 4
const BREATHE = 1
const FLASH = 2
const OFF = 4

/** [ZFM §5.5]; the larger the speed, the longer the cycle: FF is five seconds. */
const AURA: Readonly<Record<Shown, Aura>> = {
  accepted: { control: FLASH, speed: 0x30, colour: GREEN, times: 1 },
  repeat: { control: FLASH, speed: 0x18, colour: GREEN, times: 2 },
  unknown: { control: BREATHE, speed: 0x60, colour: RED, times: 1 },
  refused: { control: FLASH, speed: 0x18, colour: RED, times: 3 },
  waiting: { control: BREATHE, speed: 0x60, colour: BLUE, times: 0 },
  off: { control: OFF, speed: 0, colour: 0, times: 0 },
}
/** On and off in milliseconds, one pair a blink. */
const BLINKS: Readonly<Record<Shown, readonly (readonly [number, number])[]>> = {
  accepted: [[250, 0]],
  repeat: [[120, 120], [120, 0]], // prettier-ignore
  unknown: [[800, 0]],
  refused: [[120, 120], [120, 120], [120, 0]], // prettier-ignore
  waiting: [],
  off: [],
}

export class Light {
  readonly #session: Session
  readonly #sensor: Sensor
  readonly #kind: LightKind
  #dumb = false

  constructor(session: Session, sensor: Sensor, kind: LightKind) {
    this.#session = session
    this.#sensor = sensor
    this.#kind = kind
  }

  /** A light that fails never costs a punch. */
  async show(what: Shown): Promise<void> {
    if (this.#dumb || this.#kind === 'none') return
    try {
      if (this.#kind === 'backlight') await this.#blink(what)
      else await this.#command(COMMAND.aura(this.#aura(what)))
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof DeviceError)) throw error
      this.#session.log.info('Module did not show the verdict', { event: 'light-failed', shown: what })
    }
  }

  /** A ring of the first generation knows no green: blue says yes there. [ZFM §5.5] */
  #aura(what: Shown): Aura {
    const aura = AURA[what]
    return this.#kind === 'aura3' && aura.colour === GREEN ? { ...aura, colour: BLUE } : aura
  }

  async #blink(what: Shown): Promise<void> {
    for (const [onMs, offMs] of BLINKS[what]) {
      await this.#command(COMMAND.lightOn)
      await this.#sensor.pause(onMs)
      await this.#command(COMMAND.lightOff)
      if (offMs > 0) await this.#sensor.pause(offMs)
    }
  }

  async #command(command: readonly number[]): Promise<void> {
    const { code } = await this.#sensor.ask(command)
    if (code === CODE.ok) return
    this.#dumb = true
    this.#session.log.info('Module has no such light', { event: 'light-absent', hint: 'set options.light' })
  }
}
