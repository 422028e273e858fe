/** Which cards lie in the field, counted in looks: a slow disk or a long light ends no presentation. */
import type { Technology } from './commands.js'
import type { Target } from './targets.js'

interface Present {
  readonly technology: Technology
  /** Looks in a row that did not find it. */
  missed: number
}

export class Field {
  readonly #missedLooks: number
  readonly #present = new Map<string, Present>()

  /** A card has left when `missedLooks` looks in a row did not find it. */
  constructor(missedLooks: number) {
    this.#missedLooks = missedLooks
  }

  /** Notes what one look found; returns those that have just come. */
  noted(technology: Technology, targets: readonly Target[]): Target[] {
    if (technology === 'b') this.#follow(targets)
    const seen = new Set(targets.map(keyOf))
    for (const [key, present] of this.#present) {
      if (seen.has(key)) present.missed = 0
      else if (present.technology === technology && ++present.missed >= this.#missedLooks) this.#present.delete(key)
    }
    return targets.filter((target) => {
      const comes = !this.#present.has(keyOf(target))
      if (comes) this.#present.set(keyOf(target), { technology, missed: 0 })
      return comes
    })
  }

  /**
   * Many cards of type B invent a new number each time the field comes on, and nothing marks it: where one lay at the look
   * before, it is that card, as nobody changes cards between two looks.
   */
  #follow([target]: readonly Target[]): void {
    if (!target) return
    const lying = [...this.#present].find(([, { technology, missed }]) => technology === 'b' && missed === 0)
    if (!lying || this.#present.has(keyOf(target))) return
    this.#present.delete(lying[0])
    this.#present.set(keyOf(target), lying[1])
  }
}

/** A phone that invents a new number at each look is one phone all the same, and an unreadable card one card. */
function keyOf(target: Target): string {
  if (target.kind === 'unread') return 'unread'
  return target.random ? 'random' : target.value
}
