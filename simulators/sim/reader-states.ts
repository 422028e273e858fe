/** What the daemon says of its readers over MQTT, told when it changes. */
import type { Show } from './events.js'

interface StateDocument {
  readonly state: string
  readonly code?: string
}

export class ReaderStates {
  readonly #show: Show
  readonly #states = new Map<string, string>()
  /** From here on changes are worth a line. */
  isTold = false

  constructor(show: Show) {
    this.#show = show
  }

  /** `topic` is `reader/<id>/state`. */
  heard(topic: string, payload: string): void {
    const id = topic.split('/')[1] ?? ''
    const { state, code } = JSON.parse(payload) as StateDocument
    if (this.#states.get(id) === state) return
    this.#states.set(id, state)
    // A daemon that starts says of every reader that it is not up yet.
    if (!this.isTold || code === 'starting') return
    const text = state === 'up' ? 'reader is up' : `reader is ${state} (${code ?? 'no code'})`
    this.#show({ kind: 'note', about: id, text })
  }

  areUp(ids: readonly string[]): boolean {
    return ids.every((id) => this.#states.get(id) === 'up')
  }

  get text(): string {
    return [...this.#states].map(([id, state]) => `${id} is ${state}`).join(', ') || 'the daemon said nothing yet'
  }
}
