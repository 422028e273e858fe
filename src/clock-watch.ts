/** Writes down when the wall clock was set and when it was stepped, and then the corrections that this makes possible. */
import { every, STEP_MS, type Clock } from './clock.js'
import type { Logger } from './driver.js'
import { messageOf } from './errors.js'
import type { JournalThread } from './journal/client.js'
import type { Draft } from './journal/journal.js'
import type { Moment } from './model.js'

export interface ClockWatchContext {
  readonly clock: Clock
  readonly log: Logger
  readonly journal: Pick<JournalThread, 'append' | 'correct' | 'newest'>
  readonly timeOf: (wall: number) => string
}

const LOOK_EVERY_MS = 1_000

export class ClockWatch {
  readonly #context: ClockWatchContext
  /** At the last look; after a restart the newest record. */
  #before: Moment | undefined
  /** Corrections may wait: at a start those that a kill cut short. */
  #isDue = true
  #failing = false

  constructor(context: ClockWatchContext) {
    this.#context = context
  }

  /** Looks every second until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, journal } = this.#context
    await this.#trying(async () => {
      this.#before = await journal.newest()
      await this.#look(signal, true)
    })
    await every(clock, LOOK_EVERY_MS, signal, () => this.#trying(() => this.#look(signal, false)))
  }

  /** A journal that is full takes it at a later look: until then the last one that was written down counts. */
  async #trying(act: () => Promise<void>): Promise<void> {
    const { log } = this.#context
    try {
      await act()
      this.#failing = false
    } catch (error) {
      if (!this.#failing) log.error('Clock not on record', { event: 'audit-failed', reason: messageOf(error) })
      this.#failing = true
    }
  }

  async #look(signal: AbortSignal, first: boolean): Promise<void> {
    const { clock, journal, log } = this.#context
    const now = clock.now()
    const before = this.#before?.boot === now.boot ? this.#before : undefined
    for (const draft of [this.#step(before, now), this.#news(first ? undefined : before, now)]) {
      if (!draft) continue
      await journal.append(draft)
      log.info('Clock', { event: draft.channel, errorMs: now.errorMs })
      if (draft.channel === 'clock-synced') this.#isDue = true
    }
    this.#before = now
    while (this.#isDue && !signal.aborted) this.#isDue = await journal.correct(clock.now())
  }

  /** Wall clock and uptime run alike, in suspend too; when they do not, somebody set the clock. */
  #step(before: Moment | undefined, now: Moment): Draft | undefined {
    if (!before) return undefined
    const { timeOf } = this.#context
    const old = before.wall + now.uptime - before.uptime
    const byMs = now.wall - old
    if (Math.abs(byMs) <= STEP_MS) return undefined
    return record('clock-stepped', now, { old: timeOf(old), new: timeOf(now.wall), byMs }, before)
  }

  /** The journal knows whether a sync at the start is a new one. */
  #news(before: Moment | undefined, now: Moment): Draft | undefined {
    const { state } = now
    if (state === (before?.state ?? 'unsynced')) return undefined
    if (state === 'synced')
      return { ...record('clock-synced', now, { errorMs: now.errorMs }, before), sync: { state, at: now } }
    return before && { ...record('clock-unsynced', now, {}, before), sync: { state, at: before } }
  }
}

function record(type: string, now: Moment, detail: Draft['fields'], before: Moment | undefined): Draft {
  const moments = { before: before ? { ...before } : null, after: { ...now } }
  const fields = { reader: null, place: null, type, subject: 'clock', detail: { ...detail, ...moments } }
  return { kind: 'audit', channel: type, moment: now, fields }
}
