/** What a scenario file says, once it is read: who comes, what stands there, what happens when, what is expected. */
import type { FaultPlan } from '../faults.js'
import type { Expectation } from './expectations.js'
import type { CardKind, Over, TwinName } from './twins.js'

export interface Person {
  readonly name: string
  /** Hex, one per kind at most. */
  readonly cards: Readonly<Partial<Record<CardKind, string>>>
}

export interface ReaderPlan {
  readonly id: string
  readonly twin: TwinName
  readonly over: Over
  readonly direction: 'in' | 'out' | 'none'
  readonly place: string
  /** Left out, and said so, where the machine cannot have it. */
  readonly optional: boolean
  readonly faults: FaultPlan
}

export type Who =
  | { readonly kind: 'person'; readonly name: string }
  | { readonly kind: 'some'; readonly count: number }
  | { readonly kind: 'everyone' }

/** Everything that can happen. */
export const DEEDS = [
  'tap',
  'hold',
  'unplug',
  'plug',
  'broker-down',
  'broker-up',
  'kill-daemon',
  'stop-daemon',
  'start-daemon',
  'pcscd-down',
  'pcscd-up',
  'pcscd-restart',
] as const
export type Deed = (typeof DEEDS)[number]

/** One line of the timeline. Times are milliseconds from the start. */
export interface Step {
  readonly do: Deed
  readonly atMs: number
  /** With a range, `5s..25s`: spread until then. */
  readonly untilMs?: number | undefined
  readonly who?: Who | undefined
  readonly readers: readonly string[]
  readonly times: number
  readonly everyMs: number
  /** How long it lasts: a hold, an outage. Undefined: until something ends it. */
  readonly forMs?: number | undefined
}

export interface Scenario {
  readonly name: string
  readonly seed: number
  /** 2 plays twice as fast. What a person does with a card takes its time all the same. */
  readonly speed: number
  readonly timezone: string
  /** `policy.repeatWindow` of the generated configuration. */
  readonly repeatWindow: string
  readonly people: readonly Person[]
  readonly readers: readonly ReaderPlan[]
  readonly steps: readonly Step[]
  readonly expect: readonly Expectation[]
}
