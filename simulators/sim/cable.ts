/** What a byte twin at a door is connected by: a pty or TCP, and a cable that can be pulled. */
import { join } from 'node:path'
import type { Clock } from '../../src/driver.js'
import type { Delivery, Line, PluggableLine } from '../line.js'
import type { ReaderPlan } from '../scenario/scenario.js'
import { findProgram } from './process.js'

/** A line that drops by itself comes back after this long. */
const CUT_MS = 300

export async function pluggable({ id, over }: ReaderPlan, folder: string): Promise<PluggableLine> {
  const overPty = over === 'pty' || (over === 'auto' && findProgram('socat') !== undefined)
  return overPty
    ? await (await import('../pty-line.js')).ptyLine(join(folder, `${id}.tty`))
    : await (await import('../tcp-line.js')).tcpLine()
}

/** A cable with somebody beside it who puts it back when it falls out. */
export class Cable implements Line {
  readonly #line: PluggableLine
  readonly #clock: Clock
  #isPulled = false

  constructor(line: PluggableLine, clock: Clock) {
    this.#line = line
    this.#clock = clock
  }

  /** Pulled on purpose: nobody puts it back. */
  get isPulled(): boolean {
    return this.#isPulled
  }

  get onReceive(): ((bytes: Uint8Array) => void) | undefined {
    return this.#line.onReceive
  }
  set onReceive(listener: ((bytes: Uint8Array) => void) | undefined) {
    this.#line.onReceive = listener
  }

  send(bytes: Uint8Array): Delivery {
    return this.#line.send(bytes)
  }

  /** It falls out. */
  async unplug(): Promise<void> {
    await this.#line.unplug()
    await this.#clock.sleep(CUT_MS)
    if (!this.#isPulled) await this.#line.plug()
  }

  async pull(): Promise<void> {
    this.#isPulled = true
    await this.#line.unplug()
  }

  async putBack(): Promise<void> {
    this.#isPulled = false
    await this.#line.plug()
  }

  async close(): Promise<void> {
    this.#isPulled = true
    await this.#line.close()
  }
}
