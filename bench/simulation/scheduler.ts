/** The only order of events there is: a queue of virtual time. What is due at one instant comes in the order in which it was asked for. */
import { setImmediate as turn } from 'node:timers/promises'

/** Whose an event is: what belongs to a process that was killed does not happen any more. */
export interface Owner {
  readonly alive: boolean
  /** It stands still until then, as in suspend: what happens to it meanwhile it sees afterwards. */
  readonly frozenUntil?: number
}

/** The world outlives every process. */
export const WORLD: Owner = { alive: true }

interface Event {
  due: number
  readonly nr: number
  readonly owner: Owner
  /** Undefined once it was cancelled. */
  act: (() => void) | undefined
}

/** No seed needs a tenth of it. */
const MOST_EVENTS = 3_000_000

export class Scheduler {
  /** True time: whole milliseconds since the simulation began. */
  now = 0
  /** Events that happened. */
  count = 0
  #nr = 0
  #heap: Event[] = []

  /** Lets it happen in `ms`; returns what calls it off. */
  after(ms: number, act: () => void, owner: Owner = WORLD): () => void {
    return this.at(this.now + Math.max(0, Math.ceil(ms)), act, owner)
  }

  at(time: number, act: () => void, owner: Owner = WORLD): () => void {
    const due = Math.max(time, owner.frozenUntil ?? 0)
    const event: Event = { due, nr: this.#nr++, owner, act }
    this.#heap.push(event)
    this.#up(this.#heap.length - 1)
    return () => void (event.act = undefined)
  }

  /** The timers of `owner` stand still for so long. */
  postpone(owner: Owner, ms: number): void {
    for (const event of this.#heap) if (event.owner === owner) event.due += ms
    this.#heap.sort(compare)
  }

  /** Lets everything happen until `end`, or until `done` says so. Each event has all its consequences before the next one. */
  async run(end: number, done: () => boolean = () => false): Promise<void> {
    // What was begun outside of any event goes first.
    await turn()
    while (!done()) {
      const next = this.#heap[0]
      if (!next || next.due > end) {
        this.now = Math.max(this.now, end)
        return
      }
      this.#pop()
      if (next.act === undefined || !next.owner.alive) continue
      this.now = Math.max(this.now, next.due)
      this.count += 1
      if (this.count > MOST_EVENTS) throw new Error('the simulation does not come to an end')
      next.act()
      await turn()
    }
  }

  #pop(): void {
    const last = this.#heap.pop()
    if (!last || this.#heap.length === 0) return
    this.#heap[0] = last
    for (let at = 0; ;) {
      const left = 2 * at + 1
      const child = left + 1 < this.#heap.length && before(this.#heap[left + 1]!, this.#heap[left]!) ? left + 1 : left
      if (child >= this.#heap.length || before(this.#heap[at]!, this.#heap[child]!)) return
      this.#swap(at, child)
      at = child
    }
  }

  #up(at: number): void {
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (before(this.#heap[parent]!, this.#heap[at]!)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #swap(one: number, other: number): void {
    const event = this.#heap[one]!
    this.#heap[one] = this.#heap[other]!
    this.#heap[other] = event
  }
}

function compare(one: Event, other: Event): number {
  return one.due - other.due || one.nr - other.nr
}

function before(one: Event, other: Event): boolean {
  return compare(one, other) < 0
}
