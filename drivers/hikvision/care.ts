/** What is asked of a terminal with a url: who it is, its time, that it pushes, and its log. */
import type { Point } from '../../src/driver.js'
import type { Client } from './client.js'
import type { Session } from './config.js'
import { History, type Reconciled } from './history.js'
import { arm, clockAhead, deviceInfo, type About } from './isapi.js'
import type { Ledger } from './ledger.js'
import type { Taking } from './taking.js'

export interface CareParts {
  readonly session: Session
  readonly point: Point
  readonly client: Client
  readonly ledger: Ledger
  readonly taking: Taking
  readonly path: string
  readonly over: AbortSignal
}

export class Care {
  readonly #parts: CareParts
  readonly #history: History
  /** When it answered last, and the uptime then. */
  #last: { readonly wall: number; readonly uptime: number } | undefined
  #isArmed = false

  constructor(parts: CareParts) {
    this.#parts = parts
    this.#history = new History({ ...parts, zone: parts.session.zone })
  }

  /** It was away, or does not push: it is told again. */
  disarm(): void {
    this.#isArmed = false
  }

  async about(): Promise<About> {
    const { client, session } = this.#parts
    const about = await deviceInfo(client)
    if (about.arrived) this.#last = { wall: about.arrived.wall, uptime: session.clock.uptime() }
    return about
  }

  async compareClocks(): Promise<void> {
    const { session, client, point, taking } = this.#parts
    const aheadMs = await clockAhead(client, session.zone, () => session.clock.uptime())
    taking.aheadMs = aheadMs
    if (aheadMs !== undefined) session.measure({ clockAheadMs: aheadMs }, point.id)
  }

  /** True when it was told to push, now. */
  async arm(): Promise<boolean> {
    const { session, client, path } = this.#parts
    if (this.#isArmed || session.config.callback === '') return false
    await arm(client, session.config.callback, path)
    this.#isArmed = true
    return true
  }

  async reconcile(): Promise<Reconciled> {
    const { session, taking } = this.#parts
    if (!this.#last) return { found: 0, isWhole: true }
    const now = this.#last.wall + session.clock.uptime() - this.#last.uptime + (taking.aheadMs ?? 0)
    return this.#history.reconcile(Math.round(now))
  }
}
