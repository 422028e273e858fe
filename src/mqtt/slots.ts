/** No more publishes in flight than the broker receives at once [MQTT5 §4.9]; status documents count as records do. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /** Calls `go` now, or when its turn has come. */
  take(go: () => void): void {
    if (this.#free === 0) return void this.#waiting.push(go)
    this.#free -= 1
    go()
  }

  /** One was answered. */
  give(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#free += 1
  }
}
