/** What the daemon knows about itself right now: reader states and counters. Turned into documents by `report.ts`. */
import type { Clock } from './clock.js'
import type { ReaderConfig } from './config/config.js'
import type { Counter, DeviceIdentity } from './driver.js'
import type { ReaderId } from './model.js'

export type ReaderPhase = 'up' | 'down' | 'faulted' | 'disabled'

export interface ReaderState {
  readonly state: ReaderPhase
  /** Milliseconds since 1970. */
  readonly since: number
  /** Why it is not up. */
  readonly code?: string | undefined
  readonly hint?: string | undefined
}

export interface ReaderStatus {
  readonly id: ReaderId
  readonly name: string
  readonly driver: string
  state: ReaderState
  identity: DeviceIdentity | undefined
  /** When it last gave a sighting, milliseconds since 1970. */
  lastGoodRead: number | undefined
  readonly counters: Record<Counter, number>
  /** What the driver measures: names of its own. */
  readonly figures: Record<string, number>
  /** The reader behind which it is a point. */
  readonly of: ReaderId | undefined
}

export class Status {
  readonly #clock: Clock
  readonly #readers = new Map<ReaderId, ReaderStatus>()
  /** Called when the state of a reader changed. */
  onReader: ((reader: ReaderStatus) => void) | undefined

  constructor(clock: Clock, readers: readonly ReaderConfig[]) {
    this.#clock = clock
    const all = readers.flatMap((reader) => [
      { ...reader, of: undefined },
      ...reader.points.map((point) => ({ ...reader, ...point, of: reader.id })),
    ])
    for (const { id, name, driver, enabled, of } of all) {
      const state: ReaderState = enabled
        ? { state: 'down', since: clock.now().wall, code: 'starting', hint: 'not opened yet' }
        : { state: 'disabled', since: clock.now().wall, code: 'disabled', hint: 'enabled: false in the configuration' }
      const counters = { goodFrames: 0, badFrames: 0, discardedBytes: 0 }
      this.#readers.set(id, {
        id,
        name,
        driver,
        state,
        identity: undefined,
        lastGoodRead: undefined,
        counters,
        figures: {},
        of,
      })
    }
  }

  get readers(): readonly ReaderStatus[] {
    return [...this.#readers.values()]
  }

  /** The status of a configured reader. */
  reader(id: ReaderId): ReaderStatus {
    const reader = this.#readers.get(id)
    if (!reader) throw new TypeError(`no reader ${id}`)
    return reader
  }

  /** Sets the state; `since` moves only when the phase or its reason changes. */
  set(id: ReaderId, state: ReaderPhase, code?: string, hint?: string): void {
    const reader = this.reader(id)
    if (reader.state.state === state && reader.state.code === code && reader.state.hint === hint) return
    reader.state = { state, since: this.#clock.now().wall, ...(code === undefined ? {} : { code, hint }) }
    this.onReader?.(reader)
  }
}
