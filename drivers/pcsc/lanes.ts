/** Does things one after the other on each reader, and on all readers at the same time. */
export class Lanes {
  readonly #maxWaiting: number
  readonly #last = new Map<string, Promise<void>>()
  readonly #waiting = new Map<string, number>()
  #failure: { readonly error: unknown } | undefined

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting
  }

  /** Queues a task; false when too many wait in this lane already. */
  add(lane: string, task: () => Promise<void>): boolean {
    const waiting = this.#waiting.get(lane) ?? 0
    if (waiting >= this.#maxWaiting) return false
    this.#waiting.set(lane, waiting + 1)
    const last = (this.#last.get(lane) ?? Promise.resolve())
      .then(task)
      .catch((error: unknown) => void (this.#failure ??= { error }))
      .then(() => this.#leave(lane))
    this.#last.set(lane, last)
    return true
  }

  /** Throws what a task threw. */
  check(): void {
    if (this.#failure) throw this.#failure.error
  }

  #leave(lane: string): void {
    const waiting = (this.#waiting.get(lane) ?? 1) - 1
    if (waiting > 0) return void this.#waiting.set(lane, waiting)
    this.#waiting.delete(lane)
    this.#last.delete(lane)
  }
}
