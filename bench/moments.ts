/** When what was seen by another process: lines `NAME TIME`, in nanoseconds of the clock that all processes share. */
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_MS = 5

/** Milliseconds of that clock. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export class Moments {
  readonly #seen = new Map<string, number>()
  readonly #isOver: () => boolean

  /** `isOver`: nothing comes any more. */
  constructor(input: Readable, isOver: () => boolean) {
    this.#isOver = isOver
    createInterface({ input }).on('line', (line) => this.#take(line))
  }

  get count(): number {
    return this.#seen.size
  }

  /** Of the earliest that is not `but`. */
  first(but: string): number {
    return Math.min(...[...this.#seen].filter(([name]) => name !== but).map(([, at]) => at))
  }

  /** Of the first with this name; rejects when it does not come. */
  async of(name: string, mostMs = 60_000): Promise<number> {
    const deadline = performance.now() + mostMs
    for (;;) {
      const seen = this.#seen.get(name)
      if (seen !== undefined) return seen
      if (this.#isOver() || performance.now() > deadline) throw new Error(`"${name}" was not seen`)
      await sleep(LOOK_MS)
    }
  }

  #take(line: string): void {
    const at = line.lastIndexOf(' ')
    const name = line.slice(0, at)
    if (!this.#seen.has(name)) this.#seen.set(name, Number(BigInt(line.slice(at + 1))) / 1e6)
  }
}
