/** The twin of an RDM6300 at a real pseudo terminal, or, without socat, behind a serial-to-Ethernet converter. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { SystemClock } from '../src/clock.js'
import type { PluggableLine } from '../simulators/line.js'
import { ptyLine } from '../simulators/pty-line.js'
import { Rdm6300 } from '../simulators/rdm6300.js'
import { tcpLine } from '../simulators/tcp-line.js'
import { cardValue } from './fixture.js'
import { sharedNow } from './moments.js'

/** Cards of people who come now, and not those of a backlog. */
const LIVE = 0xf0_0000_0000
let presented = 0

export interface Presented {
  readonly card: string
  /** Its last byte left the reader; in milliseconds of the clock that all processes share. */
  readonly at: number
}

export class Gate {
  readonly wire: 'pty' | 'tcp'
  readonly #line: PluggableLine
  readonly #twin: Rdm6300

  private constructor(line: PluggableLine, wire: 'pty' | 'tcp') {
    this.wire = wire
    this.#line = line
    // This one speaks once for each card.
    this.#twin = new Rdm6300({ clock: new SystemClock(), line, form: 'id12la' })
  }

  /** On a pty in `folder`, which must exist. */
  static async serial(folder: string): Promise<Gate> {
    const hasSocat = spawnSync('socat', ['-V'], { stdio: 'ignore' }).status === 0
    return hasSocat ? new Gate(await ptyLine(join(folder, 'tty')), 'pty') : Gate.network()
  }

  static async network(): Promise<Gate> {
    return new Gate(await tcpLine(), 'tcp')
  }

  get url(): string {
    return this.#line.url
  }

  /** A card that nobody presented before. */
  present(): Presented {
    const card = cardValue(LIVE + presented++)
    const at = sharedNow()
    const { whole } = this.#twin.put(card)
    this.#twin.remove()
    if (whole !== 1) throw new Error('the reader at the gate is not heard')
    return { card, at }
  }

  close(): Promise<void> {
    return this.#line.close()
  }
}
