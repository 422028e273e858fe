/** How far the clock of the terminal is off: it stamps records that we may read days later. */
import { COMMAND, REPLY, timeOf, u32 } from './codec.js'
import type { Session } from './config.js'
import type { Link } from './link.js'

/** More is worth telling people. */
const MOST_OFF_MS = 120_000
const REMEMBERED = 'clock-off'

export class ClockWatch {
  /** Milliseconds by which it was ahead of ours when they were last compared and ours was right. It tells whole seconds. */
  aheadMs: number | undefined
  /** The same, whether or not ours was right. */
  differenceMs = 0
  readonly #session: Session
  readonly #link: Link

  constructor(session: Session, link: Link) {
    this.#session = session
    this.#link = link
  }

  /** Compares the clocks. A terminal that does not tell its time is no error. */
  async compare(): Promise<void> {
    const { frame, arrived } = await this.#link.ask(COMMAND.getTime)
    const local = frame.command === REPLY.ok && frame.data.length >= 4 ? timeOf(u32(frame.data, 0)) : undefined
    if (local === undefined) return
    // Both as if they were UTC: an hour that comes twice in autumn is then no difference of an hour.
    const shown = Date.parse(`${local.replace(' ', 'T')}Z`)
    const ours = arrived.wall + this.#session.zone.offsetMinutes(arrived.wall) * 60_000
    this.differenceMs = shown - ours
    // Our own clock may be the wrong one.
    this.aheadMs = arrived.state === 'synced' ? this.differenceMs : undefined
    if (this.aheadMs === undefined) return
    this.#session.measure({ clockAheadMs: this.aheadMs })
    await this.#tell(this.aheadMs)
  }

  /** Once when it goes wrong, over all runs. */
  async #tell(aheadMs: number): Promise<void> {
    const isOff = Math.abs(aheadMs) > MOST_OFF_MS
    const wasOff = (await this.#session.recall(REMEMBERED)) === 'yes'
    if (isOff === wasOff) return
    await this.#session.remember(REMEMBERED, isOff ? 'yes' : 'no').catch(() => undefined)
    if (!isOff) return
    const aheadSeconds = Math.round(aheadMs / 1_000)
    this.#session.log.warn('Clock of the terminal is off', { event: 'terminal-clock-off', aheadSeconds })
    await this.#session.event('terminal-clock-off', { aheadSeconds })
  }
}
