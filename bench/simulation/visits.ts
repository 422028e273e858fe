/** People at the doors: some come once, some again and again, some exactly when a window ends. */
import { between, type Random } from '../../simulators/random.js'
import { VISITORS, type Visitor } from './people.js'
import type { Plan } from './plan.js'
import type { Readers } from './readers.js'
import type { Scheduler } from './scheduler.js'
import type { Trace } from './trace.js'

const HOLD_MS = 200
/** Whoever sees red tries again, so often and so soon. */
const TRIES = 2
const AGAIN_MS = 3_000

export interface VisitsContext {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly trace: Trace
  readonly readers: Readers
  readonly plan: Plan
  /** How long it truly takes until the uptime has grown by so much. */
  readonly untilUptime: (ms: number) => number
}

export class Visits {
  readonly #context: VisitsContext
  /** Nobody comes any more. */
  over = true
  #round = 0
  #tries = new Map<string, number>()
  count = 0

  constructor(context: VisitsContext) {
    this.#context = context
  }

  begin(): void {
    this.over = false
    this.#next(++this.#round)
  }

  #next(round: number): void {
    const { scheduler, random, plan } = this.#context
    scheduler.after(between(random, 0, 2 * plan.visitEveryMs), () => {
      if (this.over || round !== this.#round) return
      this.#visit()
      this.#next(round)
    })
  }

  #visit(): void {
    const { random } = this.#context
    const visitor = VISITORS[between(random, 0, VISITORS.length - 1)]!
    if (between(random, 0, 2) === 0) this.#vault(visitor)
    else this.#gate(visitor)
  }

  /** Tapped once, or twice, or when the window is over or nearly so. */
  #gate(visitor: Visitor): void {
    const { random, plan } = this.#context
    const { repeatWindowMs: window } = plan
    const gaps = [
      0,
      0,
      between(random, 1_500, 10_000),
      window - 1,
      window,
      window + 1,
      between(random, 1_500, 2 * window),
    ]
    const again = gaps[between(random, 0, gaps.length - 1)]!
    const gate = between(random, 0, 1)
    this.tap(gate, visitor.tag)
    if (again > 0) this.#later(again, () => this.tap(between(random, 0, 3) === 0 ? 1 - gate : gate, visitor.tag))
  }

  /** Card and PIN, in either order, or one of them only. */
  #vault(visitor: Visitor): void {
    const { random, plan } = this.#context
    const { withinMs: within } = plan
    const gaps = [
      2_000,
      between(random, 1_500, 30_000),
      within - 1,
      within,
      within + 1,
      between(random, within, 2 * within + 10),
    ]
    const after = gaps[between(random, 0, gaps.length - 1)]!
    const steps = [() => this.card(visitor), () => this.pin(visitor)]
    if (between(random, 0, 1) === 0) steps.reverse()
    steps[0]?.()
    if (between(random, 0, 4) > 0) this.#later(after, () => steps[1]?.())
    else if (between(random, 0, 1) === 0) this.#later(after, () => steps[0]?.())
  }

  #later(ms: number, act: () => void): void {
    const { scheduler, untilUptime } = this.#context
    scheduler.after(untilUptime(ms), () => this.over || act())
  }

  tap(gate: number, tag: string): void {
    this.count += 1
    this.#context.trace.note(`person: ${tag} at gate ${gate}`)
    this.#context.readers.tap(gate, tag, HOLD_MS)
  }

  card({ card }: Visitor): void {
    this.count += 1
    this.#context.trace.note(`person: card ${card.join(',')} at the vault`)
    this.#context.readers.card(card)
  }

  pin({ pin }: Visitor): void {
    this.count += 1
    this.#context.trace.note(`person: PIN ${pin} at the vault`)
    this.#context.readers.type(pin)
  }

  /** The light was red: they try again. */
  refused(reader: string, value: string): void {
    const visitor = VISITORS.find(({ tag }) => tag === value)
    const tries = this.#tries.get(value) ?? 0
    if (!visitor || tries >= TRIES) return void this.#tries.delete(value)
    this.#tries.set(value, tries + 1)
    this.#later(AGAIN_MS, () => this.tap(reader === 'gate-south' ? 1 : 0, value))
  }
}
