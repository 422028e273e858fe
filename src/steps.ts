/** Verification rules and directions in turn: what they make of an accepted punch, with what they remember of its person. */
import type { Direction, DirectionSetting, Moment } from './model.js'
import { nextDirection, type OffsetMinutes, type Turns } from './policy/direction.js'
import { isMissing, verify, type Factor, type Verification, type VerifyRule } from './policy/verify.js'
import { stateKey, waits, type PolicyState, type PolicyStates } from './policy-states.js'

export interface StepRules {
  readonly states: PolicyStates
  readonly verify: readonly VerifyRule[]
  readonly autoDirection: Turns
  readonly offset: OffsetMinutes
}

/** An accepted punch of now; of what a terminal kept for a while neither order nor time is certain. */
export interface Step {
  readonly place: string
  readonly direction: DirectionSetting
  readonly who: string
  readonly person: string | null
  readonly factor: Factor
}

export interface Stepped {
  readonly direction: Direction
  readonly verification?: Verification | undefined
  readonly missing?: Factor | undefined
  /** To be kept with the record; absent when nothing changed. */
  readonly state?: PolicyState
}

/** For reports on their way into the journal when the window ends. */
const GRACE_MS = 5_000

export class Steps {
  readonly #rules: StepRules
  /** Those who are waited for. */
  readonly #waiting: Map<string, PolicyState>

  constructor(rules: StepRules) {
    this.#rules = rules
    const ruled = rules.verify.length === 0 ? [] : rules.states.waiting().filter(({ place }) => this.ruleOf(place))
    this.#waiting = new Map(ruled.map((state) => [stateKey(state.place, state.who), state]))
  }

  ruleOf(place: string): VerifyRule | undefined {
    return this.#rules.verify.find((rule) => rule.place === place)
  }

  /** `batch`: what earlier reports of the same commit changed. */
  take({ place, direction, who, person, factor }: Step, batch: Map<string, PolicyState>): Stepped {
    const rule = person === null ? undefined : this.ruleOf(place)
    const isRuled = rule?.factors.includes(factor.method) === true
    if (direction !== 'auto' && !isRuled) return { direction }
    const key = stateKey(place, who)
    const before = batch.get(key) ?? this.#rules.states.get(place, who) ?? { place, who, ref: person }
    const way = direction === 'auto' ? this.#turn(before, factor.moment) : direction
    const last = way === 'none' || direction !== 'auto' ? before.last : { direction: way, moment: factor.moment }
    const found = isRuled ? verify(rule, before.waiting, factor) : { waiting: before.waiting }
    const state = { ...before, last, waiting: found.waiting }
    batch.set(key, state)
    return { direction: way, state, ...found }
  }

  #turn({ last }: PolicyState, now: Moment): 'in' | 'out' {
    return nextDirection(last, now, this.#rules.autoDirection, this.#rules.offset)
  }

  /** After the commit. */
  keep(changed: Iterable<PolicyState>): void {
    for (const state of changed) {
      const key = stateKey(state.place, state.who)
      if (waits(state)) this.#waiting.set(key, state)
      else this.#waiting.delete(key)
    }
  }

  /** Those whose second factor did not come, each as it is to be remembered from now on. */
  missing(now: Moment): PolicyState[] {
    return [...this.#waiting.values()].flatMap((state) => {
      const { place, waiting } = state
      const rule = this.ruleOf(place)
      return rule && waiting && isMissing(rule, waiting, now, GRACE_MS)
        ? [{ ...state, waiting: { ...waiting, told: true } }]
        : []
    })
  }
}
