/** What rules remember of somebody at a place: a factor that waits for the second, the last passage. */
import type { Passage } from './policy/direction.js'
import type { Waiting } from './policy/verify.js'

export interface PolicyState {
  readonly place: string
  /** Of whom: a person, or else a credential. */
  readonly who: string
  /** The person, where one is known: who is erased is forgotten here too. */
  readonly ref: string | null
  readonly waiting?: Waiting | undefined
  readonly last?: Passage | undefined
}

export interface PolicyStates {
  get(place: string, who: string): PolicyState | undefined
  /** Within the commit of the record that it follows from. */
  put(state: PolicyState): void
  /** Those of whom it is not yet said that the second factor did not come. */
  waiting(): readonly PolicyState[]
}

/** For tests, and for journals of tests: forgets with the process. */
export class StatesInMemory implements PolicyStates {
  readonly #states = new Map<string, PolicyState>()

  get(place: string, who: string): PolicyState | undefined {
    return this.#states.get(stateKey(place, who))
  }

  put(state: PolicyState): void {
    this.#states.set(stateKey(state.place, state.who), state)
  }

  waiting(): readonly PolicyState[] {
    return [...this.#states.values()].filter(waits)
  }
}

export function stateKey(place: string, who: string): string {
  return JSON.stringify([place, who])
}

export function waits({ waiting }: PolicyState): boolean {
  return waiting !== undefined && !waiting.told
}
